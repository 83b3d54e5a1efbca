import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PoolWorld } from '../../test/simulation/pool-world.ts'
import { actionOf, checkBooks, nodeOf, openPoolWorld, STEM, typesOf } from '../../test/simulation/pool-world.ts'
import type { SimulatedRouter } from '../../test/simulation/simulated-router.ts'
import type { ContainerListing } from '../containers/container-factory.ts'
import type { ContainerId } from '../model/ids.ts'

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

test('an end that nobody asked for is noted, one that somebody did is not', async () => {
  const { world, pool, factory, router, notices } = await openPoolWorld({})
  const one = router('r1')
  const said = (): readonly string[] => notices.map(({ message }) => message)
  one.invoke(actionOf('a'), 5)
  await world.pass(200)
  const stopped = factory.stop()
  await world.pass(1_000)
  await stopped
  assert.equal(pool.inspect().length, 0)
  assert.equal(typesOf(one).at(-1), 'containerGone')
  assert.deepEqual(said(), [])
  one.invoke(actionOf('a'), 5)
  await world.pass(200)
  const [entry] = pool.inspect()
  assert.ok(entry)
  factory.kill(entry.id)
  await world.pass(1)
  assert.deepEqual(said(), ['container ended by itself'])
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

test('S4-33: a new leader takes over the containers of the one before it, by their labels; stem cells that serve an action by now included', async () => {
  for (const stemCells of [[], [STEM]]) {
    const before = await openPoolWorld({ canResize: true, settings: { stemCells } })
    await before.world.pass(200)
    const one = before.router('r1')
    const kept = actionOf('kept', { resources: { memoryMb: 512 } })
    one.invoke(kept, 5)
    await before.world.pass(1_500)
    before.pool.stop()
    const listings = await listed(before)
    assert.equal(listings.length, stemCells.length === 0 ? 1 : 3)
    const after = await openPoolWorld({ settings: { epoch: 2 } })
    after.factory.leftOver.push(...listings)
    void after.pool.reconcileNow()
    await after.world.pass(100)
    const [entry, ...others] = after.pool.inspect()
    assert.deepEqual([entry?.actionKey, entry?.state], [kept.actionKey, 'idle'])
    assert.deepEqual(entry?.resources, { memoryMb: 512 })
    assert.deepEqual(others, [], 'stem cells that serve nobody go')
    assert.equal(after.pool.counters.adoptions, 1)
  }
})

test('#3389: containers that are taken over call for no stem cells of their image: nobody has called it', async () => {
  const imageStemCells = {
    reactive: { minCount: 0, maxCount: 2, ttlMs: 60_000, threshold: 2, increment: 1 },
    memoryMb: 1_024,
  }
  const before = await openPoolWorld({})
  const one = before.router('r1')
  for (const name of ['a', 'b']) one.invoke(actionOf(name, { kind: 'blackbox', image: 'team/app:1' }), 5)
  await before.world.pass(1_500)
  before.pool.stop()
  const listings = await listed(before)
  const after = await openPoolWorld({ settings: { epoch: 2, imageStemCells } })
  after.factory.leftOver.push(...listings)
  void after.pool.reconcileNow()
  await after.world.pass(5_000)
  assert.equal(after.pool.counters.adoptions, 2)
  assert.equal(after.pool.count('stem'), 0)
})

async function listed({ factory, world }: PoolWorld): Promise<readonly ContainerListing[]> {
  const list = factory.list()
  await world.pass(2)
  return list
}

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
