/**
 * Counts what a namespace does in a minute: over the sliding minute, or over the wall clock's minutes as OpenWhisk does.
 *
 * What users expect of "N a minute" is that N calls pass at once and that no 60 s hold more than N. A token bucket or GCRA lets up to 2N through in some
 * minute; two fixed minutes weighed against each other (what proxies use, since it takes two numbers) are an estimate. So the times of those let in are
 * kept, as Redis users do in a sorted set ("sliding window log"), packed: calls of one ms share an entry of 16 bytes.
 */

import type { Clock } from '../model/clock.ts'

export const WINDOW_MS = 60_000

export interface RateWindow {
  /** Asks for one more at `now`. Returns how many the window holds with it; more than `allowed`: it is refused. */
  take(now: number, allowed: number): number
  /** How many more would be let in at `now`. */
  remaining(now: number, allowed: number): number
  /** ms after which there will be room for more than `remaining` tells, if nothing else comes; more than 0, at most `WINDOW_MS`. */
  renewsInMs(now: number, allowed: number): number
}

export type RateWindowKind = 'sliding' | 'fixed'

/** An empty window. Its times are those of `rateClock`. */
export function rateWindow(kind: RateWindowKind): RateWindow {
  return kind === 'fixed' ? fixedWindow() : slidingWindow()
}

/** The clock that windows of a kind go by: full minutes are the wall clock's; a sliding one must not stop when that is set back. */
export function rateClock(kind: RateWindowKind, clock: Clock): () => number {
  return kind === 'fixed' ? () => clock.now() : () => clock.monotonic()
}

/**
 * OpenWhisk's window: starts again when the minute number changes, so that twice the limit may pass around that moment. Refused calls count, too:
 * its texts show it.
 */
function fixedWindow(): RateWindow {
  let minute = -1
  let count = 0
  const advance = (now: number): void => {
    const current = Math.floor(now / WINDOW_MS)
    if (current === minute) return
    minute = current
    count = 0
  }
  return {
    take(now) {
      advance(now)
      return ++count
    },
    remaining(now, allowed) {
      advance(now)
      return Math.max(0, allowed - count)
    },
    renewsInMs: (now) => WINDOW_MS - (now % WINDOW_MS),
  }
}

const FIRST_ENTRIES = 16

/**
 * The last 60 s, exactly. Refused calls do not count: a caller who asks too often gets its N a minute, and is not shut out by its own retries.
 * Times within one ms are one entry at the later of them, so that it never holds more than 60,000 entries and errs, by less than a ms, on the safe side.
 */
function slidingWindow(): RateWindow {
  /** A ring of two numbers an entry: when, and how many had been let in by then since the beginning. */
  let ring = new Float64Array(2 * FIRST_ENTRIES)
  let capacity = FIRST_ENTRIES
  let head = 0
  let entries = 0
  let total = 0
  /** How many of `total` have left the window. */
  let left = 0

  const slot = (index: number): number => 2 * ((head + index) & (capacity - 1))
  const timeOf = (index: number): number => ring[slot(index)] ?? 0
  const totalOf = (index: number): number => ring[slot(index) + 1] ?? 0

  function expire(now: number): void {
    if (entries === 0) return
    const before = now - WINDOW_MS
    if (timeOf(entries - 1) <= before) {
      entries = 0
      left = total
      return
    }
    while (timeOf(0) <= before) {
      left = totalOf(0)
      head = (head + 1) & (capacity - 1)
      entries--
    }
  }

  function grow(): void {
    const larger = new Float64Array(4 * capacity)
    for (let index = 0; index < entries; index++) {
      larger[2 * index] = timeOf(index)
      larger[2 * index + 1] = totalOf(index)
    }
    ring = larger
    capacity *= 2
    head = 0
  }

  function note(now: number): void {
    total++
    const last = entries - 1
    if (entries === 0 || Math.floor(timeOf(last)) !== Math.floor(now)) {
      if (entries === capacity) grow()
      entries++
    }
    const at = slot(entries - 1)
    ring[at] = now
    ring[at + 1] = total
  }

  /** When fewer than `allowed` will be left: the time of the call that has to leave for it, found by halving. */
  function leavingTime(allowed: number): number {
    let low = 0
    let high = entries - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (total - totalOf(middle) < allowed) high = middle
      else low = middle + 1
    }
    return timeOf(low)
  }

  return {
    take(now, allowed) {
      expire(now)
      const held = total - left
      if (held < allowed) note(now)
      return held + 1
    },
    remaining(now, allowed) {
      expire(now)
      return Math.max(0, allowed - (total - left))
    },
    renewsInMs(now, allowed) {
      expire(now)
      if (entries === 0 || allowed <= 0) return WINDOW_MS
      const leaving = total - left < allowed ? timeOf(0) : leavingTime(allowed)
      return leaving + WINDOW_MS - now
    },
  }
}
