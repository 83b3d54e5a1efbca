/** The pool as operators see it: for the admin API. */

import type { Resources } from '../containers/container-factory.ts'
import type { ContainerId } from '../model/ids.ts'
import type { ContainerState } from './container-state.ts'
import { fillOf, fragmentationOf } from './ledger.ts'
import { drainCandidate } from './collector/compact.ts'
import type { PoolCore } from './pool-core.ts'
import type { PoolRecord } from './global-pool.ts'
import type { ActionKey } from './pool-protocol.ts'

export interface PoolFilter {
  readonly actionKey?: ActionKey
  readonly node?: string
  readonly state?: ContainerState
}

export interface PoolEntry {
  readonly id: ContainerId
  /** Absent for stem cells. */
  readonly actionKey?: ActionKey
  readonly kind: string
  readonly image: string
  readonly node: string
  readonly state: ContainerState
  readonly resources: Resources
  readonly inFlight: number
  /** ms since it was last seen in use; absent before it could be. */
  readonly unusedMs?: number
  /** ms since it entered its state. */
  readonly inStateMs: number
  readonly start: 'cold' | 'stem'
}

/** Containers that match, in order of creation. */
export function inspectPool(core: PoolCore, filter: PoolFilter = {}): readonly PoolEntry[] {
  const { actionKey, node, state } = filter
  const entries: PoolEntry[] = []
  for (const record of narrowest(core, filter)) {
    if (actionKey !== undefined && record.action?.actionKey !== actionKey) continue
    if (node !== undefined && record.node !== node) continue
    if (state !== undefined && record.state !== state) continue
    entries.push(entryOf(record, core.clock.monotonic()))
  }
  return entries
}

function narrowest(core: PoolCore, { actionKey, node, state }: PoolFilter): Iterable<PoolRecord> {
  if (actionKey !== undefined) return core.pool.ofAction(actionKey)
  if (node !== undefined) return core.pool.onNode(node)
  return state === undefined ? core.pool.all() : core.pool.inState(state)
}

function entryOf(record: PoolRecord, now: number): PoolEntry {
  const { id, action, stem, node, state, need, inFlight, readyAt, lastUsed, since } = record
  return {
    id,
    ...(action !== undefined && { actionKey: action.actionKey }),
    kind: action?.kind ?? stem?.kind ?? '',
    image: action?.image ?? stem?.image ?? '',
    node,
    state,
    resources: need,
    inFlight,
    ...(readyAt > 0 && { unusedMs: Math.max(0, now - lastUsed) }),
    inStateMs: Math.max(0, now - since),
    start: stem === undefined ? 'cold' : 'stem',
  }
}

export interface NodeEntry {
  readonly node: string
  readonly schedulable: boolean
  readonly capacity: Resources
  readonly used: Resources
  readonly containers: number
  /** Share of the memory that is held. */
  readonly fill: number
}

export interface PoolTotals {
  readonly nodes: readonly NodeEntry[]
  /** 1 - largest free block / total free memory. */
  readonly fragmentation: number
  /** The node that is cheapest to empty. */
  readonly drainCandidate?: string
}

export function inspectNodes(core: PoolCore): PoolTotals {
  const nodes = [...core.ledger.nodes]
  const candidate = drainCandidate(nodes)
  return {
    nodes: nodes.map((node) => ({
      node: node.name,
      schedulable: node.schedulable,
      capacity: node.capacity,
      used: { ...node.used },
      containers: node.reservations,
      fill: fillOf(node),
    })),
    fragmentation: fragmentationOf(nodes),
    ...(candidate !== undefined && { drainCandidate: candidate.name }),
  }
}
