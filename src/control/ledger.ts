/**
 * Who holds how much of each node. A reservation is made only where it fits in every dimension, so that no node is ever over-committed by a decision
 * made here; an earmark keeps room that is still held by containers on their way out from being given to somebody else when they are gone.
 */

import type { NodeCapacity, Resources } from '../containers/container-factory.ts'
import type { ContainerId } from '../model/ids.ts'
import { NodeIndex } from './node-index.ts'
import type { ResourceTally } from './resources.ts'
import { addTo, covers, MEMORY, takeFrom } from './resources.ts'

export interface LedgerNode {
  readonly name: string
  /** Order of arrival: breaks ties, so that decisions are the same in every run. */
  readonly ordinal: number
  readonly capacity: Resources
  readonly schedulable: boolean
  /** What can be run there; undefined: everything. */
  readonly kinds: readonly string[] | undefined
  /** Held by reservations. */
  readonly used: Resources
  /** Promised to requested containers. */
  readonly earmarked: Resources
  /** Part of `used` whose holders are on their way out. */
  readonly freeing: Resources
  readonly reservations: number
}

interface NodeAccount extends LedgerNode {
  capacity: Resources
  schedulable: boolean
  kinds: readonly string[] | undefined
  readonly used: ResourceTally
  readonly earmarked: ResourceTally
  readonly freeing: ResourceTally
  reservations: number
  /** False when the factory does not know the node any more. */
  listed: boolean
}

interface Reservation {
  node: NodeAccount
  need: Resources
  freeing: boolean
}

interface Earmark {
  readonly node: NodeAccount
  readonly need: Resources
}

export class Ledger {
  readonly #nodes = new Map<string, NodeAccount>()
  readonly #indexes = new Map<string, NodeIndex>()
  readonly #reservations = new Map<ContainerId, Reservation>()
  readonly #earmarks = new Map<ContainerId, Earmark>()
  #ordinal = 0
  #totalMemoryMb = 0

  get nodes(): IterableIterator<LedgerNode> {
    return this.#nodes.values()
  }

  /** Memory of all schedulable nodes, whoever holds it. */
  get totalMemoryMb(): number {
    return this.#totalMemoryMb
  }

  /** Containers can be placed somewhere, if there is room. */
  get hasSchedulable(): boolean {
    for (const node of this.#nodes.values()) if (node.schedulable) return true
    return false
  }

  get reservations(): number {
    return this.#reservations.size
  }

  node(name: string): LedgerNode | undefined {
    return this.#nodes.get(name)
  }

  /** Schedulable nodes that have any of `resource`, by what they have left; undefined for a resource that every node has, memory excepted, or none. */
  index(resource: string): NodeIndex | undefined {
    return this.#indexes.get(resource)
  }

  /** Takes over the factory's nodes. One that is not listed any more takes nothing new and is forgotten when it is empty. */
  setNodes(nodes: readonly NodeCapacity[]): void {
    const listed = new Set<string>()
    let changed = false
    for (const { node: name, capacity, schedulable, kinds } of nodes) {
      listed.add(name)
      const node = this.#account(name)
      changed ||= node.capacity !== capacity || node.schedulable !== schedulable
      node.capacity = capacity
      node.schedulable = schedulable
      node.kinds = kinds
      node.listed = true
    }
    for (const node of this.#nodes.values()) {
      if (listed.has(node.name)) continue
      changed ||= node.schedulable
      node.schedulable = false
      node.listed = false
      if (node.reservations === 0) this.#nodes.delete(node.name)
    }
    if (changed) this.#buildIndexes()
  }

  /** True when `need` fits beside what is held and promised on the node. */
  fits(node: LedgerNode, need: Resources): boolean {
    for (const name in need) {
      const amount = need[name] ?? 0
      if (amount > 0 && amount > freeOf(node, name)) return false
    }
    return true
  }

  /** True when `need`, less `extra`, will fit once everything on its way out is gone. */
  willFit(node: LedgerNode, need: Resources, extra: Resources = {}): boolean {
    for (const name in need) {
      const amount = need[name] ?? 0
      const coming = freeOf(node, name) + (node.freeing[name] ?? 0) + (extra[name] ?? 0)
      if (amount > 0 && amount > coming) return false
    }
    return true
  }

  /** True when some schedulable node that runs the kind is large enough for `need` when empty. */
  couldEverFit(need: Resources, kind: string): boolean {
    for (const node of this.#nodes.values())
      if (node.schedulable && runs(node, kind) && covers(node.capacity, need)) return true
    return false
  }

  /** Reserves for `id`; false, and nothing changed, where it does not fit, or `id` has a reservation or an earmark. */
  reserve(id: ContainerId, name: string, need: Resources): boolean {
    const node = this.#nodes.get(name)
    if (node === undefined || !node.schedulable || !this.fits(node, need)) return false
    if (this.#reservations.has(id) || this.#earmarks.has(id)) return false
    this.#hold(id, node, need)
    return true
  }

  /** Books what is a fact already: a container that was found on a node. The only way to exceed a capacity. */
  bookExisting(id: ContainerId, name: string, need: Resources): void {
    this.release(id)
    this.#hold(id, this.#account(name), need)
  }

  /** Changes the size of a reservation; false, and nothing changed, where the larger one does not fit. */
  resize(id: ContainerId, need: Resources): boolean {
    const reservation = this.#reservations.get(id)
    if (reservation === undefined) return false
    const { node, need: before } = reservation
    takeFrom(node.used, before)
    const possible = this.fits(node, need)
    const after = possible ? need : before
    addTo(node.used, after)
    if (reservation.freeing) {
      takeFrom(node.freeing, before)
      addTo(node.freeing, after)
    }
    reservation.need = after
    this.#reindex(node, before)
    this.#reindex(node, after)
    return possible
  }

  /** Gives back what `id` holds or was promised. Idempotent. */
  release(id: ContainerId): void {
    this.cancelEarmark(id)
    const reservation = this.#reservations.get(id)
    if (reservation === undefined) return
    const { node, need } = reservation
    this.setFreeing(id, false)
    takeFrom(node.used, need)
    node.reservations--
    this.#reservations.delete(id)
    this.#reindex(node, need)
    if (node.reservations === 0 && !node.listed) this.#nodes.delete(node.name)
  }

  /** Notes whether the holder is on its way out. Idempotent. */
  setFreeing(id: ContainerId, freeing: boolean): void {
    const reservation = this.#reservations.get(id)
    if (reservation === undefined || reservation.freeing === freeing) return
    reservation.freeing = freeing
    if (freeing) addTo(reservation.node.freeing, reservation.need)
    else takeFrom(reservation.node.freeing, reservation.need)
  }

  /** Promises room on a node that is not free yet; `fulfil` turns the promise into a reservation when it is. */
  earmark(id: ContainerId, name: string, need: Resources): void {
    const node = this.#nodes.get(name)
    if (node === undefined || this.#earmarks.has(id) || this.#reservations.has(id)) return
    this.#earmarks.set(id, { node, need })
    addTo(node.earmarked, need)
    this.#reindex(node, need)
  }

  cancelEarmark(id: ContainerId): void {
    const earmark = this.#earmarks.get(id)
    if (earmark === undefined) return
    this.#earmarks.delete(id)
    takeFrom(earmark.node.earmarked, earmark.need)
    this.#reindex(earmark.node, earmark.need)
  }

  /** Turns an earmark into a reservation when its room has become free; other earmarks of the node do not count against it. */
  fulfil(id: ContainerId): boolean {
    const earmark = this.#earmarks.get(id)
    if (earmark === undefined || !earmark.node.schedulable) return false
    const { node, need } = earmark
    for (const name in need) {
      const amount = need[name] ?? 0
      if (amount > 0 && amount > (node.capacity[name] ?? 0) - (node.used[name] ?? 0)) return false
    }
    this.cancelEarmark(id)
    this.#hold(id, node, need)
    return true
  }

  /** True when an earmark can come true: what is on its way out on its node suffices for all that was promised there. */
  willBeFulfilled(id: ContainerId): boolean {
    const earmark = this.#earmarks.get(id)
    if (earmark === undefined || !earmark.node.schedulable) return false
    return this.willFit(earmark.node, earmark.need, earmark.need)
  }

  #hold(id: ContainerId, node: NodeAccount, need: Resources): void {
    addTo(node.used, need)
    node.reservations++
    this.#reservations.set(id, { node, need, freeing: false })
    this.#reindex(node, need)
  }

  #account(name: string): NodeAccount {
    const known = this.#nodes.get(name)
    if (known !== undefined) return known
    const node: NodeAccount = {
      name,
      ordinal: this.#ordinal++,
      capacity: {},
      schedulable: false,
      kinds: undefined,
      used: {},
      earmarked: {},
      freeing: {},
      reservations: 0,
      listed: false,
    }
    this.#nodes.set(name, node)
    return node
  }

  #reindex(node: NodeAccount, changed: Resources): void {
    if (!node.schedulable) return
    for (const name in changed) this.#indexes.get(name)?.move(node, freeOf(node, name))
  }

  /** One index for memory, and one for each resource that not every node has: those are the ones worth searching by. */
  #buildIndexes(): void {
    this.#indexes.clear()
    const schedulable = [...this.#nodes.values()].filter((node) => node.schedulable)
    this.#totalMemoryMb = schedulable.reduce((sum, { capacity }) => sum + (capacity[MEMORY] ?? 0), 0)
    const names = new Set([MEMORY, ...schedulable.flatMap((node) => Object.keys(node.capacity))])
    for (const name of names) {
      const having = schedulable.filter((node) => (node.capacity[name] ?? 0) > 0)
      if (name !== MEMORY && having.length === schedulable.length) continue
      this.#indexes.set(name, new NodeIndex(name, having, (node) => freeOf(node, name)))
    }
  }
}

/** Whether containers of a kind can be started on a node. */
export function runs({ kinds }: LedgerNode, kind: string): boolean {
  return kinds === undefined || kinds.includes(kind)
}

/** What a node has left of one resource after reservations and promises; negative while promises wait for containers to go. */
export function freeOf(node: LedgerNode, name: string): number {
  return (node.capacity[name] ?? 0) - (node.used[name] ?? 0) - (node.earmarked[name] ?? 0)
}

/** Share of the node's memory that is held, 0 to 1. */
export function fillOf(node: LedgerNode): number {
  const capacity = node.capacity[MEMORY] ?? 0
  return capacity <= 0 ? 1 : (node.used[MEMORY] ?? 0) / capacity
}

/**
 * 1 - largest free block / total free memory over the schedulable nodes: 0 when all free room is on one node, towards 1 when it lies in crumbs.
 */
export function fragmentationOf(nodes: Iterable<LedgerNode>): number {
  let total = 0
  let largest = 0
  for (const node of nodes) {
    if (!node.schedulable) continue
    const free = Math.max(0, (node.capacity[MEMORY] ?? 0) - (node.used[MEMORY] ?? 0))
    total += free
    largest = Math.max(largest, free)
  }
  return total === 0 ? 0 : 1 - largest / total
}
