/** New settings while the pool is at work. */

import { collectorOf } from './collector/choose-collector.ts'
import { ImageStemCells } from './image-stem-cells.ts'
import { valueOf } from './lifecycle.ts'
import { placementOf } from './placement/placement.ts'
import type { PoolCore } from './pool-core.ts'
import type { PoolSettings } from './pool-settings.ts'
import { StemCells } from './stem-cells.ts'

/** Whose the containers are and which leader this is cannot change; pauses and bounds of waiting are fixed when the pool is opened. */
export type SettingsChange = Partial<
  Omit<PoolSettings, 'owner' | 'epoch' | 'backoffMs' | 'backoffMaxMs' | 'maxWaitingActions' | 'startTimeoutMs'>
>

/** Puts changed settings in force from the next decision on. A collector or placement that was passed in from outside is replaced only by a named one. */
export function reconfigure(core: PoolCore, change: SettingsChange): void {
  const now = core.clock.monotonic()
  core.settings = { ...core.settings, ...change }
  core.passWanted = true
  if (change.placement !== undefined) core.placement = placementOf(change.placement)
  if (change.stemCells !== undefined || change.stemCheckMs !== undefined) {
    core.stems = new StemCells(core.settings.stemCells, core.settings.stemCheckMs, now)
  }
  if (change.imageStemCells !== undefined) core.imageStems = new ImageStemCells(core.settings.imageStemCells)
  if (change.collector === undefined && change.compaction === undefined) return
  core.collector = collectorOf(core.settings)
  // Values of one collector mean nothing to another one.
  for (const state of ['idle', 'active', 'marked'] as const) {
    for (const record of core.pool.inState(state)) {
      if (record.action === undefined) continue
      record.value = valueOf(core, record, record.action, core.retention.frequency(record.action.actionKey, now))
      core.victims.offer(record)
    }
  }
}
