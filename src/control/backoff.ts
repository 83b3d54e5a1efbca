/** Keeps a kind or image that fails to start from being started over and over: each failure in a row doubles the pause, up to a bound. */

interface Failing {
  failures: number
  until: number
}

export interface BackoffSettings {
  readonly firstMs: number
  readonly maxMs: number
}

/** Keys that are remembered at a time; the oldest goes first. */
const MAX_KEYS = 10_000

export class Backoff {
  readonly #failing = new Map<string, Failing>()
  readonly #settings: BackoffSettings

  constructor(settings: BackoffSettings) {
    this.#settings = settings
  }

  /** Keys whose last start failed. */
  get size(): number {
    return this.#failing.size
  }

  failed(key: string, now: number): void {
    const failures = (this.#failing.get(key)?.failures ?? 0) + 1
    const pauseMs = Math.min(this.#settings.maxMs, this.#settings.firstMs * 2 ** Math.min(failures - 1, 30))
    this.#failing.delete(key)
    if (this.#failing.size >= MAX_KEYS) {
      const [oldest] = this.#failing.keys()
      if (oldest !== undefined) this.#failing.delete(oldest)
    }
    this.#failing.set(key, { failures, until: now + pauseMs })
  }

  succeeded(key: string): void {
    this.#failing.delete(key)
  }

  /** True when the last start failed: one at a time is tried then, once `pausedUntil` has passed. */
  isFailing(key: string): boolean {
    return this.#failing.has(key)
  }

  /** Monotonic ms before which nothing is tried; 0 when nothing speaks against it. */
  pausedUntil(key: string): number {
    return this.#failing.get(key)?.until ?? 0
  }
}
