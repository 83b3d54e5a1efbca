/** Many actions, little room: nobody starves and the platform does not spend its time on starting containers. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionOf, nodeOf, openPoolWorld } from './pool-world.ts'

const ACTIONS = Array.from({ length: 100 }, (_, index) => actionOf(`a${index}`))

test('100 actions called in turn over room for 20 all make progress, each call waiting for one eviction and one start', async () => {
  const { world, factory, pool, router } = await openPoolWorld({ nodes: [nodeOf('n1', 256 * 20)] })
  const one = router('r1')
  for (let round = 0; round < 3; round++) {
    for (const action of ACTIONS) {
      one.invoke(action, 5)
      await world.pass(70)
    }
  }
  await world.pass(2_000)
  assert.equal(one.completed, 300)
  assert.ok(one.longestWaitMs <= 200, `a call waited ${one.longestWaitMs} ms`)
  assert.equal(factory.containers.size, 20)
  assert.equal(pool.illegalTransitions, 0)
})

test('100 actions that are all called all the time over room for 20 take turns: none starves, and serving outweighs starting', async () => {
  const { world, factory, router } = await openPoolWorld({
    nodes: [nodeOf('n1', 256 * 20)],
    settings: { maxConcurrentStarts: 8 },
  })
  const one = router('r1')
  const seconds = 60
  for (let second = 0; second < seconds; second++) {
    for (const action of ACTIONS) for (let call = 0; call < 5; call++) one.invoke(action, 20)
    await world.pass(1_000)
  }
  const fewest = Math.min(...ACTIONS.map(({ actionKey }) => one.completedOf.get(actionKey) ?? 0))
  assert.ok(fewest > 0, 'an action starved')
  // 20 containers could complete 50 calls of 20 ms a second each; the demand is half of that.
  const share = one.completed / (ACTIONS.length * 5 * seconds)
  assert.ok(share >= 0.8, `only ${(share * 100).toFixed(0)} % of the calls were served`)
  const startingMs = factory.created.length * 60
  assert.ok(startingMs / (20 * seconds * 1_000) < 0.4, `${factory.created.length} containers were started`)
  assert.equal(one.hitDeleted, 0)
})

test('a newcomer gets room from an action that holds all of it and never rests', async () => {
  const { world, router } = await openPoolWorld({ nodes: [nodeOf('n1', 256 * 10)] })
  const one = router('r1')
  const greedy = actionOf('greedy')
  const newcomer = actionOf('newcomer')
  for (let step = 0; step < 500; step++) {
    for (let call = 0; call < 20; call++) one.invoke(greedy, 10)
    if (step === 300) one.invoke(newcomer, 10)
    await world.pass(10)
  }
  assert.equal(one.completedOf.get(newcomer.actionKey), 1)
})
