import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NetworkInspection } from './engine-answers.ts'
import { bridgeOptions, outOfReach, placeOf } from './network-place.ts'

const NETWORK: NetworkInspection = {
  networkId: '0123456789abcdef0123456789abcdef',
  name: 'functions',
  driver: 'bridge',
  internal: false,
  subnet: '172.20.0.0/16',
  gateway: '172.20.0.1',
  options: {},
  labels: {},
}
const OUTSIDE = { names: ['lo', 'eth0'], addresses: ['10.0.0.7'] }

test('S1-5: a process that has the bridge among its interfaces is on the engine’s host', () => {
  const bridges: readonly (readonly [NetworkInspection, string])[] = [
    [NETWORK, 'br-0123456789ab'],
    [{ ...NETWORK, name: 'bridge' }, 'docker0'],
    [{ ...NETWORK, options: bridgeOptions('stv0123456789ab') }, 'stv0123456789ab'],
  ]
  for (const [network, bridge] of bridges) {
    const own = { names: ['lo', bridge], addresses: [] }
    assert.deepEqual(placeOf(network, own), { type: 'host' })
    assert.equal(outOfReach(network, placeOf(network, own)), undefined)
  }
})

test('S1-5: one with an address in the network is a container of it, and reaches others where they are let', () => {
  const own = { names: ['lo', 'eth0', 'eth1'], addresses: ['10.0.0.7', '172.20.0.3'] }
  const place = placeOf(NETWORK, own)
  assert.deepEqual(place, { type: 'member', address: '172.20.0.3' })
  assert.equal(outOfReach(NETWORK, place), undefined)
  const apart = { ...NETWORK, options: bridgeOptions('stv0123456789ab') }
  assert.match(outOfReach(apart, place) ?? '', /functions keeps its containers from each other/)
})

test('S1-5: any other is told what to do', () => {
  const place = placeOf(NETWORK, OUTSIDE)
  assert.deepEqual(place, { type: 'outside' })
  assert.match(outOfReach(NETWORK, place) ?? '', /docker network create functions.*--network host/)
  assert.deepEqual(placeOf({ ...NETWORK, subnet: undefined }, OUTSIDE), { type: 'outside' })
})
