import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { latencyHistogram } from './latency-histogram.ts'

test('a percentile is the exact one, rounded up by at most 3 % and a microsecond', () => {
  const values = fc.array(fc.double({ min: 0, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(values, fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1), (latencies, share) => {
      const histogram = latencyHistogram()
      for (const latency of latencies) histogram.record(latency)
      const sorted = latencies.toSorted((a, b) => a - b)
      const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0
      const estimate = histogram.percentile(share)
      assert.ok(estimate >= exact - 0.001, `${estimate} is below ${exact}`)
      assert.ok(estimate <= exact * 1.035 + 0.001, `${estimate} is far above ${exact}`)
      assert.equal(histogram.maxMs, sorted.at(-1))
      assert.equal(histogram.count, latencies.length)
    }),
  )
})

test('an empty histogram has percentiles of 0', () => {
  assert.equal(latencyHistogram().percentile(0.5), 0)
})
