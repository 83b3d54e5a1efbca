/**
 * The one decision about all demands together. Each round gives one container to the action that holds the fewest and has waited longest, so that
 * scarce room is shared instead of being taken by whoever asks loudest. Per container the cheapest way wins: one of its own that is about to be
 * removed, a stem cell, free room, room that is made by evicting, and at last the room of an action that has had its share.
 */

import type { Resources } from '../containers/container-factory.ts'
import { explain } from './allocator.ts'
import { isStarting } from './container-state.ts'
import type { ActionDemand } from './demand.ts'
import type { Eviction } from './eviction.ts'
import { planEviction, planSharing } from './eviction.ts'
import type { PoolRecord } from './global-pool.ts'
import { Heap } from './heap.ts'
import { containerLabels } from './labels.ts'
import { announce, failDemand } from './lifecycle.ts'
import type { NamespaceShares } from './namespace-shares.ts'
import { newcomers, sharesFor } from './namespace-shares.ts'
import type { PoolCore } from './pool-core.ts'
import { broadcast, startKey } from './pool-core.ts'
import type { ActionRequirements } from './pool-protocol.ts'
import { mark, remove, unmark } from './removal.ts'
import { covers, MEMORY } from './resources.ts'
import { backgroundStarts, createPlaced, placeFor, requestFor, startFor, startStem } from './start.ts'
import type { StemCellPlan, WantedCells } from './stem-cells.ts'
import { servesAction } from './stem-cells.ts'

interface Contender {
  readonly demand: ActionDemand
  readonly held: number
}

/** Taking turns in the room of others is looked at this often at most, in ms. */
const SHARE_EVERY_MS = 50

/** What came of trying to give an action one more container. `paused`: it waits for the end of a pause after a failure, not for room or its turn. */
type Served = 'served' | 'waiting' | 'paused'

/** What one pass has found out. */
interface Pass {
  /** By namespace: no room can be made for this need, nor for any that is larger. */
  readonly tooMuch: Map<string, Resources>
  /** Namespaces that wait for their first container; undefined until somebody asks. */
  newcomers: number | undefined
}

/** Brings what is started in line with what is needed. */
export function decide(core: PoolCore): void {
  core.passWanted = false
  if (core.superseded) return
  fulfilRequested(core)
  const contenders = new Heap<Contender>(
    (one, other) => one.held < other.held || (one.held === other.held && one.demand.since < other.demand.since),
  )
  for (const demand of [...core.demands.all()]) contend(core, contenders, demand)
  const pass: Pass = { tooMuch: new Map(), newcomers: undefined }
  let unmet = false
  for (let next = contenders.pop(); next !== undefined; next = contenders.pop()) {
    const served = serve(core, next.demand, pass)
    if (served === 'served') contend(core, contenders, next.demand)
    else if (served === 'waiting') unmet = true
  }
  if (!unmet && core.pool.inState('requested').size === 0) refillStems(core)
}

function contend(core: PoolCore, contenders: Heap<Contender>, demand: ActionDemand): void {
  const { action } = demand
  if (core.demands.get(action.actionKey) !== demand) return
  const now = core.clock.monotonic()
  const own = core.pool.ofAction(action.actionKey)
  let starting = 0
  let serving = 0
  for (const { state, replaces } of own) {
    if (isStarting(state) && replaces === undefined) starting++
    if (state === 'idle' || state === 'active') serving++
  }
  // Its time of waiting begins anew when it loses its last container, or it would come before those that never had one.
  if (serving > 0) demand.since = now
  const wanted = Math.ceil(core.demands.waiting(demand, now) / action.concurrency)
  if (wanted < starting) cancelRequested(core, own, starting - wanted)
  if (wanted > starting && (own.size < action.maxContainers || hasMarked(own))) {
    if (core.demands.order(demand, wanted, starting)) core.counters.demandDecisions++
    contenders.push({ demand, held: own.size })
  }
}

function serve(core: PoolCore, demand: ActionDemand, pass: Pass): Served {
  const { action } = demand
  const now = core.clock.monotonic()
  const own = core.pool.ofAction(action.actionKey)
  if (takeBack(core, own)) return 'served'
  if (own.size >= action.maxContainers) return 'paused'
  if (bindStem(core, demand)) return 'served'
  if (now < demand.retryAt || isPaused(core, demand, now)) return 'paused'
  if (core.pool.inState('creating').size >= core.settings.maxConcurrentStarts) return 'waiting'
  const node = placeFor(core, action)
  if (node !== undefined) {
    if (startFor(core, action, node.name) === undefined) return 'waiting'
    core.imageStems.noteStart(action, core.resizable)
    return 'served'
  }
  const impossible = explain(core.ledger, action.resources, action.kind)
  if (impossible !== undefined) {
    failDemand(core, action, 'noCapacity', impossible)
    return 'paused'
  }
  if (core.pool.inState('requested').size >= core.settings.maxConcurrentStarts) return 'waiting'
  return makeRoom(core, demand, pass)
}

/** Has room made for the action where that is possible. */
function makeRoom(core: PoolCore, demand: ActionDemand, pass: Pass): Served {
  const { action } = demand
  const { namespace, resources } = action
  const tooMuch = pass.tooMuch.get(namespace)
  const inVain = tooMuch !== undefined && covers(resources, tooMuch)
  const shares = sharesFor(core, action, (pass.newcomers ??= newcomers(core)))
  const eviction = inVain ? undefined : planEviction(core, action, shares)
  if (eviction !== undefined) return evict(core, action, eviction, 'need')
  if (tooMuch === undefined) pass.tooMuch.set(namespace, resources)
  demand.deniedSince ??= core.clock.monotonic()
  const shared = planTurn(core, demand, shares)
  if (shared !== undefined) return evict(core, action, shared, 'share')
  if (!demand.reported) {
    demand.reported = true
    const message = 'All capacity is in use.'
    broadcast(core, { type: 'demandFailed', actionKey: action.actionKey, failure: 'noCapacity', message, retry: true })
  }
  return 'waiting'
}

/** Requested containers whose room has become free, on their node or elsewhere, are created; those whose room will not come are given up. */
function fulfilRequested(core: PoolCore): void {
  for (const record of [...core.pool.inState('requested')]) {
    const { action } = record
    if (action === undefined || core.pool.inState('creating').size >= core.settings.maxConcurrentStarts) return
    if (core.ledger.fulfil(record.id)) {
      createPlaced(core, record)
      core.imageStems.noteStart(action, core.resizable)
      continue
    }
    const other = placeFor(core, action)
    if (other !== undefined) {
      core.ledger.cancelEarmark(record.id)
      core.pool.relocate(record, other.name)
      if (core.ledger.reserve(record.id, other.name, record.need)) {
        createPlaced(core, record)
        core.imageStems.noteStart(action, core.resizable)
      } else remove(core, record, 'no room')
    } else if (!core.ledger.willBeFulfilled(record.id)) remove(core, record, 'no room')
  }
}

/** Takes back containers that were marked for a reason that no longer holds now that their own action waits. */
function takeBack(core: PoolCore, own: ReadonlySet<PoolRecord>): boolean {
  for (const record of own) {
    const reason = core.marks.get(record.id)?.reason
    if (reason !== 'idle' && reason !== 'surplus' && reason !== 'need') continue
    unmark(core, record)
    if (record.action !== undefined) {
      core.demands.credit(record.action.actionKey, core.sequence, record.action.concurrency, core.clock.monotonic())
    }
    return true
  }
  return false
}

function hasMarked(own: ReadonlySet<PoolRecord>): boolean {
  for (const { state } of own) if (state === 'marked') return true
  return false
}

function bindStem(core: PoolCore, { action }: ActionDemand): boolean {
  const now = core.clock.monotonic()
  for (const record of core.pool.inState('stem')) {
    const { stem } = record
    if (stem === undefined || !servesAction(stem, action, core.resizable)) continue
    const memoryMb = action.resources[MEMORY] ?? 0
    const resizes = memoryMb !== record.need[MEMORY]
    if (resizes && !core.ledger.resize(record.id, action.resources)) continue
    record.need = action.resources
    core.pool.assign(record, action)
    core.pool.apply(record, 'bind', now)
    core.counters.stemHits++
    core.stems.noteTaken(now)
    core.imageStems.noteStart(action, core.resizable)
    core.passWanted = true // another one takes its place
    const { owner, epoch } = core.settings
    core.commands.push({ type: 'relabel', id: record.id, labels: containerLabels(owner, epoch, 'stem', action) })
    if (resizes) core.commands.push({ type: 'resize', id: record.id, memoryMb })
    else if (core.pool.apply(record, 'bound', now)) announce(core, record, action)
    return true
  }
  return false
}

/** After a failure one start of that kind or image at a time is tried, and only when its pause is over. */
function isPaused(core: PoolCore, { action }: ActionDemand, now: number): boolean {
  const key = startKey(action)
  if (!core.backoff.isFailing(key)) return false
  if (now < core.backoff.pausedUntil(key)) return true
  for (const state of ['creating', 'requested'] as const) {
    for (const record of core.pool.inState(state)) {
      const of = record.action ?? record.stem
      if (of !== undefined && startKey(of) === key) return true
    }
  }
  return false
}

function evict(core: PoolCore, action: ActionRequirements, eviction: Eviction, reason: 'need' | 'share'): Served {
  requestFor(core, action, eviction.node)
  for (const victim of eviction.victims) {
    if (victim.state === 'stem') remove(core, victim, 'evicted')
    else mark(core, victim, reason)
  }
  return 'served'
}

/** An action that has no container takes its turn after a while; one that has some only where its namespace holds less than its share. */
function planTurn(
  core: PoolCore,
  { action, since, deniedSince }: ActionDemand,
  shares: NamespaceShares,
): Eviction | undefined {
  const now = core.clock.monotonic()
  const isFirst = core.pool.ofAction(action.actionKey).size === 0
  if (!isFirst && !shares.isWithin) return undefined
  if (now - (isFirst ? since : (deniedSince ?? now)) < core.settings.shareAfterMs) return undefined
  // The larger the pool, the longer the search through it: it takes a few per cent of the time at most.
  if (now - core.sharedAt < SHARE_EVERY_MS + core.pool.size / 200) return undefined
  core.sharedAt = now
  return planSharing(core, action, shares)
}

function cancelRequested(core: PoolCore, own: ReadonlySet<PoolRecord>, count: number): void {
  let left = count
  for (const record of [...own]) {
    if (left === 0) return
    if (record.state !== 'requested') continue
    remove(core, record, 'not needed any more')
    left--
  }
}

function refillStems(core: PoolCore): void {
  const counts = countStems(core)
  for (const cells of core.stems.wanted()) refill(core, cells, counts.get(cells.plan) ?? 0)
  const images = core.imageStems.wanted()
  let heldMb = images.reduce((sum, { plan }) => sum + (counts.get(plan) ?? 0) * plan.memoryMb, 0)
  for (const { plan, wanted } of images) {
    const present = counts.get(plan) ?? 0
    const most = present + core.imageStems.roomFor(plan, heldMb)
    heldMb += refill(core, { plan, wanted: Math.min(wanted, most) }, present) * plan.memoryMb
  }
}

/** Starts the cells of a plan that are missing beside the `present` ones, as far as there is room; returns how many. */
function refill(core: PoolCore, { plan, wanted }: WantedCells, present: number): number {
  const now = core.clock.monotonic()
  if (present >= wanted || (present > 0 && core.stems.isHeldBack(now))) return 0
  const key = startKey(plan)
  let started = 0
  while (present + started < wanted && core.pool.inState('creating').size < backgroundStarts(core)) {
    if (core.backoff.isFailing(key) && (now < core.backoff.pausedUntil(key) || present + started > 0)) break
    if (startStem(core, plan) === undefined) break
    started++
  }
  return started
}

/** The cells of each plan, those under way included. */
function countStems(core: PoolCore): ReadonlyMap<StemCellPlan, number> {
  const counts = new Map<StemCellPlan, number>()
  for (const state of ['stem', 'creating', 'lost'] as const) {
    for (const { stem } of core.pool.inState(state)) {
      if (stem !== undefined) counts.set(stem, (counts.get(stem) ?? 0) + 1)
    }
  }
  return counts
}
