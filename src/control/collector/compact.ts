/**
 * Frees whole nodes. Retention by Greedy-Dual-Size-Frequency (Cherkasova 1998; used for containers by FaasCache, ASPLOS 2021): a container is worth
 * what starting it costs per MB, times how often its action is used, on top of the value of the last one that was evicted, which is what ages the rest.
 */

import type { PoolRecord } from '../global-pool.ts'
import type { LedgerNode } from '../ledger.ts'
import { fillOf, freeOf } from '../ledger.ts'
import { MEMORY } from '../resources.ts'
import type { CollectorView, GarbageCollector, Proposal } from './collector.ts'
import { cordoned, expired } from './overdue.ts'

/** How eagerly nodes are emptied. Shares are of 1. */
export interface CompactionSettings {
  /** A container is surplus when it rested for this share of the idle timeout while its action kept another one. */
  readonly surplusShare: number
  /** A node is emptied by moving only below this share of its memory; 0: never. */
  readonly moveBelow: number
  /** A container stays where it is for this share of the idle timeout. */
  readonly settleShare: number
}

export const COMPACTION: CompactionSettings = { surplusShare: 0.2, moveBelow: 0.5, settleShare: 0.1 }

/** Moves that are proposed at a time: each costs a start. */
const MOVES = 4

export function compactingCollector(settings: CompactionSettings): GarbageCollector {
  let aged = 0
  return {
    name: 'compact',
    value: ({ frequency, startCostMs, memoryMb }) => aged + (frequency * startCostMs) / Math.max(1, memoryMb),
    evicted(value) {
      aged = Math.max(aged, value)
    },
    collect(view) {
      const urgent = [...cordoned(view), ...expired(view)]
      if (view.nodes.filter((node) => node.schedulable).length < 2) return urgent // one node: nothing to compact
      const taken = new Set(urgent.map((proposal) => proposal.id))
      const superfluous = surplus(view, settings).filter((proposal) => !taken.has(proposal.id))
      // Moving what is about to be collected would be wasted: nodes are emptied by moves when marks cannot do more.
      return urgent.length + superfluous.length > 0 ? [...urgent, ...superfluous] : moves(view, settings)
    },
  }
}

/** As many idle containers of each action as rested long, chosen from the least filled nodes; one always stays until the idle timeout. */
function surplus(view: CollectorView, { surplusShare }: CompactionSettings): Proposal[] {
  const fills = new Map(view.nodes.map((node) => [node.name, fillOf(node)]))
  const proposals: Proposal[] = []
  for (const [, records] of view.actions()) {
    if (records.size < 2) continue
    const idle = [...records].filter((record) => record.state === 'idle')
    const rested = idle.filter((record) => view.now - record.lastUsed >= view.idleTimeoutMs * surplusShare).length
    const serving = idle.length + [...records].filter((record) => record.state === 'active').length
    const count = Math.min(rested, serving - 1)
    const order = idle.sort((a, b) => (fills.get(a.node) ?? 1) - (fills.get(b.node) ?? 1) || a.lastUsed - b.lastUsed)
    for (const { id } of order.slice(0, Math.max(0, count))) proposals.push({ type: 'mark', id, reason: 'surplus' })
  }
  return proposals
}

/** Empties the least filled node when everything on it finds room on other nodes that are in use. */
function moves(view: CollectorView, { moveBelow, settleShare }: CompactionSettings): Proposal[] {
  const inUse = view.nodes.filter((node) => node.schedulable && node.reservations > 0)
  const [emptiest, ...others] = inUse.sort((a, b) => fillOf(a) - fillOf(b) || b.ordinal - a.ordinal)
  if (emptiest === undefined || others.length === 0 || fillOf(emptiest) >= moveBelow) return []
  const room = others.reduce((sum, node) => sum + Math.max(0, freeOf(node, MEMORY)), 0)
  if (room < (emptiest.used[MEMORY] ?? 0)) return []
  const records = [...view.onNode(emptiest.name)]
  if (!records.every((record) => isMovable(record, view.now - view.idleTimeoutMs * settleShare))) return []
  return records
    .filter((record) => record.state !== 'stem')
    .slice(0, MOVES)
    .map(({ id }) => ({ type: 'move', id }))
}

function isMovable(record: PoolRecord, settledBefore: number): boolean {
  if (record.state === 'stem') return true
  if (record.state !== 'idle' && record.state !== 'active') return false
  return record.readyAt <= settledBefore
}

/** The node that is cheapest to empty, for an autoscaler that wants to take one away; undefined when all are empty. */
export function drainCandidate(nodes: Iterable<LedgerNode>): LedgerNode | undefined {
  let best: LedgerNode | undefined
  for (const node of nodes) {
    if (!node.schedulable || node.reservations === 0) continue
    if (best === undefined || fillOf(node) < fillOf(best)) best = node
  }
  return best
}
