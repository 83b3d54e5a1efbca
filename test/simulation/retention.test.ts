/** Traces replayed against the collectors' idea of what is worth keeping: cold starts of 500 actions with room for 50. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CollectorName } from '../../src/control/collector/choose-collector.ts'
import { collectorOf } from '../../src/control/collector/choose-collector.ts'
import { COMPACTION } from '../../src/control/collector/compact.ts'
import { Retention } from '../../src/control/retention.ts'
import type { ActionKey } from '../../src/control/pool-protocol.ts'
import { VirtualWorld } from './virtual-world.ts'

const ROOM = 50
const CALLS = 40_000
const CALL_EVERY_MS = 20

/** Cold starts of a trace, one call at a time: the least valuable container goes when there is no room. */
function coldStarts(trace: readonly number[], name: CollectorName): number {
  const collector = collectorOf({ collector: name, compaction: COMPACTION })
  const retention = new Retention(600_000, 20_000)
  const values = new Map<number, number>()
  let cold = 0
  trace.forEach((action, call) => {
    const now = call * CALL_EVERY_MS
    if (!values.has(action)) {
      cold++
      if (values.size >= ROOM) {
        let victim = -1
        let lowest = Infinity
        for (const [candidate, value] of values) if (value < lowest) [victim, lowest] = [candidate, value]
        values.delete(victim)
        collector.evicted(lowest)
      }
    }
    const frequency = retention.used(String(action) as ActionKey, now)
    values.set(action, collector.value({ lastUsed: now, frequency, startCostMs: 100, memoryMb: 256 }))
  })
  return cold
}

/** Action numbers by Zipf's law with exponent 1. */
function zipf(world: VirtualWorld, actions: number): () => number {
  const sums: number[] = []
  for (let rank = 1; rank <= actions; rank++) sums.push((sums.at(-1) ?? 0) + 1 / rank)
  return () => {
    const point = world.random() * (sums.at(-1) ?? 0)
    return sums.findIndex((sum) => sum > point)
  }
}

test('S2-11: on a Zipf trace no more cold starts than LRU, on a trace with scans fewer', (t) => {
  const world = new VirtualWorld(7)
  const next = zipf(world, 500)
  const plain = Array.from({ length: CALLS }, next)
  // Every tenth stretch of 100 calls goes once through 100 actions that nobody calls otherwise.
  const scans = plain.map((action, call) => (Math.floor(call / 100) % 10 === 9 ? 1_000 + (call % 1_000) : action))
  const rates = [plain, scans].map((trace) => ({
    compact: coldStarts(trace, 'compact'),
    lru: coldStarts(trace, 'lru'),
  }))
  t.diagnostic(`cold starts of ${CALLS} calls: ${JSON.stringify(rates)}`)
  for (const { compact, lru } of rates) assert.ok(compact <= lru)
  const [, scanned] = rates
  assert.ok(scanned !== undefined && scanned.compact < scanned.lru)
})
