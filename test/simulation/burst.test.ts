/** Calls that come almost at once to an action without a container: they are one need, however their arrival is spread, and are decided about once. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { actionOf, checkBooks, nodeOf, openPoolWorld } from './pool-world.ts'

/** All of a burst arrive before the first container can be there. */
const START_MS = 40

const burst = fc.record({
  arrivals: fc.array(fc.nat(START_MS - 5), { minLength: 1, maxLength: 200 }),
  routers: fc.integer({ min: 1, max: 3 }),
  concurrency: fc.constantFrom(1, 2, 10, 100),
  serviceMs: fc.constantFrom(1, 10, 300),
  maxConcurrentStarts: fc.constantFrom(1, 2, 4, 50),
  eventDelayMs: fc.constantFrom(0, 3),
  seed: fc.nat(),
})

test('S4-26: a burst whose calls arrive while its first containers are being started is one decision and ceil(n / concurrency) containers at most', async () => {
  await fc.assert(
    fc.asyncProperty(burst, async ({ arrivals, routers, concurrency, serviceMs, ...settings }) => {
      const { maxConcurrentStarts, eventDelayMs, seed } = settings
      const world = await openPoolWorld({
        seed,
        nodes: [nodeOf('n1', 1_000_000)],
        plan: () => ({ outcome: 'starts', afterMs: START_MS }),
        settings: { maxConcurrentStarts },
      })
      const all = Array.from({ length: routers }, (_, index) =>
        world.router(`r${index}`, { eventDelayMs: () => eventDelayMs }),
      )
      const action = actionOf('burst', { concurrency })
      for (const [index, at] of arrivals.entries()) {
        world.world.after(at, () => all[index % routers]?.invoke(action, serviceMs))
      }
      await world.world.pass(120_000)
      const completed = all.reduce((sum, router) => sum + router.completed, 0)
      assert.equal(completed, arrivals.length)
      assert.equal(world.pool.counters.demandDecisions, 1)
      assert.ok(world.factory.created.length <= Math.ceil(arrivals.length / concurrency) + routers - 1)
      checkBooks(world)
    }),
    { numRuns: 100 },
  )
})

test('S4-26: as many containers as the rest of a burst wants are started at once, whenever the rest comes', async () => {
  const world = await openPoolWorld({
    nodes: [nodeOf('n1', 1_000_000)],
    plan: () => ({ outcome: 'starts', afterMs: START_MS }),
    settings: { maxConcurrentStarts: 8 },
  })
  const router = world.router('r1')
  const action = actionOf('burst')
  router.invoke(action, 500)
  await world.world.pass(1)
  assert.equal(world.pool.count('creating'), 1)
  for (let call = 0; call < 20; call++) router.invoke(action, 500)
  await world.world.pass(1)
  assert.equal(world.pool.count('creating'), 8)
})

test('what comes after a burst was served, and what outgrows it while it is being served, is decided anew', async () => {
  const world = await openPoolWorld({
    nodes: [nodeOf('n1', 1_000_000)],
    plan: () => ({ outcome: 'starts', afterMs: START_MS }),
  })
  const router = world.router('r1')
  const action = actionOf('burst')
  const decisions = (): number => world.pool.counters.demandDecisions
  router.invoke(action, 500)
  await world.world.pass(START_MS + 10)
  assert.equal(decisions(), 1)
  for (let call = 0; call < 3; call++) router.invoke(action, 500)
  await world.world.pass(10)
  assert.equal(decisions(), 2)
  await world.world.pass(5_000)
  for (let call = 0; call < 10; call++) router.invoke(action, 500)
  await world.world.pass(10)
  assert.equal(decisions(), 3)
})
