/** Makes room for actions that wait: which containers have to go so that a need fits on some node. */

import type { PoolRecord } from './global-pool.ts'
import { runs } from './ledger.ts'
import type { NamespaceShares } from './namespace-shares.ts'
import type { PoolCore } from './pool-core.ts'
import type { ActionRequirements } from './pool-protocol.ts'
import type { ResourceTally } from './resources.ts'
import { addTo, takeFrom } from './resources.ts'

export interface Eviction {
  readonly node: string
  /** Who has to go; none when enough is on its way out already. */
  readonly victims: readonly PoolRecord[]
}

/** A report of requests in flight is old news after this many ms: proxies report once a second, calls last milliseconds. Marking tells what is true. */
const OLD_NEWS_MS = 100
/** A container that became ready is left to the requests that it was started for, in ms. */
const NEWBORN_MS = 100

/** The cheapest way to room for `action`: what leaves anyway, then idle containers of other actions by value, then stem cells. */
export function planEviction(
  core: PoolCore,
  action: ActionRequirements,
  shares: NamespaceShares,
): Eviction | undefined {
  return leavingAnyway(core, action) ?? gather(core, action, byNeed(core, action, shares))
}

/**
 * Room for an action whose turn it is, from containers in use: of namespaces that have more than their share first; of the action that has most of them,
 * or, where every action has but one, of the one that has served longest and at least a slice.
 */
export function planSharing(
  core: PoolCore,
  action: ActionRequirements,
  { isSurplus, mayEnd }: NamespaceShares,
): Eviction | undefined {
  // An action that has some takes from nobody who has no more than its share.
  const mayTake = core.pool.ofAction(action.actionKey).size === 0 ? mayEnd : isSurplus
  const now = core.clock.monotonic()
  const held = (record: PoolRecord): number =>
    record.action === undefined ? 0 : core.pool.ofAction(record.action.actionKey).size
  const inUse = [...core.pool.inState('active'), ...core.pool.inState('idle')]
    .filter((record) => record.action !== undefined && record.action.actionKey !== action.actionKey && mayTake(record))
    .filter((record) => now - record.readyAt >= (held(record) > 1 ? NEWBORN_MS : core.settings.sliceMs))
    .sort(
      (one, other) =>
        Number(isSurplus(other)) - Number(isSurplus(one)) || held(other) - held(one) || one.readyAt - other.readyAt,
    )
  return gather(core, action, inUse)
}

function leavingAnyway(core: PoolCore, { resources, kind }: ActionRequirements): Eviction | undefined {
  const nodes = new Set<string>()
  for (const state of ['marked', 'draining'] as const) {
    for (const { node } of core.pool.inState(state)) nodes.add(node)
  }
  for (const name of nodes) {
    const node = core.ledger.node(name)
    if (node?.schedulable !== true || !runs(node, kind)) continue
    if (core.ledger.willFit(node, resources)) return { node: name, victims: [] }
  }
  return undefined
}

function* byNeed(
  core: PoolCore,
  action: ActionRequirements,
  { mayEvict }: NamespaceShares,
): Generator<PoolRecord, void, undefined> {
  const now = core.clock.monotonic()
  for (const record of core.victims.ascending()) {
    const { action: other } = record
    // Whose requests are parked has no container that rests, whatever the last report said.
    const isBusy = other === undefined || core.demands.get(other.actionKey) !== undefined
    if (isBusy || other.actionKey === action.actionKey) continue
    if (isEvictable(record, now) && mayEvict(record)) yield record
  }
  yield* core.pool.inState('stem')
}

function isEvictable(record: PoolRecord, now: number): boolean {
  if (record.reportedAt < record.readyAt || record.reportedAt === 0) return now - record.readyAt >= NEWBORN_MS
  return record.state === 'idle' || now - record.reportedAt >= OLD_NEWS_MS
}

/** Takes candidates in order until those of one node make room for the action there, then spares those that are not necessary. */
function gather(
  core: PoolCore,
  { resources: need, kind }: ActionRequirements,
  candidates: Iterable<PoolRecord>,
): Eviction | undefined {
  const gathered = new Map<string, { readonly victims: PoolRecord[]; readonly room: ResourceTally }>()
  for (const record of candidates) {
    const node = core.ledger.node(record.node)
    if (node?.schedulable !== true || !runs(node, kind)) continue
    let here = gathered.get(record.node)
    if (here === undefined) {
      here = { victims: [], room: {} }
      gathered.set(record.node, here)
    }
    const { victims, room } = here
    victims.push(record)
    addTo(room, record.need)
    if (!core.ledger.willFit(node, need, room)) continue
    const necessary = victims.filter((victim) => {
      takeFrom(room, victim.need)
      if (core.ledger.willFit(node, need, room)) return false
      addTo(room, victim.need)
      return true
    })
    return { node: record.node, victims: necessary }
  }
  return undefined
}
