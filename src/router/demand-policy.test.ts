import assert from 'node:assert/strict'
import { test } from 'node:test'
import { demandOf } from './demand-policy.ts'

const calm = { parked: 0, slots: 1, meanMs: 1, coldMs: 100, saturatedMs: 0, processors: 4 }

test('S4-81: without a container, or without experience, every parked request is stated', () => {
  assert.equal(demandOf({ ...calm, parked: 7, slots: 0 }), 7)
  assert.equal(demandOf({ ...calm, parked: 7, meanMs: undefined }), 7)
})

test('S4-72: short runs are waited for; what cannot be served within a cold start is stated', () => {
  assert.equal(demandOf({ ...calm, parked: 50 }), 0)
  assert.equal(demandOf({ ...calm, parked: 150 }), 50)
  assert.equal(demandOf({ ...calm, parked: 3, meanMs: 5000 }), 3)
})

test('a queue that never empties asks for one container more, whatever each wait is', () => {
  assert.equal(demandOf({ ...calm, parked: 2, saturatedMs: 10 }), 0)
  assert.equal(demandOf({ ...calm, parked: 2, saturatedMs: 60 }), 1)
})

test('short runs get no more containers than there are processors for waiting long; long ones do', () => {
  const saturated = { ...calm, parked: 2, saturatedMs: 60 }
  assert.equal(demandOf({ ...saturated, slots: 3 }), 1)
  assert.equal(demandOf({ ...saturated, slots: 4 }), 0)
  assert.equal(demandOf({ ...saturated, slots: 4, meanMs: 20 }), 1)
})
