import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from './backoff.ts'

test('each failure in a row doubles the pause up to the bound; a success ends it', () => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1_000 })
  const pauses: number[] = []
  for (let failure = 0; failure < 6; failure++) {
    backoff.failed('image', 10)
    pauses.push(backoff.pausedUntil('image') - 10)
  }
  assert.deepEqual(pauses, [100, 200, 400, 800, 1_000, 1_000])
  assert.equal(backoff.isFailing('image'), true)
  assert.equal(backoff.isFailing('other'), false)
  backoff.succeeded('image')
  assert.equal(backoff.pausedUntil('image'), 0)
})

test('what is remembered is bounded', () => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1_000 })
  for (let image = 0; image < 10_050; image++) backoff.failed(`image ${image}`, 0)
  assert.equal(backoff.size, 10_000)
  assert.equal(backoff.isFailing('image 10049'), true)
  assert.equal(backoff.isFailing('image 0'), false)
})
