/** Which containers are not worth their room: the policy behind mark and sweep. Collectors propose; marking and sweeping is the pool's. */

import type { ContainerId } from '../../model/ids.ts'
import type { PoolRecord } from '../global-pool.ts'
import type { LedgerNode } from '../ledger.ts'
import type { ActionKey } from '../pool-protocol.ts'

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

export interface GarbageCollector {
  readonly name: string
  /** What a container is worth after a use: when room is needed the lowest values go first. */
  value(use: ContainerUse): number
  /** A container of that value was removed to make room. */
  evicted(value: number): void
  /** Called every collection interval. */
  collect(view: CollectorView): readonly Proposal[]
}
