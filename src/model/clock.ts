/** Time as a parameter: the hot core never reads a clock of its own, so that tests drive it with a virtual one. */

export interface Clock {
  /** Wall-clock time in ms since the epoch; may jump. For records and deadlines that leave the process. */
  now(): number
  /** Monotonic time in ms from an arbitrary origin; never goes back. For durations, timeouts and windows. */
  monotonic(): number
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

/** Cancels a timer; does nothing when it has fired. */
export type Cancel = () => void

/** Timers as a parameter, for the same reason. */
export interface Timers {
  /** Runs `callback` once after `ms` milliseconds unless cancelled. A pending timer does not keep the process alive. */
  after(ms: number, callback: () => void): Cancel
}

/** The event loop's timers. */
export const systemTimers: Timers = {
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
