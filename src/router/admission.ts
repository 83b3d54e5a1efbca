/** Limits of a namespace, checked before anything else is done for a call: calls per minute, fires of triggers per minute, and calls in flight. */

import type { Clock } from '../model/clock.ts'
import type { Refusal } from '../model/errors.ts'
import { refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { RateWindow, RateWindowKind } from './rate-window.ts'
import { rateWindow } from './rate-window.ts'

/** A call that was let in. Released when its activation has completed, not when the caller was answered. */
export interface Admission {
  /** Idempotent. */
  release(): void
}

export interface Limits {
  readonly counters: {
    admitted: number
    rateLimited: number
    concurrencyLimited: number
    fires: number
    firesLimited: number
  }
  /** Calls in flight over all namespaces. */
  readonly inFlight: number
  /** Lets a call in, or throws the 429 with OpenWhisk's text and `Retry-After`. */
  enter(identity: Identity): Admission
  /** Counts the fire of a trigger, on a counter of its own, or throws the 429 with the text and `Retry-After` of calls. */
  fire(identity: Identity): void
  /** Counts a call that was accepted by an earlier process and must not be refused any more. */
  readmit(identity: Identity): Admission
}

interface Usage {
  readonly window: RateWindow
  /** Undefined until a trigger is fired: most namespaces never do. */
  fires: RateWindow | undefined
  inFlight: number
  lastSeen: number
}

/** A namespace that was idle this long is forgotten: its window is empty by then. */
const FORGET_AFTER_MS = 120_000
const SWEEP_EVERY_CALLS = 65_536

/** Limits kept in this process. */
export function localLimits(kind: RateWindowKind, clock: Clock): Limits {
  const usages = new Map<string, Usage>()
  const counters = { admitted: 0, rateLimited: 0, concurrencyLimited: 0, fires: 0, firesLimited: 0 }
  let inFlight = 0
  let untilSweep = SWEEP_EVERY_CALLS

  function usageOf(uuid: string, now: number): Usage {
    let usage = usages.get(uuid)
    if (usage === undefined) {
      usage = { window: rateWindow(kind), fires: undefined, inFlight: 0, lastSeen: now }
      usages.set(uuid, usage)
    }
    usage.lastSeen = now
    if (--untilSweep === 0) sweep(now)
    return usage
  }

  function sweep(now: number): void {
    untilSweep = SWEEP_EVERY_CALLS
    for (const [uuid, usage] of usages) {
      if (usage.inFlight === 0 && now - usage.lastSeen > FORGET_AFTER_MS) usages.delete(uuid)
    }
  }

  function admit(usage: Usage): Admission {
    usage.inFlight++
    inFlight++
    counters.admitted++
    let held = true
    return {
      release() {
        if (!held) return
        held = false
        usage.inFlight--
        inFlight--
      },
    }
  }

  return {
    counters,
    get inFlight() {
      return inFlight
    },
    enter(identity) {
      const now = clock.now()
      const { invocationsPerMinute, concurrentInvocations } = identity.limits
      const usage = usageOf(identity.uuid, now)
      const count = usage.window.count(now)
      if (count > invocationsPerMinute) {
        counters.rateLimited++
        throw rateRefusal(count, invocationsPerMinute, usage.window.retryAfterSeconds(now, invocationsPerMinute))
      }
      if (usage.inFlight >= concurrentInvocations) {
        counters.concurrencyLimited++
        throw concurrencyRefusal(usage.inFlight, concurrentInvocations)
      }
      return admit(usage)
    },
    fire(identity) {
      const now = clock.now()
      const { firesPerMinute } = identity.limits
      const usage = usageOf(identity.uuid, now)
      usage.fires ??= rateWindow(kind)
      const count = usage.fires.count(now)
      if (count > firesPerMinute) {
        counters.firesLimited++
        throw rateRefusal(count, firesPerMinute, usage.fires.retryAfterSeconds(now, firesPerMinute))
      }
      counters.fires++
    },
    readmit: (identity) => admit(usageOf(identity.uuid, clock.now())),
  }
}

function rateRefusal(count: number, allowed: number, retryAfterSeconds: number): Refusal {
  const text = `Too many requests in the last minute (count: ${count}, allowed: ${allowed}).`
  return refusal('RATE_LIMITED', 429, text, { retryAfterSeconds })
}

function concurrencyRefusal(count: number, allowed: number): Refusal {
  const text = `Too many concurrent requests in flight (count: ${count}, allowed: ${allowed}).`
  return refusal('CONCURRENCY_LIMITED', 429, text, { retryAfterSeconds: 1 })
}
