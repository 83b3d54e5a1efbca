import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { describeActivationStore } from '../../test/conformance/activation-store.ts'
import { MemoryActivationStore } from '../../test/conformance/memory-activation-store.ts'
import type { ActivationRecord } from '../model/activation.ts'
import type { ActivationId } from '../model/ids.ts'
import { parseNamespaceName } from '../model/names.ts'
import { PendingActivations, approximateBytes, mergedPage, rowOf } from './pending-activations.ts'

describeActivationStore('in memory, for tests', async () => new MemoryActivationStore())

const NAMESPACE = parseNamespaceName('ns')

function recordOf(index: number, start: number): ActivationRecord {
  return {
    activationId: index.toString(16).padStart(32, '0') as ActivationId,
    namespace: NAMESPACE,
    subject: 'subject',
    name: 'a',
    filter: 'a',
    version: '0.0.1',
    start,
    outcome: { statusCode: 0, resultJson: '{}' },
    logsJson: '[]',
    annotationsJson: '[]',
  }
}

describe('PendingActivations', () => {
  it('adds up what it holds, whatever is added twice and removed twice', () => {
    const pending = new PendingActivations()
    const records = [recordOf(1, 1), recordOf(2, 2)]
    for (const record of [...records, ...records]) pending.add(record)
    assert.equal(pending.size, 2)
    assert.equal(
      pending.bytes,
      records.reduce((sum, record) => sum + approximateBytes(record), 0),
    )
    for (const { activationId } of [...records, ...records]) pending.remove(activationId)
    assert.equal(pending.size, 0)
    assert.equal(pending.bytes, 0)
  })

  it('takes the oldest within rows and bytes, at least one, and none that is under way', () => {
    const pending = new PendingActivations()
    const records = [1, 2, 3, 4].map((index) => recordOf(index, index))
    for (const record of records) pending.add(record)
    const [first, second, third] = records
    assert.deepEqual(pending.oldest(2, 1e9, new Set()), [first, second])
    assert.deepEqual(pending.oldest(9, 1, new Set()), [first])
    assert.deepEqual(pending.oldest(2, 1e9, new Set(first === undefined ? [] : [first.activationId])), [second, third])
  })

  it('shows pages as if every record were in the store already', async () => {
    const arrivals = fc.array(fc.record({ start: fc.nat(6), stored: fc.constantFrom('stored', 'pending', 'both') }), {
      maxLength: 14,
    })
    await fc.assert(
      fc.asyncProperty(arrivals, fc.nat(8), fc.nat(6), async (rows, skip, limit) => {
        const all = new MemoryActivationStore()
        const store = new MemoryActivationStore()
        const pending = new PendingActivations()
        // Pending ones arrived last; what was stored and not yet acknowledged is the oldest of them.
        const order = ['stored', 'both', 'pending']
        const inOrder = rows.toSorted((one, other) => order.indexOf(one.stored) - order.indexOf(other.stored))
        for (const [index, { start, stored }] of inOrder.entries()) {
          const record = recordOf(index, start)
          await all.append([rowOf(record)])
          if (stored !== 'pending') await store.append([rowOf(record)])
          if (stored === 'pending') pending.add(record)
        }
        const query = { namespace: NAMESPACE, skip, limit, since: 1 }
        const page = await mergedPage(pending.matching(query), query, (part) => store.list(part))
        assert.deepEqual(page, await all.list(query))
      }),
      { numRuns: 200 },
    )
  })

  it('shows a record once that the store has and that still counts as pending', async () => {
    const store = new MemoryActivationStore()
    const record = recordOf(1, 5)
    await store.append([rowOf(record)])
    const query = { namespace: NAMESPACE, skip: 0, limit: 9 }
    assert.deepEqual(await mergedPage([record], query, (part) => store.list(part)), [rowOf(record)])
  })
})
