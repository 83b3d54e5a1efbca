/**
 * Notices activations as they end. The API has no feed of them, so the newest ones are listed again and again and those not seen before are
 * reported. A record appears when its activation ends, under the time when it started: the listing therefore looks back as far as a run can last.
 */

import type { JsonObject, JsonValue } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'
import { numberOf } from './fields.ts'
import type { Query } from './api-client.ts'

/** The longest time limit of an action (5 minutes) and as much again for a queue. */
const LOOK_BACK_MS = 600_000
/** What the API lists at once, at most. */
const PAGE = 200
/** With more activations than this between two looks, the oldest are missed: a terminal shows no more anyway. */
const MAX_PAGES = 5

export interface WatchDeps {
  /** Lists activation summaries. */
  readonly list: (query: Query) => Promise<JsonValue | undefined>
  /** Clock in ms since the epoch; the server's and ours may differ by some seconds, which the look-back covers. */
  readonly now: () => number
}

/**
 * Remembers which activations it has reported. `next()` resolves with those that ended since `sinceMs` (epoch) and were not reported yet, oldest first.
 */
export function createActivationWatch(deps: WatchDeps, sinceMs: number): { next(): Promise<readonly JsonObject[]> } {
  const seen = new Map<string, number>()
  let first = true
  return {
    async next() {
      const from = Math.min(sinceMs, deps.now()) - LOOK_BACK_MS
      const since = first ? from : Math.max(from, deps.now() - 2 * LOOK_BACK_MS)
      first = false
      const found: JsonObject[] = []
      for (let page = 0; page < MAX_PAGES; page++) {
        const items = await deps.list({ since, limit: PAGE, skip: page * PAGE })
        if (!Array.isArray(items)) break
        for (const item of items as readonly JsonValue[]) {
          if (isJsonObject(item) && typeof item.activationId === 'string' && !seen.has(item.activationId)) {
            seen.set(item.activationId, numberOf(item.start) ?? 0)
            if (endOf(item) >= sinceMs) found.push(item)
          }
        }
        if (items.length < PAGE) break
      }
      // Bounded memory: what is older than the listing reaches is never listed again.
      for (const [id, start] of seen) if (start < since) seen.delete(id)
      return found.toSorted((a, b) => endOf(a) - endOf(b))
    },
  }
}

/** Trigger activations have no end. */
function endOf(item: JsonObject): number {
  const start = numberOf(item.start) ?? 0
  return Math.max(start, numberOf(item.end) ?? start)
}
