/** The containers that routers use, the least valuable first, so that room is found without looking at all of them. */

import type { ContainerId } from '../model/ids.ts'
import type { GlobalPool, PoolRecord } from './global-pool.ts'
import { Heap } from './heap.ts'

interface Offer {
  readonly id: ContainerId
  /** The record's value when it was offered: an offer of another value is out of date. */
  readonly value: number
}

/** Records that are looked at in one search: bounds a search in vain over a pool that is all busy. */
const MAX_SEARCH = 20_000

export class VictimQueue {
  readonly #pool: GlobalPool
  readonly #offers = new Heap<Offer>((one, other) => one.value < other.value)

  constructor(pool: GlobalPool) {
    this.#pool = pool
  }

  /** Offers a container at its present value; earlier offers of it lapse when that differs. */
  offer(record: PoolRecord): void {
    if (this.#offers.size > 2 * this.#pool.size + 1_000) this.#rebuild()
    this.#offers.push({ id: record.id, value: record.value })
  }

  /** Idle and active containers by ascending value. Take what you need and stop: nothing is removed by looking. */
  *ascending(): Generator<PoolRecord, void, undefined> {
    const looked: Offer[] = []
    const seen = new Set<ContainerId>()
    try {
      for (let offer = this.#offers.pop(); offer !== undefined; offer = this.#offers.pop()) {
        const record = this.#pool.get(offer.id)
        if (record === undefined || record.value !== offer.value || seen.has(offer.id) || !isUsable(record)) continue
        looked.push(offer)
        seen.add(offer.id)
        yield record
        if (looked.length >= MAX_SEARCH) return
      }
    } finally {
      for (const offer of looked) this.#offers.push(offer)
    }
  }

  #rebuild(): void {
    this.#offers.clear()
    for (const state of ['idle', 'active'] as const) {
      for (const { id, value } of this.#pool.inState(state)) this.#offers.push({ id, value })
    }
  }
}

function isUsable({ state }: PoolRecord): boolean {
  return state === 'idle' || state === 'active'
}
