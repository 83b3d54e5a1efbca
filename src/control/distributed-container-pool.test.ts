import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionOf, nodeOf, openPoolWorld } from '../../test/simulation/pool-world.ts'

test('design 6: 200 parallel calls to an action at zero start at most ceil(200 / concurrency) containers, in one decision', async () => {
  const { world, pool, factory, router } = await openPoolWorld({ nodes: [nodeOf('n1', 1_000_000)] })
  const one = router('r1')
  const action = actionOf('burst', { concurrency: 100 })
  for (let call = 0; call < 200; call++) one.invoke(action, 20)
  await world.pass(1)
  assert.equal(pool.counters.demandDecisions, 1)
  await world.pass(5_000)
  assert.equal(one.completed, 200)
  assert.equal(one.failed, 0)
  assert.equal(factory.created.length, 2)
})
