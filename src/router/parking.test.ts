import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualWorld } from '../../test/simulation/virtual-world.ts'
import type { ActionKey } from '../control/pool-protocol.ts'
import { createParking } from './parking.ts'

const KEY = 'guest:guest/a@1' as ActionKey

test('S4-26: requests of one turn of the event loop are one statement of need', () => {
  const world = new VirtualWorld(1)
  const stated: number[] = []
  const turns: (() => void)[] = []
  const parking = createParking({
    clock: world.clock,
    timers: world,
    maxParked: 1000,
    maxParkedPerAction: 1000,
    onChange: (_key, parked) => stated.push(parked),
    nextTurn: (callback) => turns.push(callback),
  })
  const turn = (): void => {
    for (const callback of turns.splice(0)) callback()
  }
  for (let call = 0; call < 150; call++) void parking.park(KEY, 1000)
  assert.deepEqual(stated, [])
  turn()
  for (let call = 0; call < 50; call++) void parking.park(KEY, 1000)
  turn()
  turn()
  assert.deepEqual(stated, [150, 200])
})
