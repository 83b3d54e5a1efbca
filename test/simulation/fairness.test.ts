/** Several namespaces on one node: what one of them wants, and how loudly, is not for the others to pay. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ActionKey, ActionRequirements } from '../../src/control/pool-protocol.ts'
import type { PoolWorld } from './pool-world.ts'
import { actionOf, nodeOf, openPoolWorld } from './pool-world.ts'
import type { SimulatedRouter } from './simulated-router.ts'

/** Containers that there is room for: half of them are the share of each of two namespaces. */
const ROOM = 8
const CALL_MS = 200
const QUIET_MS = 5

function actionIn(namespace: string, name = 'a'): ActionRequirements {
  return actionOf(name, { actionKey: `${namespace}:${namespace}/${name}@1` as ActionKey, namespace })
}

function openWorld(): Promise<PoolWorld> {
  return openPoolWorld({ nodes: [nodeOf('n1', 256 * ROOM)] })
}

/** Calls that would keep so many containers busy, evenly spaced, for some seconds; beside them what `besides` does every 10 ms. */
async function load(
  { world }: PoolWorld,
  router: SimulatedRouter,
  actions: readonly ActionRequirements[],
  busy: number,
  seconds: number,
  besides: (step: number) => void = () => undefined,
): Promise<void> {
  let owed = 0
  let next = 0
  for (let step = 0; step < seconds * 100; step++) {
    for (owed += (busy * 10) / CALL_MS; owed >= 1; owed--) {
      const action = actions[next++ % actions.length]
      if (action !== undefined) router.invoke(action, CALL_MS)
    }
    besides(step)
    await world.pass(10)
  }
}

function p99(waits: readonly number[]): number {
  return waits.toSorted((one, other) => one - other)[Math.ceil(waits.length * 0.99) - 1] ?? Infinity
}

for (const [what, count] of [
  ['one action', 1],
  ['thirty actions', 30],
] as const) {
  test(`one namespace at ten times its share, with ${what}, does not move another's p99`, async () => {
    const measured: number[] = []
    for (const times of [1, 10]) {
      const on = await openWorld()
      const router = on.router('r1')
      const quiet = actionIn('quiet')
      const loud = Array.from({ length: count }, (_, index) => actionIn('loud', `a${index}`))
      // It calls every second, and rests long enough in between to be taken for idle.
      const call = (step: number): void => {
        if (step % 100 === 0) router.invoke(quiet, QUIET_MS)
      }
      await load(on, router, [], 0, 10, call)
      router.waitsOf.clear()
      await load(on, router, loud, (times * ROOM) / 2, 120, call)
      const waits = router.waitsOf.get(quiet.actionKey) ?? []
      assert.ok(waits.length >= 119, `${waits.length} calls`)
      measured.push(QUIET_MS + p99(waits))
      assert.equal(router.hitDeleted, 0)
      assert.equal(on.pool.illegalTransitions, 0)
    }
    const [share = 0, tenfold = Infinity] = measured
    assert.ok(tenfold <= 1.1 * share, `${share} ms beside its share, ${tenfold} ms beside ten times as much`)
  })
}

test('whoever comes later and wants its share gets it, from the one that has more than its own', async () => {
  const on = await openWorld()
  const router = on.router('r1')
  const [first, second] = [actionIn('first'), actionIn('second')]
  await load(on, router, [first], 3 * ROOM, 5)
  const held = (action: ActionRequirements): number =>
    on.pool.inspect().filter(({ actionKey, state }) => actionKey === action.actionKey && /idle|active/.test(state))
      .length
  assert.equal(held(first), ROOM)
  await load(on, router, [first, second], 6 * ROOM, 20)
  assert.deepEqual([held(first), held(second)], [ROOM / 2, ROOM / 2])
})

test('what is free is for whoever wants it, and so is what nobody has used for a minute', async () => {
  const on = await openWorld()
  const router = on.router('r1')
  const [once, busy] = [actionIn('once'), actionIn('busy')]
  for (let call = 0; call < ROOM; call++) router.invoke(once, CALL_MS)
  await on.world.pass(2000)
  await load(on, router, [busy], ROOM, 10)
  const completed = (): number => router.completedOf.get(busy.actionKey) ?? 0
  const beside = completed()
  await on.world.pass(60_000)
  const before = completed()
  await load(on, router, [busy], ROOM, 10)
  const alone = completed() - before
  assert.ok(beside >= (0.8 * 10 * ROOM * 1000) / CALL_MS / 2, `${beside} calls beside containers that rest`)
  assert.ok(alone >= (0.9 * 10 * ROOM * 1000) / CALL_MS, `${alone} calls when they had rested for a minute`)
})
