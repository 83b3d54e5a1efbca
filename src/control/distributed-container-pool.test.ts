import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PoolWorld } from '../../test/simulation/pool-world.ts'
import { actionOf, nodeOf, openPoolWorld } from '../../test/simulation/pool-world.ts'
import type { SimulatedRouter } from '../../test/simulation/simulated-router.ts'
import type { ContainerId } from '../model/ids.ts'
import type { PoolEvent } from './pool-protocol.ts'
import type { StemCellPlan } from './stem-cells.ts'

const STEM: StemCellPlan = {
  kind: 'nodejs:24',
  image: 'action-nodejs-v24',
  memoryMb: 256,
  initialCount: 2,
  concurrent: false,
}

function typesOf(router: SimulatedRouter): string[] {
  return router.events.map(({ type }) => type)
}

/** Ledger and containers tell the same. */
function checkBooks({ pool, factory }: PoolWorld): void {
  const booked = pool.inspectNodes().nodes.reduce((sum, node) => sum + (node.used['memoryMb'] ?? 0), 0)
  const real = [...factory.containers.values()].reduce((sum, { memoryMb }) => sum + memoryMb, 0)
  assert.equal(booked, real)
  assert.equal(pool.inspect().length, factory.containers.size)
  assert.equal(pool.illegalTransitions, 0)
}

test('S4-26: 200 parallel calls to an action at zero start at most ceil(200 / concurrency) containers, in one decision', async () => {
  const world = await openPoolWorld({ nodes: [nodeOf('n1', 1_000_000)] })
  const one = world.router('r1')
  const action = actionOf('burst', { concurrency: 100 })
  for (let call = 0; call < 200; call++) one.invoke(action, 20)
  await world.world.pass(1)
  assert.equal(world.pool.counters.demandDecisions, 1)
  await world.world.pass(5_000)
  assert.equal(one.completed, 200)
  assert.equal(one.failed, 0)
  assert.equal(world.factory.created.length, 2)
  checkBooks(world)
})

test('S4-26: 5 routers with 20 first requests each start what is needed together, not each', async () => {
  const world = await openPoolWorld({ nodes: [nodeOf('n1', 100_000)], settings: { maxConcurrentStarts: 10 } })
  const routers = ['r1', 'r2', 'r3', 'r4', 'r5'].map((id) => world.router(id, { eventDelayMs: () => 3 }))
  const action = actionOf('shared')
  for (const router of routers) for (let call = 0; call < 20; call++) router.invoke(action, 5)
  await world.world.pass(10_000)
  assert.equal(
    routers.reduce((sum, { completed }) => sum + completed, 0),
    100,
  )
  assert.ok(world.factory.created.length <= 100 && world.factory.created.length >= 1)
  checkBooks(world)
})

test('S4-27: a router that did not ask learns of the container and uses it without another start', async () => {
  const { world, factory, router } = await openPoolWorld({})
  const [asking, other] = [router('r1'), router('r2')]
  asking.invoke(actionOf('a'), 5)
  await world.pass(100)
  other.invoke(actionOf('a'), 5)
  await world.pass(20)
  assert.equal(other.completed, 1)
  assert.equal(factory.created.length, 1)
  assert.deepEqual(typesOf(other), ['containerReady'])
})

test('S4-23: events are numbered without a gap; who joins late gets the rest as a snapshot', async () => {
  const { world, pool, router } = await openPoolWorld({ settings: { idleTimeoutMs: 2_000 } })
  const early = router('r1')
  early.invoke(actionOf('a'), 5)
  await world.pass(100)
  const late = router('r2')
  early.invoke(actionOf('b'), 5)
  await world.pass(5_000)
  assert.deepEqual(typesOf(early), [
    'containerReady',
    'containerReady',
    'containerMarked',
    'containerMarked',
    'containerGone',
    'containerGone',
  ])
  early.events.forEach(({ sequence, epoch }, position) => assert.deepEqual([sequence, epoch], [position + 1, 1]))
  assert.equal(late.events[0]?.sequence, 2)
  assert.equal(pool.inspect().length, 0)
})

test('S4-21, S4-39: an action that is not used scales to zero and frees everything; one that is used stays', async () => {
  const world = await openPoolWorld({ settings: { idleTimeoutMs: 10_000 } })
  const one = world.router('r1')
  one.invoke(actionOf('once'), 5)
  for (let second = 0; second < 30; second++) {
    one.invoke(actionOf('steady'), 5)
    await world.world.pass(1_000)
  }
  assert.deepEqual(
    world.pool.inspect().map(({ actionKey }) => actionKey),
    [actionOf('steady').actionKey],
  )
  await world.world.pass(20_000)
  assert.equal(world.factory.containers.size, 0)
  assert.deepEqual(
    world.pool.inspectNodes().nodes.map(({ used }) => used),
    [{ memoryMb: 0 }],
  )
  assert.equal(world.factory.created.length, 2)
})

test('S0-2: with room for 10 actions 10 are started for 1,000 calls; with room for 9 only idle ones are evicted', async () => {
  for (const room of [10, 9]) {
    const world = await openPoolWorld({ nodes: [nodeOf('n1', 256 * room)] })
    const one = world.router('r1')
    for (let call = 0; call < 1_000; call++) {
      one.invoke(actionOf(`a${Math.floor(world.world.random() * 10)}`), 2)
      await world.world.pass(120)
    }
    assert.equal(one.completed, 1_000)
    assert.equal(one.hitDeleted, 0)
    if (room === 10) assert.equal(world.factory.created.length, 10)
    else assert.ok(world.pool.counters.evictions > 0)
    checkBooks(world)
  }
})

test('room that is needed is made at once, not at the idle timeout', async () => {
  const { world, router, factory } = await openPoolWorld({ nodes: [nodeOf('n1', 256)] })
  const one = router('r1')
  one.invoke(actionOf('a'), 5)
  await world.pass(500)
  one.invoke(actionOf('b'), 5)
  await world.pass(100)
  assert.equal(one.completed, 2)
  assert.equal(factory.created.length, 2)
})

test('room for a large container is made of several small ones on one node, and no more than it takes', async () => {
  const world = await openPoolWorld({ nodes: [nodeOf('n1', 1_024), nodeOf('n2', 1_024)] })
  const one = world.router('r1')
  for (let small = 0; small < 8; small++) {
    one.invoke(actionOf(`small${small}`), 5)
    await world.world.pass(300)
  }
  one.invoke(actionOf('large', { resources: { memoryMb: 512 } }), 5)
  await world.world.pass(500)
  assert.equal(one.completed, 9)
  assert.equal(world.pool.counters.evictions, 2)
  assert.equal(world.factory.containers.size, 7)
  checkBooks(world)
})

test('a stem cell serves an action without a create on the way, and another one takes its place', async () => {
  const world = await openPoolWorld({ settings: { stemCells: [STEM] } })
  await world.world.pass(200)
  assert.equal(world.pool.count('stem'), 2)
  const one = world.router('r1')
  one.invoke(actionOf('a'), 5)
  await world.world.pass(6)
  assert.equal(one.completed, 1)
  await world.world.pass(200)
  assert.equal(world.pool.count('stem'), 2)
  assert.equal(world.pool.counters.stemHits, 1)
  assert.equal(world.pool.counters.coldStarts, 0)
  assert.equal(world.factory.created.length, 3)
  assert.deepEqual(
    one.events.map((event) => event.type === 'containerReady' && event.container.start),
    ['stem'],
  )
  checkBooks(world)
})

test('where containers can be resized one pool of stem cells serves every memory size, as long as the node has room', async () => {
  const world = await openPoolWorld({
    nodes: [nodeOf('n1', 1_024)],
    canResize: true,
    settings: { stemCells: [{ ...STEM, initialCount: 1 }] },
  })
  await world.world.pass(200)
  const one = world.router('r1')
  one.invoke(actionOf('large', { resources: { memoryMb: 512 } }), 5)
  await world.world.pass(10)
  assert.equal(one.completed, 1)
  assert.deepEqual(
    [...world.factory.containers.values()].map(({ memoryMb }) => memoryMb),
    [512],
  )
  await world.world.pass(200)
  assert.equal(world.pool.count('stem'), 1)
  one.invoke(actionOf('huge', { resources: { memoryMb: 1_024 } }), 5)
  await world.world.pass(1_000)
  assert.equal(one.completed, 2)
  assert.equal(world.pool.counters.stemHits, 1)
  checkBooks(world)
})

test('a stem cell that cannot be resized after all goes back, and the action gets a container of its own', async () => {
  const world = await openPoolWorld({ canResize: true, settings: { stemCells: [{ ...STEM, initialCount: 1 }] } })
  await world.world.pass(200)
  for (const container of world.factory.containers.values()) Object.assign(container, { resize: async () => false })
  const one = world.router('r1')
  one.invoke(actionOf('other', { resources: { memoryMb: 512 } }), 5)
  await world.world.pass(1_500)
  assert.equal(one.completed, 1)
  assert.equal(world.pool.count('stem'), 1)
  checkBooks(world)
})

test('stem cells give way to requests, and come back only when none waits', async () => {
  const world = await openPoolWorld({ nodes: [nodeOf('n1', 512)], settings: { stemCells: [STEM] } })
  await world.world.pass(200)
  const one = world.router('r1')
  for (const name of ['a', 'b']) one.invoke(actionOf(name, { kind: 'python:3' }), 5_000)
  await world.world.pass(1_500)
  assert.equal(world.pool.count('stem'), 0)
  assert.equal(world.pool.count('active'), 2)
  checkBooks(world)
})

test('starts for stem cells leave one place to requests', async () => {
  const { world, pool, router, factory } = await openPoolWorld({
    settings: { stemCells: [{ ...STEM, initialCount: 10 }], maxConcurrentStarts: 3 },
  })
  await world.pass(10)
  assert.equal(pool.count('creating'), 2)
  const one = router('r1')
  one.invoke(actionOf('a', { kind: 'python:3' }), 5)
  await world.pass(5)
  assert.equal(pool.count('creating'), 3)
  assert.equal(factory.created.at(-1)?.kind, 'python:3')
  await world.pass(55)
  assert.equal(one.completed, 1)
})

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

test('S4-25: sweeping waits for the slowest router and for what is in flight', async () => {
  const { world, pool, factory, router } = await openPoolWorld({
    settings: { idleTimeoutMs: 5_000, markGraceMs: 3_000 },
  })
  const quick = router('r1')
  const slow = router('r2', { acknowledgeDelayMs: () => 2_900 })
  quick.invoke(actionOf('a'), 5)
  await world.pass(7_500)
  assert.equal(pool.count('marked'), 1)
  assert.equal(factory.containers.size, 1)
  slow.invoke(actionOf('a'), 5) // it does not know of the mark yet
  await world.pass(2_000)
  assert.equal(slow.hitDeleted, 0)
  assert.equal(slow.completed, 1)
})

test('S4-25: a router that has left does not block a sweep, and one that does not answer blocks it for the grace only', async () => {
  const { world, pool, factory, router } = await openPoolWorld({
    settings: { idleTimeoutMs: 2_000, markGraceMs: 10_000 },
  })
  const one = router('r1')
  const dead = router('r2', { acknowledgeDelayMs: () => 1e9 })
  one.invoke(actionOf('a'), 5)
  await world.pass(5_000)
  assert.equal(pool.count('marked'), 1)
  dead.leave()
  await world.pass(20)
  assert.equal(factory.containers.size, 0)
  router('r3', { acknowledgeDelayMs: () => 1e9 })
  one.invoke(actionOf('a'), 5)
  await world.pass(5_000)
  assert.equal(pool.count('marked'), 1)
  await world.pass(10_000)
  assert.equal(factory.containers.size, 0)
})

/** A container that was marked as idle and is used before its router knows: what becomes of it. */
async function useWhileMarked(
  onMarkedUse: 'unmark' | 'recycle',
): Promise<{ world: PoolWorld; user: SimulatedRouter; id: ContainerId }> {
  const world = await openPoolWorld({ settings: { idleTimeoutMs: 2_000, markGraceMs: 60_000, onMarkedUse } })
  const user = world.router('r1', { eventDelayMs: () => 400 })
  user.invoke(actionOf('a'), 5)
  for (let waited = 0; world.pool.count('marked') === 0 && waited < 100; waited++) await world.world.pass(100)
  const [entry] = world.pool.inspect({ state: 'marked' })
  assert.ok(entry)
  user.invoke(actionOf('a'), 1_000)
  await world.world.pass(450)
  return { world, user, id: entry.id }
}

test('S4-50: a marked container that is used is un-marked and stays', async () => {
  const { world, user, id } = await useWhileMarked('unmark')
  await world.world.pass(1_000)
  assert.equal(user.completed, 2)
  assert.ok(typesOf(user).includes('containerUnmarked'))
  assert.equal(world.factory.created.length, 1)
  assert.ok(world.factory.containers.has(id))
})

test('S4-50: or recycled: its replacement is ready before it goes, and what is in flight completes', async () => {
  const { world, user, id } = await useWhileMarked('recycle')
  await world.world.pass(5_000)
  assert.equal(user.completed, 2)
  assert.equal(user.hitDeleted, 0)
  assert.equal(world.pool.counters.recycles, 1)
  const order = user.events.flatMap((event) =>
    event.type === 'containerReady' && event.container.id !== id
      ? ['replacement']
      : event.type === 'containerGone' && event.id === id
        ? ['gone']
        : [],
  )
  assert.deepEqual(order.slice(0, 2), ['replacement', 'gone'])
})

test('S4-35: a container that ends is reported at once, one that vanishes silently within a reconcile period', async () => {
  const world = await openPoolWorld({ settings: { reconcileMs: 30_000 } })
  const one = world.router('r1')
  for (const silently of [false, true]) {
    one.invoke(actionOf('a'), 5)
    await world.world.pass(200)
    const [entry] = world.pool.inspect()
    assert.ok(entry)
    world.factory.kill(entry.id, silently)
    await world.world.pass(silently ? 30_100 : 1)
    assert.equal(typesOf(one).at(-1), 'containerGone')
    checkBooks(world)
  }
  assert.equal(world.pool.counters.drift, 1)
})

test('S4-35: strangers of ours are removed, those of others and of a later leader are left alone', async () => {
  const { world, factory, pool, router, notices } = await openPoolWorld({})
  const stranger = (id: string, labels: Record<string, string>): void => {
    factory.leftOver.push({ id: id as ContainerId, node: 'n1', labels, adoptable: false })
  }
  stranger('old', { 'stave-owner': 'test', 'stave-epoch': '0' })
  stranger('unlabelled', {})
  stranger('foreign', { 'stave-owner': 'somebody', 'stave-epoch': '9' })
  const reconciled = pool.reconcileNow()
  await world.pass(10)
  await reconciled
  assert.deepEqual(factory.removed, ['old', 'unlabelled'])
  assert.equal(pool.counters.drift, 2)
  stranger('later', { 'stave-owner': 'test', 'stave-epoch': '2' })
  void pool.reconcileNow()
  await world.pass(10)
  assert.equal(factory.removed.length, 2)
  assert.ok(notices.some(({ message }) => message.startsWith('a later leader')))
  // S4-36: a leader that has been succeeded starts nothing any more.
  router('r1').invoke(actionOf('a'), 5)
  await world.pass(1_000)
  assert.equal(factory.created.length, 0)
})

test('S4-33: a new leader takes over the containers of the one before it, by their labels', async () => {
  const before = await openPoolWorld({})
  const one = before.router('r1')
  one.invoke(actionOf('kept', { concurrency: 4 }), 5)
  await before.world.pass(200)
  before.pool.stop()
  const [spec] = before.factory.created
  assert.ok(spec)
  const after = await openPoolWorld({ settings: { epoch: 2 } })
  after.factory.leftOver.push({ id: spec.id, node: 'n1', labels: spec.labels, adoptable: true })
  void after.pool.reconcileNow()
  await after.world.pass(100)
  const [entry] = after.pool.inspect()
  assert.deepEqual([entry?.id, entry?.actionKey, entry?.state], [spec.id, actionOf('kept').actionKey, 'idle'])
  assert.deepEqual(entry?.resources, { memoryMb: 256 })
  assert.equal(after.pool.counters.adoptions, 1)
})

test('discard removes a container at once and tells everybody first', async () => {
  const { world, pool, factory, router } = await openPoolWorld({})
  const one = router('r1')
  one.invoke(actionOf('a'), 5)
  await world.pass(200)
  const [entry] = pool.inspect()
  assert.ok(entry)
  pool.discard(entry.id, 'init failed')
  pool.discard(entry.id, 'init failed')
  const last = one.events.at(-1)
  assert.deepEqual(last?.type === 'containerGone' && last.reason, 'init failed')
  await world.pass(100)
  assert.equal(factory.containers.size, 0)
  assert.equal(pool.illegalTransitions, 0)
})

test('S4-41: containers of a cordoned node go first and nothing new is placed there', async () => {
  const { world, pool, factory, router } = await openPoolWorld({
    nodes: [nodeOf('n1', 2_560), nodeOf('n2', 2_560)],
    settings: { idleTimeoutMs: 600_000 },
  })
  const one = router('r1')
  for (let action = 0; action < 8; action++) one.invoke(actionOf(`a${action}`), action === 0 ? 8_000 : 5)
  await world.pass(3_000)
  const cordoned = pool.inspect().find(({ actionKey }) => actionKey === actionOf('a0').actionKey)?.node ?? 'n1'
  factory.capacities = factory.capacities.map(({ node, capacity }) => ({
    node,
    capacity,
    schedulable: node !== cordoned,
  }))
  await world.pass(20_000)
  assert.equal(pool.inspect({ node: cordoned }).length, 0)
  assert.equal(one.completed, 8)
  assert.equal(one.hitDeleted, 0)
})

test('a listener that throws does not keep events from the others', async () => {
  const { world, pool, router, notices } = await openPoolWorld({})
  pool.join('broken' as SimulatedRouter['id'], () => {
    throw new Error('broken')
  })
  const one = router('r1')
  one.invoke(actionOf('a'), 5)
  await world.pass(200)
  assert.equal(one.completed, 1)
  assert.ok(notices.some(({ message }) => message.includes('could not take an event')))
})

test('a router that joins again under its id gets every event once, and its old demand is forgotten', async () => {
  const { world, pool, factory } = await openPoolWorld({ plan: () => ({ outcome: 'starts', afterMs: 1_000 }) })
  const events: PoolEvent[] = []
  const id = 'r1' as SimulatedRouter['id']
  const first = pool.join(id, () => assert.fail('left'))
  pool.demand({ router: id, action: actionOf('a'), parked: 5 })
  pool.join(id, (event) => events.push(event))
  first.leave()
  await world.pass(100)
  assert.equal(factory.created.length, 0)
  pool.demand({ router: id, action: actionOf('a'), parked: 1 })
  await world.pass(2_000)
  assert.deepEqual(
    events.map(({ type }) => type),
    ['containerReady'],
  )
})

test('after stop nothing is started, and a container that comes up late is destroyed', async () => {
  const { world, pool, factory, router } = await openPoolWorld({})
  const one = router('r1')
  one.invoke(actionOf('a'), 5)
  await world.pass(10)
  pool.stop()
  one.invoke(actionOf('b'), 5)
  await world.pass(5_000)
  assert.equal(factory.created.length, 1)
  assert.equal(factory.containers.size, 0)
})
