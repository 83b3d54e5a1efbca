/** The schedulable nodes in order of what they have left of one resource, so that a placement finds a fitting node without looking at all of them. */

import type { LedgerNode } from './ledger.ts'

export class NodeIndex {
  readonly resource: string
  readonly #nodes: LedgerNode[]
  /** What each of `#nodes` has free: beside them, because a search that reads it off the nodes costs five times as much (pool-scale.test.ts). */
  readonly #free: number[]
  readonly #freeOf = new Map<LedgerNode, number>()

  constructor(resource: string, nodes: readonly LedgerNode[], freeOf: (node: LedgerNode) => number) {
    this.resource = resource
    for (const node of nodes) this.#freeOf.set(node, freeOf(node))
    const free = (node: LedgerNode): number => this.#freeOf.get(node) ?? 0
    this.#nodes = nodes.toSorted((one, other) => free(one) - free(other) || one.ordinal - other.ordinal)
    this.#free = this.#nodes.map(free)
  }

  /** Ascending by what is free; nodes with equal amounts by their ordinal. */
  get nodes(): readonly LedgerNode[] {
    return this.#nodes
  }

  /** Position of the first node with at least `amount` free. */
  firstWith(amount: number): number {
    return this.#position(amount, -1)
  }

  /** Puts a node where its new amount belongs; one that is not in the index stays out. */
  move(node: LedgerNode, free: number): void {
    const before = this.#freeOf.get(node)
    if (before === undefined || before === free) return
    const from = this.#position(before, node.ordinal)
    this.#nodes.splice(from, 1)
    this.#free.splice(from, 1)
    const to = this.#position(free, node.ordinal)
    this.#nodes.splice(to, 0, node)
    this.#free.splice(to, 0, free)
    this.#freeOf.set(node, free)
  }

  #position(amount: number, ordinal: number): number {
    const free = this.#free
    let low = 0
    let high = free.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const held = free[middle] ?? 0
      if (held < amount || (held === amount && (this.#nodes[middle]?.ordinal ?? 0) < ordinal)) low = middle + 1
      else high = middle
    }
    return low
  }
}
