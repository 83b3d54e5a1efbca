/**
 * Random interleavings of use, idling, eviction, marks, acknowledgements, failures and departures in virtual time, with routers whose links and
 * acknowledgements are slow up to the last moment. Seeds are printed on failure: the same seed gives the same schedule.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ActionRequirements } from '../../src/control/pool-protocol.ts'
import type { StartPlan } from './simulated-factory.ts'
import type { PoolWorld } from './pool-world.ts'
import { actionOf, nodeOf, openPoolWorld, STEM } from './pool-world.ts'
import type { SimulatedRouter } from './simulated-router.ts'

const GRACE_MS = 500

/** The invariants that hold at every moment, and those that hold when nothing is under way. */
function checkNow({ pool, factory }: PoolWorld, seed: number): void {
  for (const { node, used, capacity } of pool.inspectNodes().nodes) {
    assert.ok((used['memoryMb'] ?? 0) <= (capacity['memoryMb'] ?? 0), `seed ${seed}: ${node} is over-committed`)
    const real = [...factory.containers.values()].filter((container) => container.node === node)
    const sum = real.reduce((all, { memoryMb }) => all + memoryMb, 0)
    assert.ok(sum <= (capacity['memoryMb'] ?? 0), `seed ${seed}: containers on ${node} hold ${sum} MB`)
  }
  assert.equal(pool.illegalTransitions, 0, `seed ${seed}: illegal transition`)
}

function checkSteady(open: PoolWorld, seed: number): void {
  const { pool, factory } = open
  const booked = pool.inspectNodes().nodes.reduce((sum, { used }) => sum + (used['memoryMb'] ?? 0), 0)
  const real = [...factory.containers.values()].reduce((sum, { memoryMb }) => sum + memoryMb, 0)
  assert.equal(booked, real, `seed ${seed}: the ledger differs from the containers`)
  assert.deepEqual(new Set(pool.inspect().map(({ id }) => id)), new Set(factory.containers.keys()), `seed ${seed}`)
  assert.equal(pool.count('requested') + pool.count('creating') + pool.count('draining'), 0, `seed ${seed}`)
}

async function schedule(seed: number, faults: boolean): Promise<number> {
  const open = await openPoolWorld({
    seed,
    nodes: [nodeOf('n1', 1_024), nodeOf('n2', 768)],
    canResize: seed % 3 === 0,
    settings: {
      idleTimeoutMs: 800,
      collectMs: 100,
      markGraceMs: GRACE_MS,
      maxConcurrentStarts: 2,
      startTimeoutMs: 1_000,
      backoffMs: 50,
      backoffMaxMs: 200,
      shareAfterMs: 100,
      sliceMs: 200,
      reconcileMs: 2_000,
      onMarkedUse: seed % 2 === 0 ? 'unmark' : 'recycle',
      collector: seed % 5 === 0 ? 'lru' : 'compact',
      stemCells: seed % 4 === 0 ? [{ ...STEM, initialCount: 1 }] : [],
    },
  })
  const { world, factory, pool } = open
  let failing = faults
  factory.plan = () => startPlan(open, failing)
  const actions = Array.from({ length: 6 }, (_, index) =>
    actionOf(`a${index}`, { concurrency: 1 + (index % 2), resources: { memoryMb: index === 5 ? 512 : 256 } }),
  )
  const routers = ['r1', 'r2', 'r3'].map((id) =>
    open.router(id, {
      eventDelayMs: () => world.between(0, 40),
      // The whole way of the mark and its acknowledgement stays within the grace, often by a hair.
      acknowledgeDelayMs: () => (world.random() < 0.3 ? GRACE_MS - 101 : world.between(0, 50)),
      requestDelayMs: () => world.between(0, 20),
    }),
  )
  let sent = 0
  for (let step = 0; step < 60; step++) {
    sent += act(open, routers, actions)
    if (faults && world.random() < 0.03) {
      const [entry] = pool.inspect({ state: 'idle' })
      if (entry !== undefined) factory.kill(entry.id, world.random() < 0.5)
    }
    await world.pass(world.between(1, 60))
    checkNow(open, seed)
  }
  failing = false
  await world.pass(30_000)
  checkNow(open, seed)
  checkSteady(open, seed)
  const sum = (of: (router: SimulatedRouter) => number): number => routers.reduce((all, router) => all + of(router), 0)
  if (!faults)
    assert.equal(
      sum((router) => router.hitDeleted),
      0,
      `seed ${seed}: a request reached a container that was gone`,
    )
  assert.equal(
    sum((router) => router.completed + router.failed),
    sent,
    `seed ${seed}: a request was forgotten`,
  )
  if (!faults)
    assert.equal(
      sum((router) => router.failed),
      0,
      `seed ${seed}`,
    )
  return pool.counters.marks
}

function startPlan({ world }: PoolWorld, failing: boolean): StartPlan {
  const chance = failing ? world.random() : 1
  if (chance < 0.1) return { outcome: 'fails', afterMs: world.between(1, 50), failure: 'startFailed' }
  if (chance < 0.15) return { outcome: 'fails', afterMs: world.between(1, 50), failure: 'noCapacity' }
  if (chance < 0.2) return { outcome: 'hangs' }
  if (chance < 0.25) return { outcome: 'starts', afterMs: 8_000 } // long after it was given up
  return { outcome: 'starts', afterMs: world.between(1, 80) }
}

function act(
  { world }: PoolWorld,
  routers: readonly SimulatedRouter[],
  actions: readonly ActionRequirements[],
): number {
  let sent = 0
  const burst = world.random() < 0.1 ? 6 : 1
  for (let call = 0; call < burst; call++) {
    const router = world.pick(routers)
    const action = world.pick(actions)
    if (router === undefined || action === undefined || world.random() < 0.4) continue
    router.invoke(action, world.between(1, world.random() < 0.1 ? 900 : 40))
    sent++
  }
  return sent
}

test('S4-25, S4-48: no request reaches a container that was swept, however late routers acknowledge within the grace', async () => {
  let marks = 0
  for (let seed = 1; seed <= 60; seed++) marks += await schedule(seed, false)
  assert.ok(marks > 500, `only ${marks} marks were seen`)
})

test('L.4: with starts that fail, hang or come late and containers that die, no room is lost and no request forgotten', async () => {
  for (let seed = 1_001; seed <= 1_040; seed++) await schedule(seed, true)
})
