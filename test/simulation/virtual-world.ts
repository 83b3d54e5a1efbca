/** Virtual time for simulations: everything that would wait for a timer is an entry of one queue, run in order as fast as the machine can. */

import type { Clock } from '../../src/model/clock.ts'
import { Heap } from '../../src/control/heap.ts'

interface Entry {
  readonly at: number
  readonly order: number
  readonly run: () => void
  cancelled: boolean
}

/** ms since the epoch at which the world begins. */
const BEGINNING = 1_700_000_000_000

export class VirtualWorld {
  readonly clock: Clock
  readonly #entries = new Heap<Entry>(
    (one, other) => one.at < other.at || (one.at === other.at && one.order < other.order),
  )
  #now = 0
  #order = 0
  #seed: number

  constructor(seed: number) {
    this.#seed = seed >>> 0
    this.clock = { now: () => BEGINNING + Math.floor(this.#now), monotonic: () => this.#now }
  }

  get now(): number {
    return this.#now
  }

  /** A number in [0, 1): mulberry32, the same sequence for the same seed. */
  random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) >>> 0
    let mixed = this.#seed
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  /** A number in [low, high). */
  between(low: number, high: number): number {
    return low + this.random() * (high - low)
  }

  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.random() * items.length)]
  }

  /** Runs something `ms` from now; answers how to cancel it. */
  after(ms: number, run: () => void): () => void {
    const entry: Entry = { at: this.#now + ms, order: this.#order++, run, cancelled: false }
    this.#entries.push(entry)
    return () => {
      entry.cancelled = true
    }
  }

  /** Resolves `ms` from now. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve)
    })
  }

  /** Lets `ms` pass with everything that happens in it. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms
    await settled()
    for (let entry = this.#entries.pop(); entry !== undefined; entry = this.#entries.pop()) {
      if (entry.at > end) {
        this.#entries.push(entry)
        break
      }
      if (entry.cancelled) continue
      this.#now = Math.max(this.#now, entry.at)
      entry.run()
      await settled()
    }
    this.#now = end
  }
}

/** Resolves when everything that promises set off has run. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
