import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { identityFixture } from '../../test/action-fixture.ts'
import { virtualClock } from '../../test/virtual-clock.ts'
import { Refusal } from '../model/errors.ts'
import type { Admission } from './admission.ts'
import { localLimits } from './admission.ts'
import type { Quota } from './quota.ts'
import { appendRateLimit } from './quota.ts'

test('S4-59: the 429 of the rate limit has the count, the limit and Retry-After (spec 9)', () => {
  const limits = localLimits({ window: 'fixed', headers: true, clock: virtualClock() })
  const identity = identityFixture({ invocationsPerMinute: 2 })
  for (let index = 0; index < 2; index++) limits.enter(identity).release()
  assert.throws(() => limits.enter(identity), {
    status: 429,
    message: 'Too many requests in the last minute (count: 3, allowed: 2).',
  })
})

test('S4-59: the 429 of the concurrency limit has what is in flight (spec 9)', () => {
  const limits = localLimits({ window: 'sliding', headers: true, clock: virtualClock() })
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
  const limits = localLimits({ window: 'fixed', headers: true, clock: virtualClock() })
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
  const limits = localLimits({ window: 'sliding', headers: true, clock: virtualClock() })
  assert.throws(() => limits.enter(identityFixture({ invocationsPerMinute: 0 })), { status: 429 })
  assert.throws(() => limits.enter(identityFixture({ concurrentInvocations: 0 })), { status: 429 })
})

test('admissions and releases balance whatever happens in between (property)', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant('enter'), fc.nat(20))), (steps) => {
      const limits = localLimits({ window: 'sliding', headers: true, clock: virtualClock() })
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

/** The headers that a caller let in is told, as one object. */
function told(quota: Quota | undefined): Record<string, string> {
  const headers: string[] = []
  appendRateLimit(headers, quota)
  return Object.fromEntries(headers.flatMap((name, at) => (at % 2 === 0 ? [[name, headers[at + 1] ?? '']] : [])))
}

test('callers are told what they may still do, and from when on more', async () => {
  const clock = virtualClock()
  const limits = localLimits({ window: 'sliding', headers: true, clock })
  const identity = identityFixture({ invocationsPerMinute: 3, concurrentInvocations: 2, firesPerMinute: 5 })
  const first = limits.enter(identity)
  await clock.advance(10_000)
  const second = limits.enter(identity)
  assert.deepEqual(told(second.quota), {
    'RateLimit-Policy': '"invocations";q=3;w=60, "concurrency";q=2;qu="concurrent-requests"',
    RateLimit: '"invocations";r=1;t=50',
  })
  assert.deepEqual(told(limits.fire(identity)), {
    'RateLimit-Policy': '"fires";q=5;w=60',
    RateLimit: '"fires";r=4;t=60',
  })
  first.release()
  await clock.advance(49_500)
  // As it is when the answer leaves, not when the call came.
  assert.equal(told(second.quota)['RateLimit'], '"invocations";r=1;t=1')
  await clock.advance(500)
  assert.equal(told(second.quota)['RateLimit'], '"invocations";r=2;t=10')
})

test('S4-59: a 429 says when to come again, in Retry-After and RateLimit alike', async () => {
  const clock = virtualClock()
  const limits = localLimits({ window: 'sliding', headers: true, clock })
  const identity = identityFixture({ invocationsPerMinute: 2, concurrentInvocations: 1 })
  const held = limits.enter(identity)
  await clock.advance(20_250)
  assert.throws(() => limits.enter(identity), {
    options: {
      retryAfterSeconds: 1,
      headers: {
        'RateLimit-Policy': '"invocations";q=2;w=60, "concurrency";q=1;qu="concurrent-requests"',
        RateLimit: '"concurrency";r=0',
      },
    },
  })
  held.release()
  assert.throws(() => limits.enter(identity), {
    message: 'Too many requests in the last minute (count: 3, allowed: 2).',
    options: {
      retryAfterSeconds: 40,
      headers: {
        'RateLimit-Policy': '"invocations";q=2;w=60, "concurrency";q=1;qu="concurrent-requests"',
        RateLimit: '"invocations";r=0;t=40',
      },
    },
  })
  await clock.advance(40_000)
  limits.enter(identity).release()
})

test('without headers nothing is told, Retry-After excepted', () => {
  const limits = localLimits({ window: 'sliding', headers: false, clock: virtualClock() })
  const identity = identityFixture({ invocationsPerMinute: 1, firesPerMinute: 1 })
  assert.deepEqual(told(limits.enter(identity).quota), {})
  assert.deepEqual(told(limits.fire(identity)), {})
  assert.throws(() => limits.enter(identity), { options: { retryAfterSeconds: 60 } })
})

test('a limit that is changed holds from the next call on, for what was counted before, too', () => {
  const limits = localLimits({ window: 'sliding', headers: true, clock: virtualClock() })
  for (let call = 0; call < 5; call++) limits.enter(identityFixture({ invocationsPerMinute: 5 })).release()
  assert.throws(() => limits.enter(identityFixture({ invocationsPerMinute: 3 })), {
    message: 'Too many requests in the last minute (count: 6, allowed: 3).',
  })
  const { quota } = limits.enter(identityFixture({ invocationsPerMinute: 7 }))
  assert.equal(told(quota)['RateLimit'], '"invocations";r=1;t=60')
  assert.match(told(quota)['RateLimit-Policy'] ?? '', /^"invocations";q=7;w=60/)
})

test('keys of one namespace share its limits; a namespace made anew under its name does not', () => {
  const limits = localLimits({ window: 'sliding', headers: true, clock: virtualClock() })
  const one = identityFixture({ invocationsPerMinute: 1 })
  limits.enter(one).release()
  assert.throws(() => limits.enter({ ...one, key: 'x'.repeat(64) }), { status: 429 })
  limits.enter({ ...one, uuid: '00000000-0000-4000-8000-000000000002' }).release()
  assert.equal(limits.namespaces, 2)
})

test('a wall clock that is set back or forward neither locks a caller out nor lets it through', async () => {
  const clock = virtualClock()
  const limits = localLimits({ window: 'sliding', headers: true, clock })
  const identity = identityFixture({ invocationsPerMinute: 1 })
  limits.enter(identity).release()
  clock.jump(3_600_000)
  assert.throws(() => limits.enter(identity), { status: 429 })
  clock.jump(-7_200_000)
  await clock.advance(60_000)
  limits.enter(identity).release()
})
