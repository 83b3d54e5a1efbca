/** Limits of a namespace, checked before anything else is done for a call: calls per minute, fires of triggers per minute, and calls in flight. */

import type { Clock } from '../model/clock.ts'
import type { Refusal } from '../model/errors.ts'
import { refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import { NO_CONCURRENCY_LEFT, Quota } from './quota.ts'
import type { RateWindowKind } from './rate-window.ts'
import { rateClock, rateWindow } from './rate-window.ts'

/** A call that was let in. Released when its activation has completed, not when the caller was answered. */
export interface Admission {
  /** What `appendRateLimit` tells the caller; undefined where callers are told nothing. */
  readonly quota: Quota | undefined
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
  /** Namespaces that are remembered: those that called within the last minutes. */
  readonly namespaces: number
  /** Lets a call in, or throws the 429 with OpenWhisk's text and `Retry-After`. */
  enter(identity: Identity): Admission
  /**
   * Counts the fire of a trigger, on a counter of its own, or throws the 429 with the text and `Retry-After` of calls. Returns what `appendRateLimit`
   * tells the caller.
   */
  fire(identity: Identity): Quota | undefined
  /** Counts a call that was accepted by an earlier process and must not be refused any more. */
  readmit(identity: Identity): Admission
}

export interface LimitsOptions {
  readonly window: RateWindowKind
  /** Whether callers are told of their limits by `RateLimit` headers. */
  readonly headers: boolean
  readonly clock: Clock
}

/** Counted by the namespace's uuid, as in OpenWhisk: its keys share what it may do, and a namespace that is made anew under an old name starts anew. */
interface Usage {
  readonly calls: Quota
  /** Undefined until a trigger is fired: most namespaces never do. */
  fires: Quota | undefined
  inFlight: number
  /** By the windows' clock. */
  lastSeen: number
}

/** A namespace that was idle this long is forgotten: its window is empty by then. */
const FORGET_AFTER_MS = 120_000
const SWEEP_EVERY_CALLS = 65_536

/** Limits kept in this process. */
export function localLimits({ window, headers, clock }: LimitsOptions): Limits {
  const usages = new Map<string, Usage>()
  const counters = { admitted: 0, rateLimited: 0, concurrencyLimited: 0, fires: 0, firesLimited: 0 }
  const rateNow = rateClock(window, clock)
  let inFlight = 0
  let untilSweep = SWEEP_EVERY_CALLS

  function usageOf(uuid: string, now: number): Usage {
    let usage = usages.get(uuid)
    if (usage === undefined) {
      const calls = new Quota('invocations', rateWindow(window), rateNow)
      usage = { calls, fires: undefined, inFlight: 0, lastSeen: now }
      usages.set(uuid, usage)
    }
    usage.lastSeen = now
    if (--untilSweep === 0) sweep(now)
    return usage
  }

  function sweep(now: number): void {
    untilSweep = SWEEP_EVERY_CALLS
    for (const [uuid, usage] of usages) {
      // A wall clock may be set back.
      if (usage.inFlight === 0 && Math.abs(now - usage.lastSeen) > FORGET_AFTER_MS) usages.delete(uuid)
    }
  }

  function admit(usage: Usage): Admission {
    usage.inFlight++
    inFlight++
    counters.admitted++
    let held = true
    return {
      quota: headers ? usage.calls : undefined,
      release() {
        if (!held) return
        held = false
        usage.inFlight--
        inFlight--
      },
    }
  }

  function rateRefusal(count: number, allowed: number, quota: Quota): Refusal {
    const text = `Too many requests in the last minute (count: ${count}, allowed: ${allowed}).`
    return refusal('RATE_LIMITED', 429, text, {
      retryAfterSeconds: quota.renewsInSeconds(),
      ...(headers && { headers: { 'RateLimit-Policy': quota.policy, RateLimit: quota.limit } }),
    })
  }

  function concurrencyRefusal(count: number, allowed: number, quota: Quota): Refusal {
    const text = `Too many concurrent requests in flight (count: ${count}, allowed: ${allowed}).`
    return refusal('CONCURRENCY_LIMITED', 429, text, {
      retryAfterSeconds: 1,
      ...(headers && { headers: { 'RateLimit-Policy': quota.policy, RateLimit: NO_CONCURRENCY_LEFT } }),
    })
  }

  return {
    counters,
    get inFlight() {
      return inFlight
    },
    get namespaces() {
      return usages.size
    },
    enter(identity) {
      const { invocationsPerMinute, concurrentInvocations } = identity.limits
      const now = rateNow()
      const usage = usageOf(identity.uuid, now)
      const { calls } = usage
      const count = calls.take(now, invocationsPerMinute, concurrentInvocations)
      if (count > invocationsPerMinute) {
        counters.rateLimited++
        throw rateRefusal(count, invocationsPerMinute, calls)
      }
      if (usage.inFlight >= concurrentInvocations) {
        counters.concurrencyLimited++
        throw concurrencyRefusal(usage.inFlight, concurrentInvocations, calls)
      }
      return admit(usage)
    },
    fire(identity) {
      const { firesPerMinute } = identity.limits
      const now = rateNow()
      const usage = usageOf(identity.uuid, now)
      const fires = (usage.fires ??= new Quota('fires', rateWindow(window), rateNow))
      const count = fires.take(now, firesPerMinute)
      if (count > firesPerMinute) {
        counters.firesLimited++
        throw rateRefusal(count, firesPerMinute, fires)
      }
      counters.fires++
      return headers ? fires : undefined
    },
    readmit: (identity) => admit(usageOf(identity.uuid, rateNow())),
  }
}
