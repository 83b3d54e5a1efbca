/** What the factory, the proxies and the routers report of single containers. */

import { isDeepStrictEqual } from 'node:util'
import type { StartFailure } from '../containers/container-factory.ts'
import type { ContainerId } from '../model/ids.ts'
import { isAnnounced, isStarting } from './container-state.ts'
import type { PoolRecord } from './global-pool.ts'
import type { PoolCore } from './pool-core.ts'
import { broadcast, notice, startKey } from './pool-core.ts'
import type { ActionRequirements, ContainerDescriptor, Demand } from './pool-protocol.ts'
import { mark, remove, replacementSettled, sweepIfPossible } from './removal.ts'
import { MEMORY } from './resources.ts'

/** How long a start may exceed its deadline before the factory is taken to have lost it, in ms. */
const OVERDUE_MS = 5_000
/** How long a change of a stem cell's memory may take, in ms: it is the write of a file, or one request to a container engine. */
const BINDING_MS = 10_000
/** Pause of an action for which the factory had no room although the ledger had, in ms. */
const NO_CAPACITY_PAUSE_MS = 250

/** The factory has started a container. False when nobody knows it any more: destroy it. */
export function created(core: PoolCore, id: ContainerId, node: string): boolean {
  const record = core.pool.get(id)
  if (record === undefined) return false
  const now = core.clock.monotonic()
  const { action, stem } = record
  const of = action ?? stem
  if (of !== undefined) {
    core.backoff.succeeded(startKey(of))
    core.retention.started(startKey(of), now - record.since)
  }
  if (node !== record.node) {
    core.ledger.bookExisting(id, node, record.need)
    core.pool.relocate(record, node)
  }
  core.passWanted = true
  if (!core.pool.apply(record, action === undefined ? 'createdStem' : 'createdBound', now)) return true
  if (record.state === 'draining') core.commands.push({ type: 'destroy', id })
  else if (action !== undefined) announce(core, record, action)
  return true
}

/** The factory could not start a container and has removed what there was of it. */
export function createFailed(core: PoolCore, id: ContainerId, failure: StartFailure, message: string): void {
  const record = core.pool.get(id)
  if (record === undefined) return
  const wasLost = record.state === 'lost'
  if (!core.pool.apply(record, 'createFailed', core.clock.monotonic())) return
  core.ledger.release(id)
  core.passWanted = true
  if (!wasLost) startFailed(core, record, failure, message)
}

/** Starts that neither succeeded nor failed in time: their room stays reserved, but nobody waits for them any more. */
export function advanceStarts(core: PoolCore): void {
  const now = core.clock.monotonic()
  for (const record of [...core.pool.inState('creating')]) {
    if (now - record.since < core.settings.startTimeoutMs + OVERDUE_MS) continue
    core.pool.apply(record, 'overdue', now)
    core.passWanted = true
    startFailed(core, record, 'timedOut', 'the container was not started in time')
  }
  for (const record of [...core.pool.inState('binding')]) {
    if (now - record.since >= BINDING_MS) remove(core, record, 'its memory could not be changed in time')
  }
}

/** A stem cell's new memory bound is in force, or could not be set. */
export function resized(core: PoolCore, id: ContainerId, possible: boolean): void {
  const record = core.pool.get(id)
  if (record === undefined || record.action === undefined) return
  const now = core.clock.monotonic()
  core.passWanted = true
  if (possible) {
    const { action } = record
    if (core.pool.apply(record, 'bound', now) && record.state === 'idle') announce(core, record, action)
    return
  }
  if (!core.pool.apply(record, 'bindFailed', now)) return
  core.resizable = false
  core.pool.assign(record, undefined)
  // The container has the size it had: that is a fact, whether or not somebody took the room meanwhile.
  record.need = { [MEMORY]: record.stem?.memoryMb ?? record.need[MEMORY] ?? 0 }
  core.ledger.bookExisting(id, record.node, record.need)
  if (record.state === 'draining') core.ledger.setFreeing(id, true)
}

/** Makes a bound container known to all routers. */
export function announce(core: PoolCore, record: PoolRecord, action: ActionRequirements): void {
  const now = Math.round(core.clock.monotonic())
  record.readyAt = now
  noteUse(core, record, now)
  const container: ContainerDescriptor = descriptorOf(record, action)
  broadcast(core, { type: 'containerReady', container })
  core.demands.credit(action.actionKey, core.sequence, action.concurrency, now)
  const { replaces } = record
  if (replaces === undefined) return
  record.replaces = undefined
  const old = core.pool.get(replaces)
  if (old?.state === 'idle' || old?.state === 'active') mark(core, old, 'moved')
  else replacementSettled(core, replaces)
}

/** A proxy's report of how a container is used. Reports of containers that are gone change nothing. */
export function reportUse(core: PoolCore, id: ContainerId, inFlight: number, useStamp: number): void {
  const record = core.pool.get(id)
  if (record === undefined || !(isAnnounced(record.state) || record.state === 'draining')) return
  const now = Math.round(core.clock.monotonic())
  const used = inFlight > 0 || useStamp !== record.useStamp
  record.useStamp = useStamp
  record.inFlight = inFlight
  record.reportedAt = now
  core.pool.apply(record, inFlight > 0 ? 'used' : 'rested', now)
  if (used) noteUse(core, record, now)
  sweepIfPossible(core, id)
  if (inFlight === 0) core.passWanted ||= core.demands.size > 0
}

/** Removes a container that must not serve any more. */
export function discard(core: PoolCore, id: ContainerId, reason: string): void {
  const record = core.pool.get(id)
  if (record !== undefined && isAnnounced(record.state)) remove(core, record, reason)
}

export function descriptorOf(record: PoolRecord, action: ActionRequirements): ContainerDescriptor {
  return {
    id: record.id,
    actionKey: action.actionKey,
    node: record.node,
    concurrency: action.concurrency,
    start: record.stem === undefined ? 'cold' : 'stem',
  }
}

/** True while some container of the action is on its way. */
export function isUnderWay(core: PoolCore, action: ActionRequirements): boolean {
  for (const { state } of core.pool.ofAction(action.actionKey)) if (isStarting(state)) return true
  return false
}

/** What the collector thinks a container is worth whose action is used that often. */
export function valueOf(core: PoolCore, record: PoolRecord, action: ActionRequirements, frequency: number): number {
  return core.collector.value({
    lastUsed: record.lastUsed,
    frequency,
    startCostMs: core.retention.startCostMs(startKey(action)),
    memoryMb: record.need[MEMORY] ?? 0,
  })
}

function noteUse(core: PoolCore, record: PoolRecord, now: number): void {
  const { action } = record
  if (action === undefined) return
  record.lastUsed = now
  record.value = valueOf(core, record, action, core.retention.used(action.actionKey, now))
  core.victims.offer(record)
}

function startFailed(core: PoolCore, record: PoolRecord, failure: StartFailure, message: string): void {
  const { action, stem, replaces, id, node } = record
  const now = core.clock.monotonic()
  core.counters.startFailures++
  const of = action ?? stem
  const about = { container: id, node, kind: of?.kind ?? '', image: of?.image ?? '' }
  notice(core, failure === 'noCapacity' ? 'warn' : 'error', `container start failed: ${message}`, { ...about, failure })
  if (replaces !== undefined) replacementSettled(core, replaces)
  if (stem !== undefined && core.imageStems.forget(stem)) return // those who call the image shall not be kept waiting for what nobody asked for
  // Without room nothing is wrong with the image; where it is a stem cell, the pause keeps it from being tried at every opportunity.
  if (of !== undefined && (failure !== 'noCapacity' || action === undefined)) core.backoff.failed(startKey(of), now)
  if (action === undefined || replaces !== undefined) return
  if (failure === 'noCapacity') pauseForCapacity(core, action, node, message)
  else if (!isUnderWay(core, action)) failDemand(core, action, failure, message)
}

/** The factory knows better than the ledger that the node is full: makes room there, or tells the routers that there is none. */
function pauseForCapacity(core: PoolCore, action: ActionRequirements, node: string, message: string): void {
  const demand = core.demands.get(action.actionKey)
  if (demand !== undefined) demand.retryAt = core.clock.monotonic() + NO_CAPACITY_PAUSE_MS
  const onNode = core.pool.onNode(node)
  for (const victim of core.victims.ascending()) {
    if (victim.state !== 'idle' || !onNode.has(victim)) continue
    mark(core, victim, 'need')
    return
  }
  if (demand === undefined || demand.reported || isUnderWay(core, action)) return
  demand.reported = true
  broadcast(core, { type: 'demandFailed', actionKey: action.actionKey, failure: 'noCapacity', message, retry: true })
}

/** A demand that cannot even be waited for. */
export function refuseDemand(core: PoolCore, { actionKey }: ActionRequirements, message: string): void {
  core.counters.demandsRefused++
  core.demands.clear(actionKey)
  broadcast(core, { type: 'demandFailed', actionKey, failure: 'noCapacity', message, retry: false })
}

/** The demand with the description of its action that records hold already: messages bring a new copy each time. */
export function sharing(core: PoolCore, demand: Demand): Demand {
  const { action } = demand
  const [record] = core.pool.ofAction(action.actionKey)
  const held = record?.action
  return held !== undefined && isDeepStrictEqual(held, action) ? { ...demand, action: held } : demand
}

/** The parked requests of an action are not going to be served: routers answer them. */
export function failDemand(core: PoolCore, action: ActionRequirements, failure: StartFailure, message: string): void {
  if (core.demands.get(action.actionKey) === undefined) return
  core.demands.clear(action.actionKey)
  broadcast(core, { type: 'demandFailed', actionKey: action.actionKey, failure, message, retry: false })
}
