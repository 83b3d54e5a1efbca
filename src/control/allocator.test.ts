import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Resources } from '../containers/container-factory.ts'
import type { ContainerId } from '../model/ids.ts'
import { allocate, explain } from './allocator.ts'
import { Ledger } from './ledger.ts'
import type { PlacementName } from './placement/placement.ts'
import { placementOf, PLACEMENTS } from './placement/placement.ts'

const KIND = 'nodejs:24'

const amounts = (memory: number): fc.Arbitrary<Record<string, number>> =>
  fc.record(
    {
      memoryMb: fc.integer({ min: 1, max: memory }),
      cpuMilli: fc.integer({ min: 0, max: 4_000 }),
      'nvidia.com/gpu': fc.integer({ min: 0, max: 2 }),
      network: fc.integer({ min: 0, max: 10 }),
    },
    { requiredKeys: ['memoryMb'] },
  )

test('S4-37: a node is picked exactly when brute force finds one that fits, and the one picked fits', () => {
  const scenario = fc.record({
    capacities: fc.array(fc.record({ capacity: amounts(4_000), schedulable: fc.boolean() }), {
      minLength: 1,
      maxLength: 8,
    }),
    held: fc.array(fc.record({ node: fc.nat(7), need: amounts(1_000) }), { maxLength: 30 }),
    need: amounts(2_000),
    placement: fc.constantFrom(...PLACEMENTS),
    siblings: fc.array(fc.nat(3), { minLength: 8, maxLength: 8 }),
  })
  fc.assert(
    fc.property(scenario, ({ capacities, held, need, placement, siblings }) => {
      const ledger = new Ledger()
      ledger.setNodes(capacities.map((one, position) => ({ node: `n${position}`, ...one })))
      held.forEach((one, position) => ledger.reserve(String(position) as ContainerId, `n${one.node}`, one.need))
      const fitting = [...ledger.nodes].filter((node) => node.schedulable && ledger.fits(node, need))
      const counts = new Map(siblings.map((count, position) => [`n${position}`, count]))
      const chosen = allocate(ledger, { need, kind: KIND, siblings: counts }, placementOf(placement))
      assert.equal(chosen === undefined, fitting.length === 0)
      if (chosen === undefined) return
      assert.ok(fitting.includes(chosen))
      assert.ok(ledger.reserve('new' as ContainerId, chosen.name, need))
      if (placement === 'spread') {
        const fewest = Math.min(...fitting.map((node) => counts.get(node.name) ?? 0))
        assert.equal(counts.get(chosen.name), fewest)
      }
    }),
    { numRuns: 500 },
  )
})

function cluster(): Ledger {
  const ledger = new Ledger()
  ledger.setNodes([
    { node: 'small', capacity: { memoryMb: 1_000, cpuMilli: 1_000 }, schedulable: true },
    { node: 'large', capacity: { memoryMb: 8_000, cpuMilli: 2_000 }, schedulable: true },
    { node: 'gpu', capacity: { memoryMb: 4_000, cpuMilli: 4_000, 'nvidia.com/gpu': 1 }, schedulable: true },
    { node: 'cordoned', capacity: { memoryMb: 90_000, cpuMilli: 90_000, 'nvidia.com/gpu': 9 }, schedulable: false },
  ])
  return ledger
}

const TABLE: readonly (readonly [string, PlacementName, Resources, string | undefined])[] = [
  ['least loaded takes the most room', 'least-loaded', { memoryMb: 256 }, 'large'],
  ['bin-pack takes the least room that suffices', 'bin-pack', { memoryMb: 256 }, 'small'],
  ['bin-pack passes nodes that are too small', 'bin-pack', { memoryMb: 2_000 }, 'gpu'],
  ['a GPU action lands on the GPU node', 'least-loaded', { memoryMb: 256, 'nvidia.com/gpu': 1 }, 'gpu'],
  ['two GPUs are nowhere', 'spread', { memoryMb: 256, 'nvidia.com/gpu': 2 }, undefined],
  ['a CPU-bound action goes where CPU is left', 'bin-pack', { memoryMb: 256, cpuMilli: 3_000 }, 'gpu'],
  ['amounts of 0 do not matter', 'bin-pack', { memoryMb: 256, fpga: 0 }, 'small'],
  ['an unknown resource is nowhere', 'least-loaded', { memoryMb: 256, fpga: 1 }, undefined],
]

for (const [name, placement, need, node] of TABLE) {
  test(`S4-38: ${name}`, () => {
    assert.equal(allocate(cluster(), { need, kind: KIND }, placementOf(placement))?.name, node)
  })
}

test('S4-38: containers are not placed together beyond the CPU that they ask for', () => {
  const ledger = cluster()
  const need = { memoryMb: 128, cpuMilli: 1_000 }
  let placed = 0
  for (let node = allocate(ledger, { need, kind: KIND }, placementOf('least-loaded')); node !== undefined; placed++) {
    assert.ok(ledger.reserve(String(placed) as ContainerId, node.name, need))
    node = allocate(ledger, { need, kind: KIND }, placementOf('least-loaded'))
  }
  assert.equal(placed, 7)
})

test('S4-38: what can never be placed is explained by the resource that is missing', () => {
  const ledger = cluster()
  assert.equal(explain(ledger, { memoryMb: 8_000 }, KIND), undefined)
  assert.match(explain(ledger, { memoryMb: 256, fpga: 1 }, KIND) ?? '', /'fpga'/)
  assert.match(explain(ledger, { memoryMb: 9_000 }, KIND) ?? '', /9000 of 'memoryMb'/)
  assert.match(explain(ledger, { memoryMb: 8_000, 'nvidia.com/gpu': 1 }, KIND) ?? '', /together/)
})

test('a kind goes to nodes that run it, and what no node runs is said to be that', () => {
  const ledger = new Ledger()
  ledger.setNodes([
    { node: 'large', capacity: { memoryMb: 9_000 }, schedulable: true, kinds: ['python:3.13'] },
    { node: 'small', capacity: { memoryMb: 1_000 }, schedulable: true, kinds: [KIND, 'blackbox'] },
  ])
  const placed = (memoryMb: number, kind: string): string | undefined =>
    allocate(ledger, { need: { memoryMb }, kind }, placementOf('least-loaded'))?.name
  assert.equal(placed(500, KIND), 'small')
  assert.equal(placed(500, 'python:3.13'), 'large')
  assert.equal(placed(2_000, KIND), undefined)
  assert.equal(explain(ledger, { memoryMb: 500 }, KIND), undefined)
  assert.match(explain(ledger, { memoryMb: 2_000 }, KIND) ?? '', /the largest has 1000/)
  assert.equal(explain(ledger, { memoryMb: 500 }, 'java:8'), "no node runs the kind 'java:8'")
  ledger.setNodes([{ node: 'any', capacity: { memoryMb: 9_000 }, schedulable: true }])
  assert.equal(placed(500, 'java:8'), 'any')
})

test('S4-41: a cordoned node gets nothing new', () => {
  const ledger = cluster()
  assert.equal(allocate(ledger, { need: { memoryMb: 50_000 }, kind: KIND }, placementOf('least-loaded')), undefined)
})
