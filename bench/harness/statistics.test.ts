import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interleave, median, pairedDifference, pairedRatio, percentile } from './statistics.ts'

test('contenders take turns within each round', async () => {
  const order: string[] = []
  const results = await interleave(2, {
    a: async (round) => order.push(`a${round}`),
    b: async (round) => order.push(`b${round}`),
  })
  assert.deepEqual(order, ['a0', 'b0', 'a1', 'b1'])
  assert.deepEqual(results, { a: [1, 3], b: [2, 4] })
})

test('medians and percentiles', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 2, 3]), 2.5)
  assert.ok(Number.isNaN(median([])))
  assert.equal(percentile([5, 1, 4, 2, 3], 0.8), 4)
  assert.equal(percentile([1], 0.01), 1)
})

test('pairs are compared round by round: a slow round slows both', () => {
  assert.equal(pairedRatio([100, 10, 1000], [50, 5, 500]), 0.5)
  assert.equal(pairedDifference([1, 10, 100], [3, 12, 102]), 2)
})
