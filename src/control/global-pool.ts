/**
 * One view, for the whole cluster, of which containers there are: a distributed map whose truth is the factory. Records are minimal (about 256 bytes,
 * everything that containers of an action have in common is shared): no code, no parameters, no payloads.
 */

import type { Resources } from '../containers/container-factory.ts'
import type { ContainerId } from '../model/ids.ts'
import type { ContainerEvent, ContainerState, Transition } from './container-state.ts'
import { CONTAINER_STATES, nextState } from './container-state.ts'
import type { ActionKey, ActionRequirements } from './pool-protocol.ts'
import { MEMORY } from './resources.ts'
import type { StemCellPlan } from './stem-cells.ts'

/** Times are monotonic ms of the control plane, rounded. */
export interface PoolRecord {
  readonly id: ContainerId
  /** What it is bound to; undefined for a stem cell. */
  action: ActionRequirements | undefined
  /** The stem cell plan it was started for; undefined for containers that were created for an action. */
  stem: StemCellPlan | undefined
  node: string
  /** What the ledger holds for it. */
  need: Resources
  state: ContainerState
  /** When it entered its state. */
  since: number
  readyAt: number
  /** Requests in flight by the last report, and when that came; 0 when there was none yet. */
  inFlight: number
  reportedAt: number
  /** When it was last seen in use. */
  lastUsed: number
  /** The node's own stamp of that: clocks of different machines do not compare, but a new stamp means a new use. */
  useStamp: number
  /** What the collector thinks it is worth; the lowest goes first when room is needed. */
  value: number
  /** Container that this one is to take the place of. */
  replaces: ContainerId | undefined
}

export class GlobalPool {
  readonly #records = new Map<ContainerId, PoolRecord>()
  readonly #byAction = new Map<ActionKey, Set<PoolRecord>>()
  readonly #byNode = new Map<string, Set<PoolRecord>>()
  /** Memory in MB of the containers that serve a namespace, or will. */
  readonly #memory = new Map<string, number>()
  readonly #byState: Record<ContainerState, Set<PoolRecord>>
  readonly #observe: ((transition: Transition) => void) | undefined
  /** Events that met a state in which they are illegal; each is a bug here or in a factory. */
  illegalTransitions = 0

  /** `observe` is told of every step, the illegal ones included; steps that lead to the same state are not told. */
  constructor(observe?: (transition: Transition) => void) {
    this.#observe = observe
    const byState: Partial<Record<ContainerState, Set<PoolRecord>>> = {}
    for (const state of CONTAINER_STATES) byState[state] = new Set()
    this.#byState = byState as Record<ContainerState, Set<PoolRecord>>
  }

  get size(): number {
    return this.#records.size
  }

  get(id: ContainerId): PoolRecord | undefined {
    return this.#records.get(id)
  }

  all(): IterableIterator<PoolRecord> {
    return this.#records.values()
  }

  /** Containers of an action in every state. */
  ofAction(key: ActionKey): ReadonlySet<PoolRecord> {
    return this.#byAction.get(key) ?? NONE
  }

  onNode(node: string): ReadonlySet<PoolRecord> {
    return this.#byNode.get(node) ?? NONE
  }

  inState(state: ContainerState): ReadonlySet<PoolRecord> {
    return this.#byState[state]
  }

  /** Memory in MB of the containers that serve the invoking namespace, or will: not of those that are on their way out. */
  memoryOf(namespace: string): number {
    return this.#memory.get(namespace) ?? 0
  }

  /** Namespaces that have such containers. */
  get namespaces(): number {
    return this.#memory.size
  }

  /** Actions that have any container, with all of theirs. */
  actions(): IterableIterator<[ActionKey, ReadonlySet<PoolRecord>]> {
    return this.#byAction.entries()
  }

  add(record: PoolRecord): void {
    this.#records.set(record.id, record)
    this.#byState[record.state].add(record)
    setOf(this.#byNode, record.node).add(record)
    if (record.action !== undefined) setOf(this.#byAction, record.action.actionKey).add(record)
    this.#count(record, 1)
  }

  /** Applies an event: true and the new state, or false, counted and unchanged where it is illegal. A record that is gone is dropped. */
  apply(record: PoolRecord, event: ContainerEvent, now: number): boolean {
    const state = nextState(record.state, event)
    if (state !== record.state) this.#observe?.({ id: record.id, from: record.state, event, to: state })
    if (state === undefined) {
      this.illegalTransitions++
      return false
    }
    if (state === record.state) return true
    this.#byState[record.state].delete(record)
    this.#count(record, -1)
    record.state = state
    this.#count(record, 1)
    record.since = Math.round(now)
    if (state === 'gone') this.#drop(record)
    else this.#byState[state].add(record)
    return true
  }

  /** Binds a stem cell to an action, or unbinds it. */
  assign(record: PoolRecord, action: ActionRequirements | undefined): void {
    if (record.action !== undefined) this.#leave(this.#byAction, record.action.actionKey, record)
    this.#count(record, -1)
    record.action = action
    this.#count(record, 1)
    if (action !== undefined) setOf(this.#byAction, action.actionKey).add(record)
  }

  relocate(record: PoolRecord, node: string): void {
    this.#leave(this.#byNode, record.node, record)
    record.node = node
    setOf(this.#byNode, node).add(record)
  }

  #count({ action, state }: PoolRecord, sign: 1 | -1): void {
    if (action === undefined || !HOLDS[state]) return
    const { namespace, resources } = action
    const held = this.memoryOf(namespace) + sign * (resources[MEMORY] ?? 0)
    if (held > 0) this.#memory.set(namespace, held)
    else this.#memory.delete(namespace)
  }

  #drop(record: PoolRecord): void {
    this.#records.delete(record.id)
    this.#leave(this.#byNode, record.node, record)
    if (record.action !== undefined) this.#leave(this.#byAction, record.action.actionKey, record)
  }

  #leave<Key>(map: Map<Key, Set<PoolRecord>>, key: Key, record: PoolRecord): void {
    const set = map.get(key)
    set?.delete(record)
    if (set?.size === 0) map.delete(key)
  }
}

/** States in which a container counts as its namespace's. */
const HOLDS: Readonly<Record<ContainerState, boolean>> = {
  requested: true,
  creating: true,
  stem: false,
  binding: true,
  idle: true,
  active: true,
  marked: false,
  draining: false,
  lost: false,
  gone: false,
}

const NONE: ReadonlySet<PoolRecord> = new Set()

function setOf<Key>(map: Map<Key, Set<PoolRecord>>, key: Key): Set<PoolRecord> {
  let set = map.get(key)
  if (set === undefined) {
    set = new Set()
    map.set(key, set)
  }
  return set
}
