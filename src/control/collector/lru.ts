/** Least recently used goes first; nothing is removed before its idle timeout unless the room is needed. */

import type { GarbageCollector } from './collector.ts'
import { cordoned, expired } from './overdue.ts'

export function lruCollector(): GarbageCollector {
  return {
    name: 'lru',
    value: ({ lastUsed }) => lastUsed,
    evicted: () => {},
    collect: (view) => [...cordoned(view), ...expired(view)],
  }
}
