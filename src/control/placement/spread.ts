/** Places on the node with the fewest containers of the same action, the one with the most room among equals. */

import type { LedgerNode } from '../ledger.ts'
import type { PlacementQuestion } from './placement.ts'

export function spread({ index, need, fits, siblings }: PlacementQuestion): LedgerNode | undefined {
  const { nodes } = index
  const first = index.firstWith(need[index.resource] ?? 0)
  let best: LedgerNode | undefined
  let fewest = Infinity
  // Ends at the first node without a sibling: the action's own nodes are the only ones that are passed over.
  for (let at = nodes.length - 1; at >= first && fewest > 0; at--) {
    const node = nodes[at]
    if (node === undefined || !fits(node)) continue
    const count = siblings(node)
    if (count < fewest) {
      fewest = count
      best = node
    }
  }
  return best
}
