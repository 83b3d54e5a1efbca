/** A clock that stands still until it is moved: timers fire in order of their time while it moves, nothing depends on the machine's speed. */

import type { Clock, Timers } from '../src/model/clock.ts'

export interface VirtualClock extends Clock, Timers {
  /** Moves time on by `ms`, firing what comes due; promise callbacks run between timers. */
  advance(ms: number): Promise<void>
  /** Jumps the wall clock without touching the monotonic one, as an operator or NTP does. */
  jump(ms: number): void
}

/** A clock at `startMs` since the epoch and monotonic 0. */
export function virtualClock(startMs = 1_700_000_000_000): VirtualClock {
  let monotonic = 0
  let offset = startMs
  let order = 0
  const timers = new Set<{ at: number; order: number; callback: () => void }>()
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return {
    now: () => Math.round(offset + monotonic),
    monotonic: () => monotonic,
    after(ms, callback) {
      const timer = { at: monotonic + Math.max(0, ms), order: order++, callback }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async advance(ms) {
      const end = monotonic + ms
      await settle()
      for (;;) {
        const due = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0]
        if (due === undefined) break
        timers.delete(due)
        monotonic = Math.max(monotonic, due.at)
        due.callback()
        await settle()
      }
      monotonic = end
    },
    jump(ms) {
      offset += ms
    },
  }
}
