/** New settings while the pool is at work. */

import { collectorOf } from './collector/choose-collector.ts'
import { valueOf } from './lifecycle.ts'
import { placementOf } from './placement/placement.ts'
import type { PoolCore } from './pool-core.ts'
import type { PoolSettings } from './pool-settings.ts'
import type { StemCellPlan } from './stem-cells.ts'
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
    keepStems(core)
  }
  if (change.imageStemCells !== undefined) core.imageStems.reconfigure(core.settings.imageStemCells)
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

/** Cells that were started for a plan which only wants another number of them now are those of the new one. */
function keepStems(core: PoolCore): void {
  for (const record of core.pool.all()) {
    const { stem } = record
    if (stem === undefined || record.action !== undefined) continue
    record.stem = core.settings.stemCells.find((plan) => isAlike(plan, stem)) ?? stem
  }
}

function isAlike(one: StemCellPlan, other: StemCellPlan): boolean {
  return (
    one.kind === other.kind &&
    one.image === other.image &&
    one.memoryMb === other.memoryMb &&
    one.concurrent === other.concurrent &&
    one.actionKey === other.actionKey
  )
}
