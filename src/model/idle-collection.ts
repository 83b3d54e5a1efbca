/**
 * Gives memory back while there is nothing to do. V8 collects when allocation asks for it: what the start left, and what a burst of calls left, stays with
 * a server that rests for hours (9 MB after the start, 70 after 60,000 calls). So it is collected once in a quiet time, as Java's collectors do (JEP 346).
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

const LOOK_MS = 1000
/**
 * After calls it must have been quiet for so long, in ms. V8 collects several times to give back all that it can, and takes code that has not run meanwhile
 * for old: the first thousands of calls after it cost half as much again until they are compiled anew.
 */
const QUIET_MS = 300_000
/** What fewer calls leave is not worth a collection. */
const WORTH_CALLS = 1000

/** Looks for quiet times from now on: for a moment after the start, for minutes after calls. Returns how to stop. */
export function collectWhenIdle({ timers, calls, active, collect }: IdleCollectionOptions): () => void {
  let collectedAt: number | undefined
  let seen = calls()
  let quietMs = 0
  let cancel: Cancel = timers.after(LOOK_MS, look)

  function look(): void {
    const count = calls()
    quietMs = count === seen && active() === 0 ? quietMs + LOOK_MS : 0
    // A server that was busy from its start on has code that it needs.
    const isFresh = collectedAt === undefined && count < WORTH_CALLS
    const isDue = isFresh ? quietMs > 0 : quietMs >= QUIET_MS && count - (collectedAt ?? 0) >= WORTH_CALLS
    if (isDue) {
      collectedAt = count
      collect()
    }
    seen = count
    cancel = timers.after(LOOK_MS, look)
  }

  return () => cancel()
}

/**
 * V8's collector of all that can be had in this thread; its usual kind gives hardly anything back. To be made when the thread starts, since V8 defines `gc`
 * in contexts that are made while a flag of the whole process is set; it is taken back because code caches are not accepted under it.
 */
export function collector(): () => void {
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
