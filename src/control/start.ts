/** Beginning containers: the record, its reservation and the order to the factory. Whether to begin one is decided elsewhere. */

import type { ContainerSpec, Resources } from '../containers/container-factory.ts'
import type { ContainerId } from '../model/ids.ts'
import { allocate } from './allocator.ts'
import type { PoolRecord } from './global-pool.ts'
import { containerLabels, namedResources } from './labels.ts'
import type { LedgerNode } from './ledger.ts'
import { binPack } from './placement/bin-pack.ts'
import type { PoolCore } from './pool-core.ts'
import type { ActionRequirements } from './pool-protocol.ts'
import { MEMORY } from './resources.ts'
import type { StemCellPlan } from './stem-cells.ts'

/** Share of a CPU, in thousandths, for a container that asks for none on a node that tells none: OpenWhisk's 256 MB default gets a quarter. */
const CPU_MILLI_PER_MB = 1

/** Starts below this many can be for stem cells and moves: one start is always left to requests. */
export function backgroundStarts(core: PoolCore): number {
  return Math.max(1, core.settings.maxConcurrentStarts - 1)
}

/** The node for one more container of the action; undefined when no room is free. */
export function placeFor(core: PoolCore, action: ActionRequirements): LedgerNode | undefined {
  const { kind, resources: need } = action
  return allocate(core.ledger, { need, kind, siblings: siblingsOf(core, action) }, core.placement)
}

/** Creates a container for an action on a node with room; undefined where there is none after all. */
export function startFor(
  core: PoolCore,
  action: ActionRequirements,
  node: string,
  replaces?: ContainerId,
): PoolRecord | undefined {
  const id = core.ids.containerId()
  if (core.pool.get(id) !== undefined || !core.ledger.reserve(id, node, action.resources)) return undefined
  const record = addRecord(core, { id, action, stem: undefined, node, need: action.resources, replaces })
  createPlaced(core, record)
  return record
}

/** Requests a container whose room on `node` is still held by others: it is created when they are gone. */
export function requestFor(core: PoolCore, action: ActionRequirements, node: string): PoolRecord {
  const id = core.ids.containerId()
  core.ledger.earmark(id, node, action.resources)
  return addRecord(core, { id, action, stem: undefined, node, need: action.resources, replaces: undefined })
}

/** Creates a stem cell where there is room; undefined when there is none. */
export function startStem(core: PoolCore, plan: StemCellPlan): PoolRecord | undefined {
  const need = { [MEMORY]: plan.memoryMb }
  const node = allocate(core.ledger, { need, kind: plan.kind }, core.placement)
  const id = core.ids.containerId()
  if (node === undefined || !core.ledger.reserve(id, node.name, need)) return undefined
  const record = addRecord(core, { id, action: undefined, stem: plan, node: node.name, need, replaces: undefined })
  createPlaced(core, record)
  return record
}

/**
 * Creates a container that is to take the place of another one of the same action; with `elsewhere` on another node that is in use, the fullest with
 * room (any other node where the old one's is cordoned). Undefined, and nothing begun, where there is no room, the action is at its cap, or starts for
 * requests would have to wait for it.
 */
export function startReplacement(core: PoolCore, old: PoolRecord, elsewhere: boolean): PoolRecord | undefined {
  const { action, node: from } = old
  if (action === undefined || core.superseded) return undefined
  const siblings = core.pool.ofAction(action.actionKey)
  if (siblings.size >= action.maxContainers || [...siblings].some((record) => record.replaces === old.id))
    return undefined
  if (core.pool.inState('creating').size >= backgroundStarts(core)) return undefined
  const cordoned = core.ledger.node(from)?.schedulable === false
  const accepts = (node: LedgerNode): boolean =>
    !elsewhere || (node.name !== from && (node.reservations > 0 || cordoned))
  const node = allocate(core.ledger, { need: action.resources, kind: action.kind, accepts }, binPack)
  return node === undefined ? undefined : startFor(core, action, node.name, old.id)
}

/** Orders the creation of a record whose room is reserved. */
export function createPlaced(core: PoolCore, record: PoolRecord): void {
  if (!core.pool.apply(record, 'placed', core.clock.monotonic())) return
  core.counters.creations++
  if (record.action !== undefined) {
    core.counters.coldStarts++
    core.stems.noteColdStart(record.action, core.resizable)
  }
  core.commands.push({ type: 'create', spec: specOf(core, record) })
}

/** Adds a record in state `requested`. */
export function addRecord(
  core: PoolCore,
  what: Pick<PoolRecord, 'id' | 'action' | 'stem' | 'node' | 'need' | 'replaces'>,
): PoolRecord {
  const record: PoolRecord = {
    ...what,
    state: 'requested',
    since: Math.round(core.clock.monotonic()),
    readyAt: 0,
    inFlight: 0,
    reportedAt: 0,
    lastUsed: 0,
    useStamp: 0,
    value: 0,
  }
  core.pool.add(record)
  return record
}

function specOf(core: PoolCore, record: PoolRecord): ContainerSpec {
  const { owner, epoch } = core.settings
  const { action, stem, need } = record
  const memoryMb = need[MEMORY] ?? 0
  const kind = action?.kind ?? stem?.kind ?? ''
  return {
    id: record.id,
    kind,
    image: action?.image ?? stem?.image ?? '',
    memoryMb,
    cpuMilli: need['cpuMilli'] ?? cpuShare(core, record.node, memoryMb),
    node: record.node,
    ...namedResources(need),
    concurrent: action === undefined ? stem?.concurrent === true : action.concurrency > 1,
    labels: containerLabels(owner, epoch, stem === undefined ? 'cold' : 'stem', action),
  }
}

/** OpenWhisk's rule: of the CPU a container gets the share that it takes of the memory. */
function cpuShare(core: PoolCore, node: string, memoryMb: number): number {
  const capacity: Resources = core.ledger.node(node)?.capacity ?? {}
  const cpuMilli = capacity['cpuMilli']
  const total = capacity[MEMORY]
  if (cpuMilli === undefined || total === undefined || total <= 0) return memoryMb * CPU_MILLI_PER_MB
  return Math.max(1, Math.round((cpuMilli * memoryMb) / total))
}

function siblingsOf(core: PoolCore, action: ActionRequirements): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  if (core.settings.placement !== 'spread') return counts
  for (const { node } of core.pool.ofAction(action.actionKey)) counts.set(node, (counts.get(node) ?? 0) + 1)
  return counts
}
