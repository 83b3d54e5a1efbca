/** What an operator can set of the distributed container pool; times in ms. */

import type { CollectorName } from './collector/choose-collector.ts'
import type { CompactionSettings } from './collector/compact.ts'
import { COMPACTION } from './collector/compact.ts'
import type { ImageStemCellSettings } from './image-stem-cells.ts'
import type { PlacementName } from './placement/placement.ts'
import type { StemCellPlan } from './stem-cells.ts'

export interface PoolSettings {
  /** Whose containers these are: several installations can share a host. At most 63 characters. */
  readonly owner: string
  /** Fencing epoch of this control plane; a later leader has a greater one. */
  readonly epoch: number
  readonly collector: CollectorName
  readonly compaction: CompactionSettings
  readonly placement: PlacementName
  /** A container that was not used for this long is removed. */
  readonly idleTimeoutMs: number
  /** Time between two collections. */
  readonly collectMs: number
  /** How long routers have to acknowledge a mark. */
  readonly markGraceMs: number
  /** What happens to a marked container that is used: it is kept, or replaced by a new one that is ready before it goes. */
  readonly onMarkedUse: 'unmark' | 'recycle'
  /** How long a marked container may take to finish what is in flight before it is removed all the same: longer than any action may run. */
  readonly drainTimeoutMs: number
  readonly maxConcurrentStarts: number
  readonly startTimeoutMs: number
  /** Pause after a failed start of a kind or image; doubles up to the maximum. */
  readonly backoffMs: number
  readonly backoffMaxMs: number
  /** An action without any container takes one from an action that has more after waiting this long. */
  readonly shareAfterMs: number
  /** How long a container may serve before an action without any can take its room, where every action has but one. */
  readonly sliceMs: number
  /** Time between two comparisons with what the factory lists. */
  readonly reconcileMs: number
  readonly stemCells: readonly StemCellPlan[]
  readonly imageStemCells: ImageStemCellSettings
  /** Time between two adjustments of reactive stem cells. */
  readonly stemCheckMs: number
  /** Actions that can wait for a container at a time. */
  readonly maxWaitingActions: number
}

const NO_IMAGE_STEM_CELLS: ImageStemCellSettings = {
  reactive: { minCount: 0, maxCount: 0, ttlMs: 0, threshold: 1, increment: 0 },
  memoryMb: 0,
}

/** Settings with their defaults; `owner` and `epoch` have none. */
export function poolSettings(own: Partial<PoolSettings> & Pick<PoolSettings, 'owner' | 'epoch'>): PoolSettings {
  return {
    collector: 'compact',
    compaction: COMPACTION,
    placement: 'least-loaded',
    idleTimeoutMs: 600_000, // OpenWhisk's idle-container timeout
    collectMs: 1_000,
    markGraceMs: 5_000,
    onMarkedUse: 'unmark',
    drainTimeoutMs: 900_000,
    maxConcurrentStarts: 4,
    startTimeoutMs: 60_000,
    backoffMs: 250,
    backoffMaxMs: 15_000,
    shareAfterMs: 250,
    sliceMs: 1_000,
    reconcileMs: 30_000,
    stemCells: [],
    imageStemCells: NO_IMAGE_STEM_CELLS,
    stemCheckMs: 600_000, // OpenWhisk's prewarm expiration check interval
    maxWaitingActions: 20_000,
    ...own,
  }
}
