import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { identityFixture } from '../../test/action-fixture.ts'
import { virtualClock } from '../../test/virtual-clock.ts'
import { Refusal } from '../model/errors.ts'
import type { Admission } from './admission.ts'
import { localLimits } from './admission.ts'

test('S4-59: the 429 of the rate limit has the count, the limit and Retry-After (spec 9)', () => {
  const limits = localLimits('fixed', virtualClock())
  const identity = identityFixture({ invocationsPerMinute: 2 })
  for (let index = 0; index < 2; index++) limits.enter(identity).release()
  assert.throws(() => limits.enter(identity), {
    status: 429,
    message: 'Too many requests in the last minute (count: 3, allowed: 2).',
  })
})

test('S4-59: the 429 of the concurrency limit has what is in flight (spec 9)', () => {
  const limits = localLimits('sliding', virtualClock())
  const identity = identityFixture({ concurrentInvocations: 1 })
  const admission = limits.enter(identity)
  assert.throws(() => limits.enter(identity), {
    status: 429,
    message: 'Too many concurrent requests in flight (count: 1, allowed: 1).',
  })
  admission.release()
  limits.enter(identity).release()
})

test('S4-59: fires have a counter of their own, with the text and Retry-After of calls (spec 9)', () => {
  const limits = localLimits('fixed', virtualClock())
  const identity = identityFixture({ invocationsPerMinute: 1, firesPerMinute: 2 })
  limits.fire(identity)
  limits.fire(identity)
  const refused = (error: unknown): boolean =>
    error instanceof Refusal &&
    error.status === 429 &&
    error.message === 'Too many requests in the last minute (count: 3, allowed: 2).' &&
    (error.options.retryAfterSeconds ?? 0) >= 1
  assert.throws(() => limits.fire(identity), refused)
  limits.enter(identity).release()
  assert.deepEqual([limits.counters.fires, limits.counters.firesLimited, limits.counters.admitted], [2, 1, 1])
  assert.throws(() => limits.fire(identityFixture({ firesPerMinute: 0 })), { status: 429 })
})

test('a limit of 0 forbids entirely', () => {
  const limits = localLimits('sliding', virtualClock())
  assert.throws(() => limits.enter(identityFixture({ invocationsPerMinute: 0 })), { status: 429 })
  assert.throws(() => limits.enter(identityFixture({ concurrentInvocations: 0 })), { status: 429 })
})

test('admissions and releases balance whatever happens in between (property)', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant('enter'), fc.nat(20))), (steps) => {
      const limits = localLimits('sliding', virtualClock())
      const identity = identityFixture({ invocationsPerMinute: 1000, concurrentInvocations: 5 })
      const held: Admission[] = []
      const released = new Set<Admission>()
      for (const step of steps) {
        if (step === 'enter') {
          if (held.length - released.size < 5) held.push(limits.enter(identity))
          else assert.throws(() => limits.enter(identity), { status: 429 })
        } else {
          const admission = held[step % Math.max(1, held.length)]
          admission?.release()
          if (admission !== undefined) released.add(admission)
        }
        assert.equal(limits.inFlight, held.length - released.size)
      }
    }),
  )
})
