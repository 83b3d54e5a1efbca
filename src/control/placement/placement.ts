/** Which of the fitting nodes a new container goes to. */

import type { Resources } from '../../containers/container-factory.ts'
import type { LedgerNode } from '../ledger.ts'
import type { NodeIndex } from '../node-index.ts'
import { binPack } from './bin-pack.ts'
import { leastLoaded } from './least-loaded.ts'
import { spread } from './spread.ts'

export const PLACEMENTS = ['least-loaded', 'bin-pack', 'spread'] as const
export type PlacementName = (typeof PLACEMENTS)[number]

export interface PlacementQuestion {
  /** The candidates in order of what they have left of the scarcest resource that is asked for. */
  readonly index: NodeIndex
  readonly need: Resources
  /** True where the whole need fits and nothing else speaks against the node. */
  fits(node: LedgerNode): boolean
  /** Containers of the same action on the node. */
  siblings(node: LedgerNode): number
}

/** Answers a node for which `fits` holds whenever there is one, else undefined. Must not keep state. */
export type PlacementStrategy = (question: PlacementQuestion) => LedgerNode | undefined

export function placementOf(name: PlacementName): PlacementStrategy {
  switch (name) {
    case 'least-loaded':
      return leastLoaded // each container gets the most room to breathe: best latency while there are nodes to spare
    case 'bin-pack':
      return binPack // nodes stay empty for an autoscaler to take away
    case 'spread':
      return spread // an action survives the loss of a node
  }
}
