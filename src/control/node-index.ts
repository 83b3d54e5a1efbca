/** The schedulable nodes in order of what they have left of one resource, so that a placement finds a fitting node without looking at all of them. */

import type { LedgerNode } from './ledger.ts'

export class NodeIndex {
  readonly resource: string
  readonly #nodes: LedgerNode[] = []

  constructor(resource: string) {
    this.resource = resource
  }

  /** Ascending by what is free; nodes with equal amounts by their ordinal. */
  get nodes(): readonly LedgerNode[] {
    return this.#nodes
  }

  /** Position of the first node with at least `amount` free. */
  firstWith(amount: number): number {
    return this.#position(amount, -1)
  }

  insert(node: LedgerNode, free: number): void {
    node.indexed[this.resource] = free
    this.#nodes.splice(this.#position(free, node.ordinal), 0, node)
  }

  remove(node: LedgerNode): void {
    const free = node.indexed[this.resource]
    if (free === undefined) return
    this.#nodes.splice(this.#position(free, node.ordinal), 1)
    delete node.indexed[this.resource]
  }

  /** Puts an indexed node where its new amount belongs; nodes in between shift by one. */
  move(node: LedgerNode, free: number): void {
    const before = node.indexed[this.resource]
    if (before === undefined || before === free) return
    const nodes = this.#nodes
    let at = this.#position(before, node.ordinal)
    node.indexed[this.resource] = free
    for (let next = nodes[at + 1]; next !== undefined && this.#isBefore(next, node); next = nodes[at + 1]) {
      nodes[at] = next
      at++
    }
    for (
      let previous = nodes[at - 1];
      previous !== undefined && this.#isBefore(node, previous);
      previous = nodes[at - 1]
    ) {
      nodes[at] = previous
      at--
    }
    nodes[at] = node
  }

  #isBefore(one: LedgerNode, other: LedgerNode): boolean {
    const difference = (one.indexed[this.resource] ?? 0) - (other.indexed[this.resource] ?? 0)
    return difference === 0 ? one.ordinal < other.ordinal : difference < 0
  }

  #position(free: number, ordinal: number): number {
    let low = 0
    let high = this.#nodes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const node = this.#nodes[middle]
      const held = node?.indexed[this.resource] ?? 0
      if (held < free || (held === free && (node?.ordinal ?? 0) < ordinal)) low = middle + 1
      else high = middle
    }
    return low
  }
}
