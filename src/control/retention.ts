/** What is remembered of actions beyond the life of their containers: how often they are used and what starting one costs. */

import type { ActionKey } from './pool-protocol.ts'

interface Remembered {
  /** Uses, halved every half-life. */
  frequency: number
  /** When `frequency` was last brought up to date; monotonic ms. */
  at: number
}

export class Retention {
  readonly #actions = new Map<ActionKey, Remembered>()
  readonly #startCosts = new Map<string, number>()
  readonly #halfLifeMs: number
  readonly #maxActions: number

  constructor(halfLifeMs: number, maxActions: number) {
    this.#halfLifeMs = halfLifeMs
    this.#maxActions = maxActions
  }

  /** Uses of late, without counting one. */
  frequency(key: ActionKey, now: number): number {
    const known = this.#actions.get(key)
    return known === undefined ? 0 : known.frequency * 2 ** ((known.at - now) / this.#halfLifeMs)
  }

  /** Counts a use and answers the action's frequency. */
  used(key: ActionKey, now: number): number {
    const frequency = this.frequency(key, now) + 1
    // Deleted and set again: a map remembers insertion, so that the first key is the one that was used the longest ago.
    this.#actions.delete(key)
    if (this.#actions.size >= this.#maxActions) {
      const [oldest] = this.#actions.keys()
      if (oldest !== undefined) this.#actions.delete(oldest)
    }
    this.#actions.set(key, { frequency, at: now })
    return frequency
  }

  /** Notes how long a start took; the mean moves by an eighth of the difference. */
  started(startKey: string, tookMs: number): void {
    const mean = this.#startCosts.get(startKey)
    if (mean === undefined && this.#startCosts.size >= this.#maxActions) return
    this.#startCosts.set(startKey, mean === undefined ? tookMs : mean + (tookMs - mean) / 8)
  }

  /** Mean time in ms that a start took; a guess of 500 ms before the first. */
  startCostMs(startKey: string): number {
    return this.#startCosts.get(startKey) ?? 500
  }
}
