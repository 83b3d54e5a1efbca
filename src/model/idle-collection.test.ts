import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../test/virtual-clock.ts'
import { collectWhenIdle, fullCollection } from './idle-collection.ts'

test('quiet moments are used once: after the start, and after calls that were worth it', async () => {
  const clock = virtualClock()
  const state = { calls: 0, active: 0, collections: 0 }
  const stop = collectWhenIdle({
    timers: clock,
    calls: () => state.calls,
    active: () => state.active,
    collect: () => state.collections++,
  })
  await clock.advance(1000)
  assert.equal(state.collections, 1, 'after the start')
  await clock.advance(60_000)
  assert.equal(state.collections, 1, 'once')
  state.calls += 999
  await clock.advance(60_000)
  assert.equal(state.collections, 1, 'too few')
  for (let second = 0; second < 20; second++) {
    state.calls += 1000
    await clock.advance(500)
  }
  assert.equal(state.collections, 1, 'not while calls come')
  state.active = 1
  await clock.advance(10_000)
  assert.equal(state.collections, 1, 'not while one runs')
  state.active = 0
  await clock.advance(2000)
  assert.equal(state.collections, 2)
  stop()
  state.calls += 5000
  await clock.advance(60_000)
  assert.equal(state.collections, 2, 'stopped')
})

test('what nobody holds is gone after a full collection', () => {
  const collect = fullCollection()
  const held = new WeakRef({})
  // A weak reference that was made or read in this turn is held until its end.
  return new Promise<void>((resolve) => {
    setImmediate(() => {
      collect()
      setImmediate(() => {
        assert.equal(held.deref(), undefined)
        resolve()
      })
    })
  })
})
