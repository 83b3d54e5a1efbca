import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../test/virtual-clock.ts'
import { collectWhenIdle, collector } from './idle-collection.ts'

test('quiet times are used once: a moment after the start, minutes after calls that were worth it', async () => {
  const clock = virtualClock()
  const state = { calls: 0, active: 0, collections: 0 }
  const stop = collectWhenIdle({
    timers: clock,
    calls: () => state.calls,
    active: () => state.active,
    collect: () => state.collections++,
  })
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) await clock.advance(1000)
  }
  await pass(1)
  assert.equal(state.collections, 1, 'after the start')
  await pass(1000)
  assert.equal(state.collections, 1, 'once')
  state.calls += 999
  await pass(1000)
  assert.equal(state.collections, 1, 'too few')
  state.calls += 1000
  await pass(200)
  state.calls++
  await pass(200)
  assert.equal(state.collections, 1, 'not in a pause between calls')
  state.active = 1
  await pass(1000)
  assert.equal(state.collections, 1, 'not while one runs')
  state.active = 0
  await pass(300)
  assert.equal(state.collections, 2)
  stop()
  state.calls += 5000
  await pass(1000)
  assert.equal(state.collections, 2, 'stopped')
})

test('what nobody holds is gone after a collection', () => {
  const collect = collector()
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
