import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ContainerId } from '../model/ids.ts'
import { fragmentationOf, freeOf, Ledger } from './ledger.ts'

const idOf = (number: number): ContainerId => String(number) as ContainerId
const NAMES = ['a', 'b', 'c']
const need = fc.record({
  memoryMb: fc.integer({ min: 1, max: 600 }),
  gpu: fc.integer({ min: 0, max: 2 }),
  cpuMilli: fc.integer({ min: 0, max: 900 }),
})
const step = fc.oneof(
  fc.record({ type: fc.constant('reserve' as const), id: fc.nat(30), node: fc.nat(2), need }),
  fc.record({ type: fc.constant('release' as const), id: fc.nat(30) }),
  fc.record({ type: fc.constant('resize' as const), id: fc.nat(30), need }),
  fc.record({ type: fc.constant('earmark' as const), id: fc.nat(30), node: fc.nat(2), need }),
  fc.record({ type: fc.constant('fulfil' as const), id: fc.nat(30) }),
  fc.record({ type: fc.constant('freeing' as const), id: fc.nat(30), freeing: fc.boolean() }),
  fc.record({ type: fc.constant('cordon' as const), node: fc.nat(2), schedulable: fc.boolean() }),
)

test('S4-37: whatever is reserved, resized, promised and released, no node is over-committed in any dimension and nothing is left over', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const ledger = new Ledger()
      const schedulable = [true, true, true]
      const setNodes = (): void =>
        ledger.setNodes(
          NAMES.map((node, position) => ({
            node,
            capacity: { memoryMb: 1_000, cpuMilli: 2_000, ...(node === 'c' && { gpu: 2 }) },
            schedulable: schedulable[position] ?? true,
          })),
        )
      setNodes()
      const held = new Map<ContainerId, Record<string, number>>()
      const promised = new Map<ContainerId, Record<string, number>>()
      for (const one of steps) {
        if (one.type === 'cordon') {
          schedulable[one.node] = one.schedulable
          setNodes()
          continue
        }
        const id = idOf(one.id)
        if (one.type === 'reserve') {
          if (ledger.reserve(id, NAMES[one.node] ?? 'a', one.need)) held.set(id, one.need)
        } else if (one.type === 'release') {
          ledger.release(id)
          held.delete(id)
          promised.delete(id)
        } else if (one.type === 'resize') {
          if (ledger.resize(id, one.need)) held.set(id, one.need)
        } else if (one.type === 'earmark') {
          if (!held.has(id) && !promised.has(id)) promised.set(id, one.need)
          ledger.earmark(id, NAMES[one.node] ?? 'a', one.need)
        } else if (one.type === 'fulfil') {
          const wanted = promised.get(id)
          if (ledger.fulfil(id) && wanted !== undefined) {
            held.set(id, wanted)
            promised.delete(id)
          }
        } else ledger.setFreeing(id, one.freeing)
        check(ledger, held, promised)
      }
      for (const id of [...held.keys(), ...promised.keys()]) ledger.release(id)
      for (const node of ledger.nodes) {
        for (const tally of [node.used, node.earmarked, node.freeing]) {
          assert.ok(Object.values(tally).every((amount) => amount === 0))
        }
        assert.equal(node.reservations, 0)
      }
    }),
    { numRuns: 300 },
  )
})

function check(
  ledger: Ledger,
  held: ReadonlyMap<ContainerId, Record<string, number>>,
  promised: ReadonlyMap<ContainerId, Record<string, number>>,
): void {
  assert.equal(ledger.reservations, held.size)
  for (const name of ['memoryMb', 'cpuMilli', 'gpu']) {
    const sum = (of: Iterable<Record<string, number>>): number =>
      [...of].reduce((all, one) => all + (one[name] ?? 0), 0)
    let used = 0
    let earmarked = 0
    for (const node of ledger.nodes) {
      assert.ok((node.used[name] ?? 0) <= (node.capacity[name] ?? 0), `${node.name} is over-committed in ${name}`)
      assert.ok((node.freeing[name] ?? 0) <= (node.used[name] ?? 0))
      used += node.used[name] ?? 0
      earmarked += node.earmarked[name] ?? 0
    }
    assert.equal(used, sum(held.values()))
    assert.equal(earmarked, sum(promised.values()))
    // The index holds each schedulable node once, in order.
    const indexed = ledger.index(name)?.nodes ?? []
    const frees = indexed.map((node) => freeOf(node, name))
    assert.deepEqual(
      frees,
      frees.toSorted((a, b) => a - b),
    )
    assert.equal(new Set(indexed).size, indexed.length)
  }
}

test('what was promised room is not given other room beside it', () => {
  const ledger = new Ledger()
  ledger.setNodes([{ node: 'a', capacity: { memoryMb: 100 }, schedulable: true }])
  ledger.earmark(idOf(1), 'a', { memoryMb: 10 })
  assert.equal(ledger.reserve(idOf(1), 'a', { memoryMb: 10 }), false)
  assert.equal(ledger.fulfil(idOf(1)), true)
  assert.equal(ledger.node('a')?.used['memoryMb'], 10)
})

test('an earmark keeps freed room from others until its owner takes it', () => {
  const ledger = new Ledger()
  ledger.setNodes([{ node: 'a', capacity: { memoryMb: 512 }, schedulable: true }])
  assert.ok(ledger.reserve(idOf(1), 'a', { memoryMb: 256 }))
  assert.ok(ledger.reserve(idOf(2), 'a', { memoryMb: 256 }))
  ledger.earmark(idOf(3), 'a', { memoryMb: 512 })
  assert.equal(ledger.willBeFulfilled(idOf(3)), false)
  ledger.setFreeing(idOf(1), true)
  ledger.setFreeing(idOf(2), true)
  assert.equal(ledger.willBeFulfilled(idOf(3)), true)
  ledger.release(idOf(1))
  assert.equal(ledger.reserve(idOf(4), 'a', { memoryMb: 128 }), false)
  assert.equal(ledger.fulfil(idOf(3)), false)
  ledger.release(idOf(2))
  assert.equal(ledger.fulfil(idOf(3)), true)
})

test('a node that the factory does not know any more takes nothing and is forgotten when it is empty', () => {
  const ledger = new Ledger()
  ledger.setNodes([{ node: 'a', capacity: { memoryMb: 512 }, schedulable: true }])
  ledger.reserve(idOf(1), 'a', { memoryMb: 256 })
  ledger.setNodes([])
  assert.equal(ledger.reserve(idOf(2), 'a', { memoryMb: 128 }), false)
  assert.deepEqual(ledger.index('memoryMb')?.nodes, [])
  ledger.release(idOf(1))
  assert.equal(ledger.node('a'), undefined)
})

test('S4-24: fragmentation is 1 - largest free block / total free', () => {
  const ledger = new Ledger()
  ledger.setNodes(['a', 'b'].map((node) => ({ node, capacity: { memoryMb: 400 }, schedulable: true })))
  assert.equal(fragmentationOf(ledger.nodes), 0.5)
  ledger.reserve(idOf(1), 'a', { memoryMb: 300 })
  assert.equal(fragmentationOf(ledger.nodes).toFixed(6), '0.200000')
  ledger.reserve(idOf(2), 'a', { memoryMb: 100 })
  assert.equal(fragmentationOf(ledger.nodes), 0)
})
