/** Decisions where a container goes, on a full-grown cluster: choose a node, reserve, and release another container to stay at the same fill. */

import { allocate } from '../src/control/allocator.ts'
import { Ledger } from '../src/control/ledger.ts'
import { PLACEMENTS, placementOf } from '../src/control/placement/placement.ts'
import type { PlacementName } from '../src/control/placement/placement.ts'
import type { ContainerId } from '../src/model/ids.ts'
import type { Row } from './harness/row.ts'
import { interleave, median, seededRandom } from './harness/statistics.ts'

const NODES = 1000
const CONTAINERS = 100_000
/** On average 100 containers of 320 MB: the nodes are four fifths full. */
const NODE = { memoryMb: 40_000, cpuMilli: 64_000 }
const SIZES_MB = [128, 256, 384, 512]

export const allocator: Row = {
  name: 'allocator',
  about: `placements a second on ${NODES} nodes with ${CONTAINERS} containers, by each strategy`,
  async measure(bench) {
    bench.progress(`${CONTAINERS} containers are placed`)
    const clusters = new Map(PLACEMENTS.map((name) => [name, fullCluster(name)]))
    const decisions = bench.amount(50_000, 10_000)
    const contenders = Object.fromEntries(
      [...clusters].map(([name, decide]) => [name, () => Promise.resolve(rateOf(decide, decisions))]),
    )
    const rates = await interleave(bench.amount(5, 3), contenders)
    return Object.entries(rates).map(([name, values]) => ({
      row: 'allocator',
      what: name,
      unit: 'decisions/s',
      measured: median(values),
      budget: { type: 'least' as const, value: 50_000 },
    }))
  },
}

function rateOf(decide: () => void, decisions: number): number {
  const startedAt = performance.now()
  for (let count = 0; count < decisions; count++) decide()
  return decisions / ((performance.now() - startedAt) / 1000)
}

/** A filled cluster; each call of what is returned replaces its oldest container. Throws where a placement is refused: there is room. */
function fullCluster(name: PlacementName): () => void {
  const strategy = placementOf(name)
  const random = seededRandom(1)
  const ledger = new Ledger()
  ledger.setNodes(
    Array.from({ length: NODES }, (_, index) => ({ node: `node-${index}`, capacity: NODE, schedulable: true })),
  )
  let newest = 0
  let oldest = 0
  const place = (): void => {
    const memoryMb = SIZES_MB[Math.floor(random() * SIZES_MB.length)] ?? 256
    const need = { memoryMb, cpuMilli: 100 }
    const node = allocate(ledger, { need, kind: 'nodejs:24' }, strategy)
    if (node === undefined || !ledger.reserve(String(newest++) as ContainerId, node.name, need)) {
      throw new Error('a container found no node although there is room')
    }
  }
  while (newest < CONTAINERS) place()
  return () => {
    ledger.release(String(oldest++) as ContainerId)
    place()
  }
}
