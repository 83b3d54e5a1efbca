/** Counts calls per minute, either over a sliding minute or over the wall clock's minutes as OpenWhisk does. */

const MINUTE_MS = 60_000

export interface RateWindow {
  /** Counts one call at `now` (ms since the epoch) and returns how many the window holds with it, rejected ones included. */
  count(now: number): number
  /** Seconds after which the window will hold fewer than `allowed` calls if no more come; at least 1. */
  retryAfterSeconds(now: number, allowed: number): number
}

export type RateWindowKind = 'sliding' | 'fixed'

/** An empty window. */
export function rateWindow(kind: RateWindowKind): RateWindow {
  return kind === 'fixed' ? fixedWindow() : slidingWindow()
}

/** OpenWhisk's window: starts again when the minute number changes, so that twice the limit may pass around that moment. */
function fixedWindow(): RateWindow {
  let minute = -1
  let count = 0
  return {
    count(now) {
      const current = Math.floor(now / MINUTE_MS)
      if (current !== minute) {
        minute = current
        count = 0
      }
      return ++count
    },
    retryAfterSeconds: (now) => Math.max(1, Math.ceil((MINUTE_MS - (now % MINUTE_MS)) / 1000)),
  }
}

/**
 * A sliding minute estimated from two fixed ones: the previous minute counts with the share of it that the sliding window still covers
 * (Cloudflare, "How we built rate limiting capable of scaling to millions of domains", 2017: off by 0.003 % of requests). Two numbers instead of a log.
 */
function slidingWindow(): RateWindow {
  let minute = -1
  let current = 0
  let previous = 0
  const advance = (now: number): number => {
    const number = Math.floor(now / MINUTE_MS)
    if (number !== minute) {
      previous = number === minute + 1 ? current : 0
      current = 0
      minute = number
    }
    return (now % MINUTE_MS) / MINUTE_MS
  }
  return {
    count(now) {
      const elapsed = advance(now)
      current++
      return Math.floor(current + previous * (1 - elapsed))
    },
    retryAfterSeconds(now, allowed) {
      const elapsed = advance(now)
      const untilNext = (1 - elapsed) * 60
      // Within this minute only the previous one fades; past its end the present one does.
      const fading = previous > 0 ? ((current + previous * (1 - elapsed) - allowed) / previous) * 60 : Infinity
      const wait = fading <= untilNext ? fading : untilNext + Math.max(0, (1 - allowed / Math.max(1, current)) * 60)
      // Past the moment at which a further call would be the last one too many, not at it.
      return Math.floor(wait + 1e-6) + 1
    },
  }
}
