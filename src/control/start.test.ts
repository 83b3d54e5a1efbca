import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionOf, checkBooks, nodeOf, openPoolWorld, STEM, typesOf } from '../../test/simulation/pool-world.ts'

test('a start that fails fails the parked requests when no other is under way, and the image is left alone for longer and longer', async () => {
  const { world, pool, factory, router } = await openPoolWorld({ settings: { backoffMs: 5_000 } })
  factory.plan = () => ({ outcome: 'fails', afterMs: 10, failure: 'imageNotFound' })
  const one = router('r1')
  const action = actionOf('broken', { image: 'nowhere' })
  for (let again = 0; again < 3; again++) {
    one.invoke(action, 5)
    await world.pass(100)
  }
  assert.equal(one.failed, 1)
  assert.equal(factory.created.length, 1)
  await world.pass(60_000)
  assert.equal(one.failed, 3)
  assert.equal(factory.created.length, 2)
  assert.equal(pool.waitingActions, 0)
  const failure = one.events.find(({ type }) => type === 'demandFailed')
  assert.deepEqual(
    [failure?.type === 'demandFailed' && failure.failure, failure?.type === 'demandFailed' && failure.retry],
    ['imageNotFound', false],
  )
  factory.plan = () => ({ outcome: 'starts', afterMs: 10 })
  one.invoke(action, 5)
  await world.pass(1_000)
  assert.equal(one.completed, 1)
})

test('a failing image keeps nobody else from starting', async () => {
  const { world, factory, router, pool } = await openPoolWorld({ settings: { stemCells: [STEM] } })
  factory.plan = ({ image }) =>
    image === 'bad' ? { outcome: 'fails', afterMs: 10, failure: 'startFailed' } : { outcome: 'starts', afterMs: 10 }
  const one = router('r1')
  for (let call = 0; call < 20; call++) {
    one.invoke(actionOf('bad', { image: 'bad' }), 5)
    one.invoke(actionOf(`good${call}`), 5)
    await world.pass(100)
  }
  assert.equal(one.completed, 20)
  assert.ok(pool.count('stem') > 0 || pool.inspectNodes().nodes[0]?.fill === 1)
})

test('a start that hangs is given up in time without losing count of its room; when it succeeds late it is destroyed', async () => {
  const world = await openPoolWorld({ settings: { startTimeoutMs: 1_000, reconcileMs: 3_600_000 } })
  const { factory, pool } = world
  const one = world.router('r1')
  factory.plan = () => ({ outcome: 'starts', afterMs: 30_000 })
  one.invoke(actionOf('slow'), 5)
  await world.world.pass(10_000)
  assert.equal(one.failed, 1)
  assert.equal(pool.count('lost'), 1)
  assert.equal(pool.inspectNodes().nodes[0]?.used['memoryMb'], 256)
  await world.world.pass(30_000)
  assert.equal(pool.inspect().length, 0)
  assert.deepEqual([...factory.containers], [])
  assert.ok(!typesOf(one).includes('containerReady'))
  checkBooks(world)
})

test('a start that hangs for ever is written off when the factory does not list it', async () => {
  const world = await openPoolWorld({ settings: { startTimeoutMs: 1_000 } })
  world.factory.plan = () => ({ outcome: 'hangs' })
  world.router('r1').invoke(actionOf('never'), 5)
  await world.world.pass(70_000)
  assert.equal(world.pool.inspect().length, 0)
  checkBooks(world)
})

test('when everything is in use the routers are told once and the control plane goes on trying', async () => {
  const { world, router } = await openPoolWorld({ nodes: [nodeOf('n1', 256)], settings: { shareAfterMs: 1e9 } })
  const one = router('r1')
  one.invoke(actionOf('long'), 20_000)
  await world.pass(1_500)
  one.invoke(actionOf('waits'), 5)
  await world.pass(5_000)
  const failures = one.events.filter((event) => event.type === 'demandFailed')
  assert.deepEqual(
    failures.map((event) => [event.failure, event.retry]),
    [['noCapacity', true]],
  )
  await world.pass(20_000)
  assert.equal(one.completed, 2)
  assert.equal(one.hitDeleted, 0)
})

test('S4-38: what no node can ever hold fails at once, naming the resource', async () => {
  const { world, router } = await openPoolWorld({})
  const one = router('r1')
  one.invoke(actionOf('gpu', { resources: { memoryMb: 256, 'nvidia.com/gpu': 1 } }), 5)
  await world.pass(10)
  assert.equal(one.failed, 1)
  const [event] = one.events
  assert.ok(event?.type === 'demandFailed')
  assert.match(event.message, /nvidia\.com\/gpu/)
})

test('a factory without room where the ledger has some: idle containers there make room, and the demand is tried again', async () => {
  const { world, factory, router } = await openPoolWorld({})
  const one = router('r1')
  one.invoke(actionOf('old'), 5)
  await world.pass(1_500)
  factory.plan = () =>
    factory.containers.size > 0
      ? { outcome: 'fails', afterMs: 5, failure: 'noCapacity' }
      : { outcome: 'starts', afterMs: 5 }
  one.invoke(actionOf('new'), 5)
  await world.pass(1_000)
  assert.equal(one.completed, 2)
  assert.equal(one.failed, 0)
})

test('maxContainers is never exceeded', async () => {
  const { world, factory, router } = await openPoolWorld({ nodes: [nodeOf('n1', 1_000_000)] })
  const [one, two] = [router('r1'), router('r2')]
  const action = actionOf('capped', { maxContainers: 3 })
  let most = 0
  for (let call = 0; call < 50; call++) {
    one.invoke(action, 300)
    two.invoke(action, 300)
    await world.pass(25)
    most = Math.max(most, factory.containers.size)
  }
  await world.pass(60_000)
  assert.equal(most, 3)
  assert.equal(one.completed + two.completed, 100)
})

test('a demand that is malformed, or one too many, is refused with an event', async () => {
  const { world, pool, router } = await openPoolWorld({
    settings: { maxWaitingActions: 1 },
    plan: () => ({ outcome: 'hangs' }),
  })
  const one = router('r1')
  one.invoke(actionOf('first'), 5)
  one.invoke(actionOf('second'), 5)
  one.invoke(actionOf('third', { resources: { memoryMb: Number.NaN } }), 5)
  one.invoke(actionOf('fourth', { resources: {} }), 5)
  await world.pass(10)
  assert.equal(one.failed, 3)
  assert.equal(pool.counters.demandsRefused, 3)
})
