/** One deadline is made where work enters and handed down to everything that waits on its behalf. */

import type { Clock } from './clock.ts'

/** A point on the monotonic clock, in ms, after which nobody waits for the work any more. */
export interface Deadline {
  /** `Clock.monotonic()` value at which the deadline passes. */
  readonly at: number
}

/** A deadline `ms` milliseconds from now. */
export function deadlineIn(ms: number, clock: Clock): Deadline {
  return { at: clock.monotonic() + ms }
}

/** Milliseconds left, never negative. */
export function remainingMs(deadline: Deadline, clock: Clock): number {
  return Math.max(0, deadline.at - clock.monotonic())
}
