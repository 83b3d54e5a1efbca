/**
 * Gives memory back while there is nothing to do. V8 collects when allocation asks for it: what a burst of calls left, and what the start left, stays with
 * a server that rests for hours (9 MB after the start, 70 after 100,000 calls). So in a quiet moment it is collected once, as Java's collectors do
 * (JEP 346); the next time is after the next calls.
 */

import type { Cancel, Timers } from './clock.ts'

export interface IdleCollectionOptions {
  readonly timers: Timers
  /** Calls that have come in since the start, or whatever else leaves garbage. */
  readonly calls: () => number
  /** Calls that run or wait. */
  readonly active: () => number
  /** Collects before it returns. */
  readonly collect: () => void
}

/** A moment is quiet when no call came for so long, in ms. The pause of a collection, some tens of ms, is not to meet the next call of somebody. */
const QUIET_MS = 1000
/** What fewer calls leave is not worth a collection. */
const WORTH_CALLS = 1000

/** Looks for quiet moments from now on; the first one is used in any case. Returns how to stop. */
export function collectWhenIdle({ timers, calls, active, collect }: IdleCollectionOptions): () => void {
  let collectedAt = -WORTH_CALLS
  let seen = calls()
  let cancel: Cancel = timers.after(QUIET_MS, look)

  function look(): void {
    const count = calls()
    if (count === seen && active() === 0 && count - collectedAt >= WORTH_CALLS) {
      collectedAt = count
      collect()
    }
    seen = count
    cancel = timers.after(QUIET_MS, look)
  }

  return () => cancel()
}

/**
 * A collection of all that can be had in this thread: V8's usual kind leaves most of it to later ones. To be made when the thread starts, since V8 defines
 * `gc` in contexts that are made while a flag of the whole process is set; it is taken back because code caches are not accepted under it.
 */
export function fullCollection(): () => void {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8')
  setFlagsFromString('--expose-gc')
  // Undefined where another thread took the flag back in the same moment.
  const gc: unknown = process.getBuiltinModule('node:vm').runInNewContext('globalThis.gc')
  setFlagsFromString('--no-expose-gc')
  return () => {
    if (typeof gc === 'function') {
      Reflect.apply(gc, undefined, [{ type: 'major', execution: 'sync', flavor: 'last-resort' }])
    }
  }
}
