/**
 * Mark and sweep. A marked container is swept when every router has acknowledged, has left or has had its grace, and nothing is in flight in it; one
 * that is used meanwhile is kept or replaced. No router is ever surprised: `containerGone` comes before the container is touched.
 */

import type { ContainerId } from '../model/ids.ts'
import type { MarkReason } from './collector/collector.ts'
import { isAnnounced } from './container-state.ts'
import type { PoolRecord } from './global-pool.ts'
import type { Mark, PoolCore } from './pool-core.ts'
import { broadcast, notice } from './pool-core.ts'
import type { RouterId } from './pool-protocol.ts'
import { startReplacement } from './start.ts'

/** How long a container on its way out counts as room that is about to be free, in ms. */
const SLOW_MS = 500

/** Asks all routers to stop choosing a container; false where its state does not allow that. */
export function mark(core: PoolCore, record: PoolRecord, reason: MarkReason): boolean {
  const now = core.clock.monotonic()
  if (!core.pool.apply(record, 'mark', now)) return false
  const { markGraceMs, drainTimeoutMs } = core.settings
  core.ledger.setFreeing(record.id, true)
  core.marks.set(record.id, {
    reason,
    sequence: core.sequence + 1,
    sweepAt: now + markGraceMs,
    forceAt: now + markGraceMs + drainTimeoutMs,
    slowAt: now + SLOW_MS,
    waiting: new Set(core.routers),
    inFlight: new Map(),
    answered: false,
    replacement: undefined,
  })
  core.counters.marks++
  broadcast(core, { type: 'containerMarked', id: record.id, sweepAt: core.clock.now() + markGraceMs })
  if (core.routers.size === 0) sweepIfPossible(core, record.id)
  return true
}

/** A router stopped choosing the container and has `inFlight` requests in it. Late and unasked acknowledgements change nothing. */
export function acknowledge(
  core: PoolCore,
  router: RouterId,
  id: ContainerId,
  inFlight: number,
  seen: number = core.delivered,
): void {
  const held = core.marks.get(id)
  if (held === undefined || seen < held.sequence || !core.routers.has(router)) return
  held.waiting.delete(router)
  held.answered = true
  if (inFlight > 0) held.inFlight.set(router, inFlight)
  else held.inFlight.delete(router)
  if (inFlight > 0) usedWhileMarked(core, id)
  else sweepIfPossible(core, id)
}

/** A marked container is in use after all: it was marked on old news. */
export function usedWhileMarked(core: PoolCore, id: ContainerId): void {
  const record = core.pool.get(id)
  const held = core.marks.get(id)
  if (record === undefined || held === undefined) return
  switch (held.reason) {
    case 'need': // some other container will do
      unmark(core, record)
      return
    case 'idle':
    case 'surplus':
      if (core.settings.onMarkedUse === 'unmark') unmark(core, record)
      else recycle(core, record, held)
      return
    case 'drain':
      recycle(core, record, held)
      return
    case 'share': // its room was promised although it is in use
    case 'moved': // its replacement is ready
  }
}

/** Gives a marked container back to the routers. */
export function unmark(core: PoolCore, record: PoolRecord): void {
  const now = core.clock.monotonic()
  const held = core.marks.get(record.id)
  if (held === undefined || !core.pool.apply(record, 'unmark', now)) return
  core.marks.delete(record.id)
  core.ledger.setFreeing(record.id, false)
  core.counters.unmarks++
  core.passWanted = true
  record.inFlight = inFlightOf(record, held)
  record.reportedAt = Math.round(now)
  record.lastUsed = Math.round(now)
  if (record.inFlight > 0) core.pool.apply(record, 'used', now)
  core.victims.offer(record)
  broadcast(core, { type: 'containerUnmarked', id: record.id })
}

/** Begins the removal of a container in whatever state it is; routers hear of it first. Idempotent. */
export function remove(core: PoolCore, record: PoolRecord, reason: string): void {
  const announced = isAnnounced(record.state)
  if (record.state === 'draining' || !core.pool.apply(record, 'sweep', core.clock.monotonic())) return
  core.marks.delete(record.id)
  core.passWanted = true
  // A requested one has nothing but its earmark: it is gone at once.
  if (core.pool.get(record.id) === undefined) {
    core.ledger.release(record.id)
    return
  }
  core.ledger.setFreeing(record.id, true)
  if (announced) broadcast(core, { type: 'containerGone', id: record.id, reason })
  core.commands.push({ type: 'destroy', id: record.id })
}

/** The container has ended, by us or by itself, and nothing is left of it. `reason` is the cause that the factory gives, or why it is known. Idempotent. */
export function ended(core: PoolCore, id: ContainerId, reason: string): void {
  const record = core.pool.get(id)
  if (record === undefined) return
  const announced = isAnnounced(record.state)
  if (!core.pool.apply(record, 'ended', core.clock.monotonic())) return
  core.marks.delete(id)
  core.ledger.release(id)
  core.passWanted = true
  if (!announced) return
  broadcast(core, { type: 'containerGone', id, reason })
  // Who destroyed it without asking the pool, as a factory that stops does, knows.
  if (reason !== 'destroyed') notice(core, 'warn', 'container ended by itself', { container: id, reason })
}

/** Sweeps a marked container when nobody needs it any more. */
export function sweepIfPossible(core: PoolCore, id: ContainerId): void {
  const record = core.pool.get(id)
  const held = core.marks.get(id)
  if (record === undefined || held === undefined) return
  const now = core.clock.monotonic()
  const forced = now >= held.forceAt
  const acknowledged = held.waiting.size === 0 || now >= held.sweepAt
  const replaced = held.replacement === undefined || core.pool.get(held.replacement) === undefined
  if (!forced && !(acknowledged && replaced && inFlightOf(record, held) === 0)) return
  if (forced)
    notice(core, 'warn', 'marked container did not finish in time', { container: id, inFlight: record.inFlight })
  core.counters.sweeps++
  if (held.reason === 'need' || held.reason === 'share') {
    core.counters.evictions++
    core.collector.evicted(record.value)
  }
  remove(core, record, held.reason)
}

/** Looks at the deadlines of all marks. */
export function advanceMarks(core: PoolCore): void {
  const now = core.clock.monotonic()
  for (const [id, held] of core.marks) {
    if (now >= held.slowAt) {
      core.ledger.setFreeing(id, false)
      core.passWanted ||= core.pool.inState('requested').size > 0
    }
    sweepIfPossible(core, id)
  }
  for (const { id, since } of core.pool.inState('draining')) {
    if (now - since >= SLOW_MS) core.ledger.setFreeing(id, false)
  }
}

/** A router left or its lease ended: nothing waits for it any more. */
export function routerLeft(core: PoolCore, router: RouterId): void {
  core.routers.delete(router)
  core.demands.dropRouter(router)
  core.passWanted = true
  for (const [id, held] of core.marks) {
    held.waiting.delete(router)
    held.inFlight.delete(router)
    sweepIfPossible(core, id)
  }
}

/** A replacement came up, or came to nothing: what waited for it may go. */
export function replacementSettled(core: PoolCore, replaced: ContainerId): void {
  const held = core.marks.get(replaced)
  if (held === undefined) return
  held.replacement = undefined
  sweepIfPossible(core, replaced)
}

function recycle(core: PoolCore, record: PoolRecord, held: Mark): void {
  if (held.replacement !== undefined) return
  held.replacement = startReplacement(core, record, held.reason === 'drain')?.id
  if (held.replacement !== undefined) core.counters.recycles++
}

/** Acknowledged counts are exact; for routers that did not answer the proxy's last report is the best that is known. */
function inFlightOf(record: PoolRecord, held: Mark): number {
  let inFlight = 0
  for (const count of held.inFlight.values()) inFlight += count
  return held.answered && held.waiting.size === 0 ? inFlight : Math.max(inFlight, record.inFlight)
}
