import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../model/clock.ts'
import { HealthRegistry } from './health.ts'

function clockAt(start: number): Clock & { advance(ms: number): void } {
  let at = start
  return {
    now: () => at,
    monotonic: () => at,
    advance(ms) {
      at += ms
    },
  }
}

test('ready when every check is; else the reasons of those that are not', async () => {
  const health = new HealthRegistry({ clock: clockAt(0) })
  assert.deepEqual(await health.readiness(), { ready: true, reasons: [] })
  health.add('store', () => Promise.resolve())
  health.add('journal', () => Promise.reject(new Error('disk full')))
  health.add('sandbox', () => {
    throw new Error('no user namespaces')
  })
  assert.deepEqual(await health.readiness(), {
    ready: false,
    reasons: [
      { name: 'journal', reason: 'disk full' },
      { name: 'sandbox', reason: 'no user namespaces' },
    ],
  })
  assert.throws(() => health.add('store', () => undefined), /two health checks/)
})

test('an answer is given again for a second, and probes at once share one', async () => {
  const clock = clockAt(5)
  const health = new HealthRegistry({ clock })
  let asked = 0
  health.add('store', async () => {
    asked++
    await Promise.resolve()
  })
  await Promise.all([health.readiness(), health.readiness()])
  clock.advance(999)
  await health.readiness()
  assert.equal(asked, 1)
  clock.advance(1)
  await health.readiness()
  assert.equal(asked, 2)
})

test('a check that hangs costs its time limit, is not started twice, and recovers', async () => {
  const clock = clockAt(0)
  const health = new HealthRegistry({ clock, checkTimeoutMs: 5, cacheMs: 0 })
  let asked = 0
  const hanging = Promise.withResolvers<void>()
  health.add('store', () => {
    asked++
    return hanging.promise
  })
  // The registry's own timers do not keep a process alive; in this test nothing else does.
  const alive = setInterval(() => undefined, 1000)
  const answer = { ready: false, reasons: [{ name: 'store', reason: 'no answer within 5 ms' }] }
  assert.deepEqual(await health.readiness(), answer)
  assert.deepEqual(await health.readiness(), answer)
  assert.equal(asked, 1)
  hanging.resolve()
  await hanging.promise
  assert.equal((await health.readiness()).ready, true)
  clearInterval(alive)
})

test('a removed check does not count any more', async () => {
  const health = new HealthRegistry({ clock: clockAt(0) })
  const remove = health.add('store', () => Promise.reject(new Error('x')))
  assert.equal((await health.readiness()).ready, false)
  remove()
  assert.equal((await health.readiness()).ready, true)
})

test('S3-11: draining is not ready at once but alive; dead is neither', async () => {
  const health = new HealthRegistry({ clock: clockAt(0) })
  health.drain('shutting down')
  assert.deepEqual(await health.readiness(), { ready: false, reasons: [{ name: 'shutdown', reason: 'shutting down' }] })
  assert.equal(health.liveness().alive, true)
  health.declareDead('journal', 'lost')
  assert.deepEqual(health.liveness(), { alive: false, reasons: [{ name: 'journal', reason: 'lost' }] })
  assert.equal((await health.readiness()).ready, false)
})

test('reasons carry no secrets', async () => {
  const health = new HealthRegistry({ clock: clockAt(0) })
  health.add('store', () => Promise.reject(new Error('cannot reach postgres://stave:hunter2hunter2@db/x')))
  assert.ok(!JSON.stringify(await health.readiness()).includes('hunter2'))
})
