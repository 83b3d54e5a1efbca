/** Compares the pool with what the factory lists, which is the truth: the dead are reported, strangers of ours are adopted or removed. */

import type { ContainerListing } from '../containers/container-factory.ts'
import type { ContainerId } from '../model/ids.ts'
import type { ContainerState } from './container-state.ts'
import { actionOf, epochOf, OWNER_LABEL } from './labels.ts'
import type { PoolCore } from './pool-core.ts'
import { notice } from './pool-core.ts'
import type { ActionRequirements } from './pool-protocol.ts'
import { ended } from './removal.ts'
import { addRecord, createPlaced } from './start.ts'

/** States in which the factory must know the container. */
const LISTED: readonly ContainerState[] = ['stem', 'binding', 'idle', 'active', 'marked', 'draining', 'lost']
/** A removal that takes longer than this is ordered again, in ms: `Container.destroy` is bounded by 30 s. */
const REMOVAL_MS = 45_000

/** Containers that a list that is asked for now has to contain. */
export function expectedInList(core: PoolCore): ReadonlySet<ContainerId> {
  const expected = new Set<ContainerId>()
  for (const state of LISTED) for (const { id } of core.pool.inState(state)) expected.add(id)
  return expected
}

/**
 * Takes over a list. `expected` is what `expectedInList` answered when it was asked for, `gone` what ended since: such a container may still be listed.
 */
export function reconcile(
  core: PoolCore,
  listings: readonly ContainerListing[],
  expected: ReadonlySet<ContainerId>,
  gone: ReadonlySet<ContainerId>,
): void {
  const listed = new Set(listings.map(({ id }) => id))
  for (const id of expected) {
    const record = core.pool.get(id)
    if (record === undefined || listed.has(id)) continue
    if (record.state !== 'draining') core.counters.drift++
    ended(core, id, 'vanished')
  }
  for (const listing of listings) {
    if (core.pool.get(listing.id) === undefined) {
      if (!gone.has(listing.id)) takeStranger(core, listing)
    } else hasten(core, listing.id)
  }
}

function takeStranger(core: PoolCore, listing: ContainerListing): void {
  const { id, labels, node, adoptable } = listing
  const owner = labels[OWNER_LABEL]
  if (owner !== undefined && owner !== core.settings.owner) return
  const epoch = epochOf(labels)
  if (epoch > core.settings.epoch) {
    if (!core.superseded) notice(core, 'error', 'a later leader is at work: nothing is started any more', { epoch })
    core.superseded = true
    return
  }
  core.counters.drift++
  const action = adoptable && epoch < core.settings.epoch ? actionOf(labels) : undefined
  if (action === undefined) {
    notice(core, 'info', 'removing a container that nobody knows', { container: id, node, epoch })
    core.commands.push({ type: 'removeListed', id })
  } else adopt(core, id, node, action)
}

/** A factory's create is idempotent per id: for a container that runs already it answers the handle. */
function adopt(core: PoolCore, id: ContainerId, node: string, action: ActionRequirements): void {
  core.counters.adoptions++
  core.ledger.bookExisting(id, node, action.resources)
  const record = addRecord(core, { id, action, stem: undefined, node, need: action.resources, replaces: undefined })
  createPlaced(core, record)
}

/** A container that should be gone by now, or whose creation nobody waits for, is removed once more. */
function hasten(core: PoolCore, id: ContainerId): void {
  const record = core.pool.get(id)
  if (record === undefined) return
  const age = core.clock.monotonic() - record.since
  if (record.state === 'lost' || (record.state === 'draining' && age > REMOVAL_MS)) {
    core.commands.push({ type: 'removeListed', id })
  }
}
