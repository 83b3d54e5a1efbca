/**
 * What a namespace may do a minute, and how callers are told: `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11, rendered when
 * an answer leaves.
 */

import type { RateWindow } from './rate-window.ts'

/** Names of quotas in the headers. */
export type QuotaName = 'invocations' | 'fires'

export class Quota {
  readonly #name: QuotaName
  readonly #window: RateWindow
  readonly #now: () => number
  #allowed = 0
  #concurrent: number | undefined
  /** Rendered again only when a limit has changed. */
  #policy = ''

  /** `now` is the clock of the window. */
  constructor(name: QuotaName, window: RateWindow, now: () => number) {
    this.#name = name
    this.#window = window
    this.#now = now
  }

  /**
   * Asks for one more at `now`, on the clock of the window. `allowed` a minute, and at once where that is limited, are what holds for the caller now.
   * Returns the count with it; more than `allowed`: refused.
   */
  take(now: number, allowed: number, concurrent?: number): number {
    if (allowed !== this.#allowed || concurrent !== this.#concurrent || this.#policy === '') {
      this.#allowed = allowed
      this.#concurrent = concurrent
      this.#policy = policyOf(this.#name, allowed, concurrent)
    }
    return this.#window.take(now, allowed)
  }

  /** Seconds after which one more passes, or there is more room than at `now`: at least 1. */
  renewsInSeconds(now = this.#now()): number {
    return Math.max(1, Math.ceil(this.#window.renewsInMs(now, this.#allowed) / 1000))
  }

  /** Value of `RateLimit-Policy`. */
  get policy(): string {
    return this.#policy
  }

  /** Value of `RateLimit` now. */
  get limit(): string {
    // One reading of the clock: it costs as much as all the rest.
    const now = this.#now()
    return `"${this.#name}";r=${this.#window.remaining(now, this.#allowed)};t=${this.renewsInSeconds(now)}`
  }
}

/** Value of `RateLimit` for a caller who has as much in flight as it may have. */
export const NO_CONCURRENCY_LEFT = '"concurrency";r=0'

function policyOf(name: QuotaName, allowed: number, concurrent: number | undefined): string {
  const rate = `"${name}";q=${allowed};w=60`
  return concurrent === undefined ? rate : `${rate}, "concurrency";q=${concurrent};qu="concurrent-requests"`
}

/** Adds both headers to an answer's; none where there is no quota to tell of. */
export function appendRateLimit(headers: string[], quota: Quota | undefined): void {
  if (quota !== undefined) headers.push('RateLimit-Policy', quota.policy, 'RateLimit', quota.limit)
}
