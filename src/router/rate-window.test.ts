import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RateWindow } from './rate-window.ts'
import { WINDOW_MS, rateWindow } from './rate-window.ts'

/** Asks at each of `times`; returns when it was let in. */
function admitted(window: RateWindow, times: readonly number[], allowed: number): number[] {
  return times.filter((at) => window.take(at, allowed) <= allowed)
}

/** The most that any 60 s hold: those that begin with one of `times` (ascending) are enough to look at. */
function mostInAMinute(times: readonly number[]): number {
  let most = 0
  let end = 0
  for (let begin = 0; begin < times.length; begin++) {
    while (end < times.length && (times[end] ?? 0) < (times[begin] ?? 0) + WINDOW_MS) end++
    most = Math.max(most, end - begin)
  }
  return most
}

/** Times in order, made of gaps: bursts, trickles and pauses of up to two minutes. */
const arrivals = fc
  .tuple(
    fc.double({ min: 0, max: 200_000, noNaN: true }),
    fc.array(
      fc.oneof(
        fc.constant(0),
        fc.double({ min: 0, max: 2, noNaN: true }),
        fc.integer({ min: 0, max: 3000 }),
        fc.integer({ min: 50_000, max: 120_000 }),
      ),
      { minLength: 1, maxLength: 400 },
    ),
  )
  .map(([begin, gaps]) => {
    let at = begin
    return gaps.map((gap) => (at += gap))
  })

test('S4-59: a fixed window counts rejected calls and starts again at the minute (spec 9)', () => {
  const window = rateWindow('fixed')
  for (let index = 1; index <= 61; index++) assert.equal(window.take(WINDOW_MS + 10, 60), index)
  assert.equal(window.remaining(WINDOW_MS + 20, 60), 0)
  assert.equal(window.renewsInMs(WINDOW_MS + 20, 60), WINDOW_MS - 20)
  assert.equal(window.remaining(2 * WINDOW_MS, 60), 60)
  assert.equal(window.take(2 * WINDOW_MS, 60), 1)
})

test('S4-59: a fixed window lets twice the limit through around a full minute, a sliding one does not', () => {
  const burst = Array.from({ length: 200 }, (_, index) => WINDOW_MS * 2 - 1000 + index * 10)
  assert.equal(admitted(rateWindow('fixed'), burst, 60).length, 120)
  assert.equal(admitted(rateWindow('sliding'), burst, 60).length, 60)
})

test('S4-59: no 60 s of a sliding window hold more than the limit (property)', () => {
  fc.assert(
    fc.property(arrivals, fc.integer({ min: 0, max: 100 }), (times, allowed) => {
      assert.ok(mostInAMinute(admitted(rateWindow('sliding'), times, allowed)) <= allowed)
    }),
    { numRuns: 300 },
  )
})

test('S4-59: a sliding window lets in whoever the last 60 s have room for (property)', () => {
  fc.assert(
    fc.property(arrivals, fc.integer({ min: 1, max: 100 }), (times, allowed) => {
      const window = rateWindow('sliding')
      const passed: number[] = []
      for (const at of times) {
        // Calls of one ms leave together, with the last of them.
        const held = passed.filter((time) => time > at - WINDOW_MS - 1).length
        if (window.take(at, allowed) <= allowed) passed.push(at)
        else assert.ok(held >= allowed, `refused at ${at} with ${held} of ${allowed}`)
      }
    }),
    { numRuns: 200 },
  )
})

test('S4-59: a steady caller at the limit is never refused, at whatever limit (property)', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constantFrom(999, 10_000, 40_000)),
      fc.integer({ min: 0, max: 10 * WINDOW_MS }),
      (allowed, offset) => {
        const window = rateWindow('sliding')
        // A millionth longer: sums of fractions of a ms are not exact.
        const gap = (WINDOW_MS / allowed) * 1.000_001
        for (let call = 0; call < 3 * allowed; call++) {
          assert.ok(window.take(offset + call * gap, allowed) <= allowed, `call ${call}`)
        }
      },
    ),
    { numRuns: 30 },
  )
})

test('S4-59: refused calls do not count in a sliding window: a caller who never stops asking gets its limit', () => {
  const window = rateWindow('sliding')
  const times = Array.from({ length: 18_000 }, (_, index) => index * 10)
  assert.equal(admitted(window, times, 60).length, 180)
})

test('at the end of renewsInMs a refused call passes, and not a moment before (property)', () => {
  fc.assert(
    fc.property(
      arrivals,
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 50 }),
      (times, before, allowed) => {
        for (const kind of ['sliding', 'fixed'] as const) {
          const window = rateWindow(kind)
          // The limit may have been changed meanwhile.
          admitted(window, times, before)
          const now = (times.at(-1) ?? 0) + 1
          const waitMs = window.renewsInMs(now, allowed)
          assert.ok(waitMs > 0 && waitMs <= WINDOW_MS)
          const remaining = window.remaining(now, allowed)
          assert.equal(window.remaining(now + waitMs - 0.001, allowed), remaining)
          if (remaining < allowed) assert.ok(window.remaining(now + waitMs + 0.001, allowed) > remaining)
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('a limit of 0 lets nothing in and never will', () => {
  for (const kind of ['sliding', 'fixed'] as const) {
    const window = rateWindow(kind)
    assert.ok(window.take(10, 0) > 0)
    assert.equal(window.remaining(10, 0), 0)
    assert.ok(window.renewsInMs(10, 0) <= WINDOW_MS)
  }
})
