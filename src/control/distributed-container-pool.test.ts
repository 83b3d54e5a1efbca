import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionOf, checkBooks, nodeOf, openPoolWorld, STEM, typesOf } from '../../test/simulation/pool-world.ts'
import type { SimulatedRouter } from '../../test/simulation/simulated-router.ts'
import type { Container, ContainerFactory } from '../containers/container-factory.ts'
import { systemClock } from '../model/clock.ts'
import { randomIds } from '../model/ids.ts'
import { DistributedContainerPool } from './distributed-container-pool.ts'
import type { PoolEvent } from './pool-protocol.ts'
import { poolSettings } from './pool-settings.ts'

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
  assert.equal(world.factory.created.length, 2, 'nothing is started beside the init')
  await world.world.pass(1500)
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

const IMAGE_CELLS = {
  reactive: { minCount: 0, maxCount: 2, ttlMs: 60_000, threshold: 2, increment: 1 },
  memoryMb: 512,
}
const IMAGE = { kind: 'blackbox', image: 'team/app:1' }

test('#3389: an image that is started often has stem cells: the next action of it starts nothing on the way', async () => {
  const world = await openPoolWorld({ settings: { imageStemCells: IMAGE_CELLS, stemCheckMs: 120_000 } })
  const one = world.router('r1')
  one.invoke(actionOf('a', IMAGE), 5)
  await world.world.pass(1_500)
  assert.equal(world.pool.count('stem'), 0, 'once is not often')
  one.invoke(actionOf('b', IMAGE), 5)
  await world.world.pass(1_500)
  assert.equal(world.pool.count('stem'), 1)
  one.invoke(actionOf('c', { ...IMAGE, namespace: 'other' }), 5)
  await world.world.pass(6)
  assert.equal(one.completed, 3)
  assert.deepEqual(
    one.events.map((event) => event.type === 'containerReady' && event.container.start),
    ['cold', 'cold', 'stem'],
  )
  one.invoke(actionOf('d', { ...IMAGE, image: 'team/other:1' }), 5)
  await world.world.pass(1_500)
  assert.equal(world.pool.counters.stemHits, 1, 'another image has none of these')
  checkBooks(world)
})

test('stem cells of an image that is not started any more go after their time to live', async () => {
  const world = await openPoolWorld({ settings: { imageStemCells: IMAGE_CELLS, stemCheckMs: 30_000 } })
  const one = world.router('r1')
  for (const name of ['a', 'b']) one.invoke(actionOf(name, IMAGE), 5)
  await world.world.pass(40_000)
  assert.equal(world.pool.count('stem'), 1, 'what was started before the check keeps it')
  await world.world.pass(50_000)
  assert.equal(world.pool.count('stem'), 0)
  checkBooks(world)
})

test('stem cells of all images together keep within their memory', async () => {
  const world = await openPoolWorld({ settings: { imageStemCells: IMAGE_CELLS, stemCheckMs: 600_000 } })
  const one = world.router('r1')
  for (let image = 0; image < 6; image++) {
    for (const name of ['a', 'b']) one.invoke(actionOf(`${name}${image}`, { ...IMAGE, image: `team/app:${image}` }), 5)
  }
  await world.world.pass(5_000)
  assert.equal(one.completed, 12)
  assert.equal(world.pool.count('stem'), 2)
  checkBooks(world)
})

test('a stem cell of an image that cannot be started keeps nobody waiting who calls it, and is not tried again by itself', async () => {
  const world = await openPoolWorld({
    settings: { imageStemCells: IMAGE_CELLS, stemCheckMs: 600_000 },
    plan: ({ labels }) =>
      labels['stave-start'] === 'stem'
        ? { outcome: 'fails', afterMs: 10, failure: 'imageNotFound' }
        : { outcome: 'starts', afterMs: 10 },
  })
  const one = world.router('r1')
  for (const name of ['a', 'b']) one.invoke(actionOf(name, IMAGE), 5)
  await world.world.pass(60_000)
  assert.equal(world.pool.count('stem'), 0)
  assert.equal(world.pool.counters.startFailures, 1)
  one.invoke(actionOf('c', IMAGE), 5)
  await world.world.pass(20)
  assert.equal(one.completed, 3)
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

test('S0-1: every step of a container can be followed, from what is wanted to nothing being left', async () => {
  const steps: string[] = []
  const { world, router } = await openPoolWorld({
    settings: { idleTimeoutMs: 1_000 },
    observe: ({ from, event, to }) => steps.push(`${from} -${event}-> ${to}`),
  })
  router('r1').invoke(actionOf('a'), 1_500)
  await world.pass(10_000)
  assert.deepEqual(steps, [
    'requested -placed-> creating',
    'creating -createdBound-> idle',
    'idle -used-> active',
    'active -rested-> idle',
    'idle -mark-> marked',
    'marked -sweep-> draining',
    'draining -ended-> gone',
  ])
})

test('S4-42: settings, collector and placement change while the pool is at work', async () => {
  const world = await openPoolWorld({ settings: { stemCells: [STEM] } })
  const one = world.router('r1')
  one.invoke(actionOf('a', { kind: 'python:3' }), 5)
  await world.world.pass(5_000)
  assert.equal(world.pool.count('idle'), 1)
  world.pool.reconfigure({ collector: 'lru', placement: 'bin-pack', idleTimeoutMs: 2_000, stemCells: [] })
  await world.world.pass(5_000)
  assert.equal(world.pool.inspect().length, 0)
  checkBooks(world)
})

test('a change of memory that never ends costs the stem cell, not the action', async () => {
  const world = await openPoolWorld({ canResize: true, settings: { stemCells: [{ ...STEM, initialCount: 1 }] } })
  await world.world.pass(200)
  const [container] = world.factory.containers.values()
  assert.ok(container)
  Object.assign(container, { resize: () => new Promise<never>(() => {}) })
  const one = world.router('r1')
  one.invoke(actionOf('large', { resources: { memoryMb: 512 } }), 5)
  await world.world.pass(15_000)
  assert.equal(one.completed, 1)
  checkBooks(world)
})

test('on the real event loop a container is ready a few turns after it was asked for, and nothing keeps the process alive', async () => {
  const world = await openPoolWorld({})
  const { factory } = world
  const never = new Promise<never>(() => {})
  const real: ContainerFactory = {
    provider: 'instant',
    start: () => factory.start(),
    create: async (spec) => instant(spec, never),
    list: async () => [],
    remove: async () => {},
    nodes: () => [nodeOf('n1', 1_024)],
    stop: async () => {},
  }
  const pool = new DistributedContainerPool({
    factory: real,
    clock: systemClock,
    ids: randomIds(),
    settings: poolSettings({ owner: 'test', epoch: 1 }),
    adopt: () => {},
  })
  await pool.start()
  const id = 'r1' as SimulatedRouter['id']
  const ready = new Promise<PoolEvent>((resolve) => {
    pool.join(id, resolve)
  })
  pool.demand({ router: id, action: actionOf('a'), parked: 1 })
  assert.equal((await ready).type, 'containerReady')
  pool.stop()
})

function instant(spec: Container['spec'], ended: Container['ended']): Container {
  return {
    spec,
    node: 'n1',
    channel: {
      concurrent: false,
      pipelined: false,
      outputPending: false,
      answerLimitBytes: 0,
      onOutput: () => {},
      init: () => {},
      run: () => {},
      drained: (done) => done(true),
    },
    ended,
    resize: async () => false,
    suspend: async () => {},
    resume: () => {},
    destroy: async () => {},
  }
}
