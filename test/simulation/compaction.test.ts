/** Load that falls from 60 % to 20 %: how many nodes become empty, by collector. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GarbageCollector } from '../../src/control/collector/collector.ts'
import type { PoolSettings } from '../../src/control/pool-settings.ts'
import { actionOf, nodeOf, openPoolWorld } from './pool-world.ts'

const NODES = 10
const PER_NODE = 20

interface Outcome {
  readonly emptyNodes: number
  readonly fragmentation: number
  readonly hitDeleted: number
  readonly moves: number
}

/** 40 actions with 3 calls each in flight all the time on nodes that are filled evenly; then 1 call each. */
async function decay(collector: PoolSettings['collector'] | GarbageCollector): Promise<Outcome> {
  const own = typeof collector === 'object'
  const { world, pool, router } = await openPoolWorld({
    nodes: Array.from({ length: NODES }, (_, index) => nodeOf(`n${index}`, 256 * PER_NODE)),
    ...(own && { collector }),
    settings: { ...(!own && { collector }), placement: 'least-loaded', idleTimeoutMs: 20_000, maxConcurrentStarts: 8 },
  })
  const one = router('r1')
  const actions = Array.from({ length: 40 }, (_, index) => actionOf(`a${index}`))
  const drive = async (calls: number, seconds: number): Promise<void> => {
    for (let tick = 0; tick < seconds * 5; tick++) {
      for (const action of actions) for (let call = 0; call < calls; call++) one.invoke(action, 190)
      await world.pass(200)
    }
  }
  await drive(3, 10)
  assert.ok(pool.inspect().length >= 0.6 * NODES * PER_NODE)
  assert.equal(pool.inspectNodes().nodes.filter(({ containers }) => containers === 0).length, 0)
  await drive(1, 90)
  const { nodes, fragmentation } = pool.inspectNodes()
  assert.equal(pool.illegalTransitions, 0)
  return {
    emptyNodes: nodes.filter(({ containers }) => containers === 0).length,
    fragmentation,
    hitDeleted: one.hitDeleted,
    moves: pool.counters.moves,
  }
}

/** Each node for itself: what rested as long as the compacting collector calls surplus goes, wherever it is. */
const PER_NODE_COLLECTOR: GarbageCollector = {
  name: 'local',
  value: ({ lastUsed }) => lastUsed,
  evicted: () => {},
  collect: ({ nodes, now, idleTimeoutMs, onNode }) =>
    nodes.flatMap(({ name }) =>
      [...onNode(name)]
        .filter(({ state, lastUsed }) => state === 'idle' && now - lastUsed >= 0.2 * idleTimeoutMs)
        .map(({ id }) => ({ type: 'mark', id, reason: 'idle' })),
    ),
}

test('S4-24, S4-40: when the load falls from 60 % to 20 % at least 7 of 10 nodes become empty; LRU and a collector per node beside it', async (t) => {
  const compact = await decay('compact')
  const lru = await decay('lru')
  const local = await decay(PER_NODE_COLLECTOR)
  t.diagnostic(`per node: ${JSON.stringify(local)}`)
  t.diagnostic(`compact: ${JSON.stringify(compact)}`)
  t.diagnostic(`lru:     ${JSON.stringify(lru)}`)
  assert.ok(compact.emptyNodes >= 7, `${compact.emptyNodes} nodes are empty`)
  assert.ok(compact.emptyNodes > lru.emptyNodes && compact.emptyNodes > local.emptyNodes)
  assert.ok(compact.fragmentation < lru.fragmentation)
  assert.equal(compact.hitDeleted + lru.hitDeleted, 0)
})
