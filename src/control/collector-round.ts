/** One round of the garbage collector: carries out what the policy proposes, and lets stem cells go that are too many, too old or in the wrong place. */

import type { Proposal } from './collector/collector.ts'
import type { PoolRecord } from './global-pool.ts'
import type { PoolCore } from './pool-core.ts'
import { mark, remove } from './removal.ts'
import { startReplacement } from './start.ts'

/** Moves under way at a time: emptying a node is never urgent. */
const MAX_MOVES = 4

export function collectorRound(core: PoolCore): void {
  const { pool, ledger, settings, clock } = core
  const proposals = core.collector.collect({
    now: clock.monotonic(),
    idleTimeoutMs: settings.idleTimeoutMs,
    nodes: [...ledger.nodes],
    actions: () => pool.actions(),
    onNode: (node) => pool.onNode(node),
  })
  for (const proposal of proposals) carryOut(core, proposal)
  if (core.stems.check(clock.monotonic())) core.imageStems.check()
  trimStems(core)
  core.passWanted = true
}

function carryOut(core: PoolCore, proposal: Proposal): void {
  const record = core.pool.get(proposal.id)
  if (record === undefined) return
  switch (proposal.type) {
    case 'mark':
      // A third-party collector may propose what has changed since: only what routers know can be marked.
      if (record.state === 'idle' || record.state === 'active') mark(core, record, proposal.reason)
      return
    case 'move':
      move(core, record)
  }
}

/** From a node that is to become empty a container goes in any case: where it cannot be replaced first, it finishes what it runs and takes nothing more. */
function move(core: PoolCore, record: PoolRecord): void {
  const mustGo = core.ledger.node(record.node)?.schedulable === false
  const isPossible = movesUnderWay(core) < MAX_MOVES && (mustGo || core.demands.size === 0)
  if (isPossible && startReplacement(core, record, true) !== undefined) core.counters.moves++
  else if (mustGo && !isBeingReplaced(core, record)) mark(core, record, 'drain')
}

function isBeingReplaced(core: PoolCore, { id, action }: PoolRecord): boolean {
  if (action === undefined) return false
  return [...core.pool.ofAction(action.actionKey)].some(({ replaces }) => replaces === id)
}

function movesUnderWay(core: PoolCore): number {
  let moves = 0
  for (const record of core.pool.inState('creating')) if (record.replaces !== undefined) moves++
  return moves
}

function trimStems(core: PoolCore): void {
  const now = core.clock.monotonic()
  const byPlan = new Map<PoolRecord['stem'], PoolRecord[]>()
  for (const record of [...core.pool.inState('stem')]) {
    if (core.ledger.node(record.node)?.schedulable === false) remove(core, record, 'drain')
    else byPlan.set(record.stem, [...(byPlan.get(record.stem) ?? []), record])
  }
  for (const { plan, wanted } of [...core.stems.wanted(), ...core.imageStems.wanted()]) {
    const cells = byPlan.get(plan) ?? []
    byPlan.delete(plan)
    // Oldest first.
    for (const record of cells.slice(0, Math.max(0, cells.length - wanted))) {
      if (now - record.since >= (plan.reactive?.ttlMs ?? 0)) remove(core, record, 'expired')
    }
  }
  // What is left was started for plans that are not in force any more.
  for (const cells of byPlan.values()) for (const record of cells) remove(core, record, 'expired')
}
