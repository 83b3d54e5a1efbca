/** What happens by the clock alone: deadlines of marks and starts, the collector's round, stem cells that expire. */

import { collectorRound } from './collector-round.ts'
import { decide } from './decide.ts'
import { advanceStarts } from './lifecycle.ts'
import type { PoolCore } from './pool-core.ts'
import { advanceMarks } from './removal.ts'

/** While somebody waits or something is on its way out, deadlines are looked at this often, in ms. */
const BUSY_TICK_MS = 25
/** While containers are being started, in ms. */
const STARTING_TICK_MS = 250

/** Looks at everything that time alone changes, then decides. */
export function tick(core: PoolCore): void {
  const now = core.clock.monotonic()
  if (core.superseded) return
  advanceMarks(core)
  advanceStarts(core)
  if (now - core.collectedAt >= core.settings.collectMs) {
    core.collectedAt = now
    collectorRound(core)
  }
  decide(core)
}

/** Milliseconds until `tick` has something to look at. */
export function nextTickMs(core: PoolCore): number {
  const { collectMs } = core.settings
  if (core.demands.size > 0 || core.marks.size > 0 || core.pool.inState('requested').size > 0) {
    return Math.min(BUSY_TICK_MS, collectMs)
  }
  return core.pool.inState('creating').size > 0 ? Math.min(STARTING_TICK_MS, collectMs) : collectMs
}
