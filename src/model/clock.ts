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
