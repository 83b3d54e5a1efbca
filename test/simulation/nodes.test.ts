/** Nodes that come, change and go while calls go on: a fleet as the pool sees it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionOf, nodeOf, openPoolWorld, STEM } from './pool-world.ts'

test('S0-20: while there is no node calls wait; the first one that comes serves them at once', async () => {
  const { world, factory, pool, router } = await openPoolWorld({ nodes: [] })
  const one = router('r1')
  one.invoke(actionOf('hello'), 10)
  await world.pass(5_000)
  assert.equal(factory.created.length, 0)
  factory.capacities = [nodeOf('n1', 1_024)]
  pool.nodesChanged()
  await world.pass(100)
  assert.deepEqual(
    factory.created.map(({ node }) => node),
    ['n1'],
  )
  assert.equal(one.completed, 1)
})

test('S1-8: under load that leaves no room elsewhere a node that goes becomes empty all the same, and no call is lost', async () => {
  const [first, second, third] = [nodeOf('n1', 1_024), nodeOf('n2', 1_024), nodeOf('n3', 1_024)] as const
  const { world, factory, pool, router } = await openPoolWorld({ nodes: [first, second, third] })
  const one = router('r1')
  const action = actionOf('busy')
  let calls = 0
  const load = async (seconds: number): Promise<void> => {
    for (let tick = 0; tick < seconds * 10; tick++) {
      for (let call = 0; call < 14; call++, calls++) one.invoke(action, 90)
      await world.pass(100)
    }
  }
  const on = (node: string): number => pool.inspect({ node }).length
  await load(3)
  assert.deepEqual(['n1', 'n2', 'n3'].map(on), [4, 4, 4])
  factory.capacities = [first, { ...second, schedulable: false }, third]
  pool.nodesChanged()
  await load(3)
  assert.equal(on('n2'), 0)
  assert.deepEqual(
    factory.created.slice(12).filter(({ node }) => node === 'n2'),
    [],
  )
  await world.pass(30_000)
  assert.equal(one.completed, calls)
  assert.equal(one.hitDeleted, 0)
})

test('room for a kind is made on the nodes that run it, and nowhere else', async () => {
  const node = { ...nodeOf('n1', 512), kinds: ['nodejs:24'] }
  const other = { ...nodeOf('n2', 512), kinds: ['python:3.13'] }
  const { world, factory, router } = await openPoolWorld({ nodes: [node, other] })
  const one = router('r1')
  for (const name of ['a', 'b', 'c']) {
    for (const kind of ['nodejs:24', 'python:3.13']) {
      one.invoke(actionOf(`${name}-${kind}`, { kind }), 20)
      await world.pass(1_000)
    }
  }
  assert.equal(one.completed, 6)
  assert.deepEqual(
    factory.created.map(({ kind, node: at }) => [kind, at]),
    [1, 2, 3].flatMap(() => [
      ['nodejs:24', 'n1'],
      ['python:3.13', 'n2'],
    ]),
  )
  one.invoke(actionOf('d', { kind: 'java:8' }), 20)
  await world.pass(100)
  assert.equal(one.failed, 1)
})

test('nodes that change while the factory lists are looked at once more', async () => {
  const { world, factory, pool, router } = await openPoolWorld({ nodes: [nodeOf('n1', 1_024)] })
  pool.nodesChanged()
  factory.capacities = [nodeOf('n1', 1_024), nodeOf('n2', 4_096)]
  pool.nodesChanged()
  pool.nodesChanged()
  await world.pass(200)
  const one = router('r1')
  for (let call = 0; call < 8; call++) one.invoke(actionOf('hello'), 500)
  await world.pass(2_000)
  assert.equal(one.completed, 8)
  assert.ok(factory.created.some(({ node }) => node === 'n2'))
})

test('stem cells outlive a change of their number', async () => {
  const { world, factory, pool } = await openPoolWorld({ settings: { stemCells: [STEM] } })
  await world.pass(2_000)
  const before = factory.created.length
  assert.ok(before > 0)
  pool.reconfigure({ stemCells: [{ ...STEM, initialCount: STEM.initialCount + 1 }] })
  await world.pass(5_000)
  assert.equal(factory.created.length, before + 1)
  assert.equal(pool.count('stem'), before + 1)
})
