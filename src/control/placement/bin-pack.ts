/** Places on the fullest node that still has room (best fit). */

import type { LedgerNode } from '../ledger.ts'
import type { PlacementQuestion } from './placement.ts'

export function binPack({ index, need, fits }: PlacementQuestion): LedgerNode | undefined {
  const { nodes } = index
  for (let at = index.firstWith(need[index.resource] ?? 0); at < nodes.length; at++) {
    const node = nodes[at]
    if (node !== undefined && fits(node)) return node
  }
  return undefined
}
