/** The garbage collector that configuration names. */

import type { GarbageCollector } from './collector.ts'
import type { CompactionSettings } from './compact.ts'
import { compactingCollector } from './compact.ts'
import { lruCollector } from './lru.ts'

export const COLLECTORS = ['compact', 'lru'] as const
export type CollectorName = (typeof COLLECTORS)[number]

export interface CollectorSettings {
  readonly collector: CollectorName
  readonly compaction: CompactionSettings
}

export function collectorOf(settings: CollectorSettings): GarbageCollector {
  switch (settings.collector) {
    case 'compact':
      return compactingCollector(settings.compaction) // keeps what is used often and dear to start, and frees whole nodes
    case 'lru':
      return lruCollector() // the baseline: forgets what was not used the longest
  }
}
