/** Decides where a container goes: asks the placement strategy over the index of the scarcest resource that is needed. */

import type { Resources } from '../containers/container-factory.ts'
import type { Ledger, LedgerNode } from './ledger.ts'
import { runs } from './ledger.ts'
import type { NodeIndex } from './node-index.ts'
import type { PlacementStrategy } from './placement/placement.ts'
import { MEMORY } from './resources.ts'

export interface Placing {
  readonly need: Resources
  readonly kind: string
  /** Containers of the same action by node; absent: none. */
  readonly siblings?: ReadonlyMap<string, number>
  /** Further condition on the node; absent: none. */
  accepts?(node: LedgerNode): boolean
}

/** The node for a container, or undefined when no schedulable node has room in every dimension (`explain` tells why). Changes nothing. */
export function allocate(ledger: Ledger, placing: Placing, strategy: PlacementStrategy): LedgerNode | undefined {
  const { need, kind, siblings } = placing
  const index = scarcestIndex(ledger, need)
  if (index === undefined) return undefined
  return strategy({
    index,
    need,
    fits: (node) => ledger.fits(node, need) && runs(node, kind) && placing.accepts?.(node) !== false,
    siblings: (node) => siblings?.get(node.name) ?? 0,
  })
}

/**
 * Why `need` of a kind can never be met by these nodes, naming what is missing; undefined when an empty node could hold it, and while there are none at all:
 * those of a fleet are still to come.
 */
export function explain(ledger: Ledger, need: Resources, kind: string): string | undefined {
  if (!ledger.hasSchedulable || ledger.couldEverFit(need, kind)) return undefined
  const able = [...ledger.nodes].filter((node) => node.schedulable && runs(node, kind))
  if (able.length === 0) return `no node runs the kind '${kind}'`
  for (const name of Object.keys(need)) {
    const amount = need[name] ?? 0
    if (amount <= 0) continue
    let most = 0
    for (const node of able) most = Math.max(most, node.capacity[name] ?? 0)
    if (most === 0) return `no node offers the resource '${name}'`
    if (most < amount) return `no node is large enough: ${amount} of '${name}' are needed, the largest has ${most}`
  }
  return 'no node offers all of the needed resources together'
}

/** The index with the fewest nodes: that of a resource which only some of them have, else that of memory. */
function scarcestIndex(ledger: Ledger, need: Resources): NodeIndex | undefined {
  let scarcest = ledger.index(MEMORY)
  for (const name in need) {
    if ((need[name] ?? 0) <= 0) continue
    const index = ledger.index(name)
    if (index === undefined) continue
    if (scarcest === undefined || index.nodes.length < scarcest.nodes.length) scarcest = index
  }
  return scarcest
}
