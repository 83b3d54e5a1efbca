/** Which containers are not worth their room: the policy behind mark and sweep. Collectors propose; marking and sweeping is the pool's. */

import type { ContainerId } from '../../model/ids.ts'
import type { PoolRecord } from '../global-pool.ts'
import type { LedgerNode } from '../ledger.ts'
import type { ActionKey } from '../pool-protocol.ts'
import type { CompactionSettings } from './compact.ts'
import { compactingCollector } from './compact.ts'
import { lruCollector } from './lru.ts'

export const COLLECTORS = ['compact', 'lru'] as const
export type CollectorName = (typeof COLLECTORS)[number]

/** Why a container was marked. */
export type MarkReason =
  /** Not used for the idle timeout. */
  | 'idle'
  /** Its action keeps enough others. */
  | 'surplus'
  /** Its node is to become empty. */
  | 'drain'
  /** Another action needs the room now. */
  | 'need'
  /** Another action has waited for its share of the room. */
  | 'share'
  /** A replacement on a fuller node is ready. */
  | 'moved'

export type Proposal =
  | { readonly type: 'mark'; readonly id: ContainerId; readonly reason: MarkReason }
  /** Start a replacement on a fuller node; the container is marked when that is ready. */
  | { readonly type: 'move'; readonly id: ContainerId }

/** What is known about a use of a container. */
export interface ContainerUse {
  /** Monotonic ms. */
  readonly lastUsed: number
  /** Uses of the action of late, decayed. */
  readonly frequency: number
  /** What starting one takes, in ms. */
  readonly startCostMs: number
  readonly memoryMb: number
}

/** Times in ms on the monotonic clock. */
export interface CollectorView {
  readonly now: number
  readonly idleTimeoutMs: number
  readonly nodes: readonly LedgerNode[]
  /** Containers of one action in every state. */
  actions(): Iterable<readonly [ActionKey, ReadonlySet<PoolRecord>]>
  onNode(node: string): Iterable<PoolRecord>
}

export interface CollectorSettings {
  readonly collector: CollectorName
  readonly compaction: CompactionSettings
}

export interface GarbageCollector {
  readonly name: string
  /** What a container is worth after a use: when room is needed the lowest values go first. */
  value(use: ContainerUse): number
  /** A container of that value was removed to make room. */
  evicted(value: number): void
  /** Called every collection interval. */
  collect(view: CollectorView): readonly Proposal[]
}

export function collectorOf(settings: CollectorSettings): GarbageCollector {
  switch (settings.collector) {
    case 'compact':
      return compactingCollector(settings.compaction) // keeps what is used often and dear to start, and frees whole nodes
    case 'lru':
      return lruCollector() // the baseline: forgets what was not used the longest
  }
}

/** Containers that have not been used for the idle timeout. */
export function expired(view: CollectorView): Proposal[] {
  const proposals: Proposal[] = []
  for (const [, records] of view.actions()) {
    for (const record of records) {
      if (record.state !== 'idle' || view.now - record.lastUsed < view.idleTimeoutMs) continue
      proposals.push({ type: 'mark', id: record.id, reason: 'idle' })
    }
  }
  return proposals
}

/** Containers on nodes that take no new ones: idle ones are marked, busy ones moved. */
export function cordoned(view: CollectorView): Proposal[] {
  const proposals: Proposal[] = []
  for (const node of view.nodes) {
    if (node.schedulable || node.reservations === 0) continue
    for (const record of view.onNode(node.name)) {
      if (record.state === 'idle') proposals.push({ type: 'mark', id: record.id, reason: 'drain' })
      else if (record.state === 'active') proposals.push({ type: 'move', id: record.id })
    }
  }
  return proposals
}
