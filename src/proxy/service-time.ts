/** What a proxy learns from the runs it saw: how long one takes, and so when it makes sense to come back. */

/** Weight of the newest sample: a change of the service time is followed within ten samples (requirement S4-85). */
const WEIGHT = 0.3
/** Weight of the newest deviation: smaller, so that a rare long run is remembered for some tens of runs. */
const DEVIATION_WEIGHT = 0.1

export interface ServiceTime {
  /** Exponentially weighted mean in ms; undefined before the first sample. */
  readonly meanMs: number | undefined
  /** What a run hardly ever exceeds: mean plus four mean deviations (Jacobson and Karels, 1988, as in TCP's retransmission timer). */
  readonly pessimisticMs: number | undefined
  observe(ms: number): void
  /** Expected ms until a request that came now would begin: what is ahead of it, over how many run at once. */
  waitMs(ahead: number, slots: number): number
}

/** Starts without samples: `waitMs` then takes `assumedMs` for a run. */
export function serviceTime(assumedMs: number): ServiceTime {
  let mean: number | undefined
  let deviation = 0
  return {
    get meanMs() {
      return mean
    },
    get pessimisticMs() {
      return mean === undefined ? undefined : mean + 4 * deviation
    },
    observe(ms) {
      if (mean !== undefined) deviation += DEVIATION_WEIGHT * (Math.abs(ms - mean) - deviation)
      mean = mean === undefined ? ms : mean + WEIGHT * (ms - mean)
    },
    waitMs: (ahead, slots) => ((mean ?? assumedMs) * ahead) / Math.max(1, slots),
  }
}
