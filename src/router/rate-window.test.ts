import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rateWindow } from './rate-window.ts'

const MINUTE = 60_000

test('S4-59: a fixed window counts rejected calls and starts again at the minute', () => {
  const window = rateWindow('fixed')
  for (let index = 1; index <= 61; index++) assert.equal(window.count(MINUTE + 10), index)
  assert.equal(window.count(2 * MINUTE), 1)
})

test('S4-59: a sliding window lets at most the limit through around the edge of a minute', () => {
  const window = rateWindow('sliding')
  const allowed = 60
  let passed = 0
  // A burst in the last second of one minute and another in the first of the next.
  for (let at = 119_000; at < 121_000; at += 10) if (window.count(at) <= allowed) passed++
  assert.ok(passed <= allowed, `${passed} calls passed`)
})

test('steady traffic below the limit always passes a sliding window (property)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: MINUTE }), (allowed, offset) => {
      const window = rateWindow('sliding')
      const gap = MINUTE / allowed
      for (let call = 0; call < 3 * allowed; call++) assert.ok(window.count(offset + call * gap) <= allowed + 1)
    }),
    { numRuns: 50 },
  )
})

test('after Retry-After a call passes again', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: MINUTE - 1 }), (allowed, offset) => {
      for (const kind of ['sliding', 'fixed'] as const) {
        const window = rateWindow(kind)
        let at = 10 * MINUTE + offset
        while (window.count(at) <= allowed) at += 1
        at += window.retryAfterSeconds(at, allowed) * 1000
        assert.ok(window.count(at) <= allowed, `${kind} still refuses`)
      }
    }),
    { numRuns: 200 },
  )
})
