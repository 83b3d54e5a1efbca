/** Places on the node with the most room left. */

import type { LedgerNode } from '../ledger.ts'
import type { PlacementQuestion } from './placement.ts'

export function leastLoaded({ index, need, fits }: PlacementQuestion): LedgerNode | undefined {
  const { nodes } = index
  const first = index.firstWith(need[index.resource] ?? 0)
  for (let at = nodes.length - 1; at >= first; at--) {
    const node = nodes[at]
    if (node !== undefined && fits(node)) return node
  }
  return undefined
}
