/**
 * Who may take room from whom. Free room is anybody's; but a namespace that holds its share, or more, takes none from those that hold less and have used
 * it of late. So a namespace that wants ten times its share gets what the others leave, and theirs stays warm.
 */

import type { PoolRecord } from './global-pool.ts'
import type { PoolCore } from './pool-core.ts'
import type { ActionRequirements } from './pool-protocol.ts'
import { MEMORY } from './resources.ts'

export interface NamespaceShares {
  /** One more container is within the share of the namespace that asks, or its first. */
  readonly isWithin: boolean
  /** A container that rests may go for it. */
  mayEvict(record: PoolRecord): boolean
  /** A container that is in use may go for it, in its turn. */
  mayEnd(record: PoolRecord): boolean
  /** The container belongs to a namespace that will hold its share without it, too. */
  isSurplus(record: PoolRecord): boolean
}

/** What was used within this many ms is not taken away for one that has more than its share: whoever calls once a minute finds a warm container. */
const KEPT_MS = 60_000

/** Namespaces that wait for their first container. To be counted once for many. */
export function newcomers({ demands, pool }: PoolCore): number {
  const waiting = new Set<string>()
  for (const { action } of demands.all()) {
    if (pool.memoryOf(action.namespace) === 0) waiting.add(action.namespace)
  }
  return waiting.size
}

/** The shares as `action` meets them: the memory of all nodes in equal parts for the namespaces that hold some, and for the `waiting` newcomers. */
export function sharesFor(
  core: PoolCore,
  { namespace, resources }: ActionRequirements,
  waiting: number,
): NamespaceShares {
  const { pool, ledger } = core
  const now = core.clock.monotonic()
  const shareMb = ledger.totalMemoryMb / Math.max(1, pool.namespaces + waiting)
  const held = pool.memoryOf(namespace)
  const isWithin = held === 0 || held + (resources[MEMORY] ?? 0) <= shareMb
  const isSurplus = ({ action }: PoolRecord): boolean =>
    action !== undefined && pool.memoryOf(action.namespace) - (action.resources[MEMORY] ?? 0) >= shareMb
  const mayEnd = (record: PoolRecord): boolean =>
    isWithin || record.action?.namespace === namespace || isSurplus(record)
  return {
    isWithin,
    isSurplus,
    mayEnd,
    mayEvict: (record) => mayEnd(record) || now - Math.max(record.lastUsed, record.readyAt) >= KEPT_MS,
  }
}
