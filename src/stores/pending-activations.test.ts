import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { describeActivationStore } from '../../test/conformance/activation-store.ts'
import { MemoryActivationStore } from '../../test/conformance/memory-activation-store.ts'
import type { ActivationRecord } from '../model/activation.ts'
import type { ActivationId } from '../model/ids.ts'
import { parseNamespaceName } from '../model/names.ts'
import { lineOfRecord, rowsOf } from './activation-lines.ts'
import type { ActivationRow } from './activation-store.ts'
import type { Sheaf } from './pending-activations.ts'
import { PendingActivations, bytesOf, mergedPage } from './pending-activations.ts'

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

function sheafOf(pending: PendingActivations, ...numbers: readonly number[]): Sheaf {
  const sheaf = pending.open()
  for (const number of numbers) pending.add(recordOf(number, number), sheaf)
  return sheaf
}

function rowOf(record: ActivationRecord): ActivationRow {
  const [row] = rowsOf(lineOfRecord(record))
  assert.ok(row !== undefined)
  return row
}

describe('PendingActivations', () => {
  it('adds up what it holds, whatever is added twice and removed twice', () => {
    const pending = new PendingActivations()
    const sheaves = [sheafOf(pending, 1, 2), sheafOf(pending, 3), sheafOf(pending, 1, 3)]
    assert.equal(pending.size, 3)
    assert.equal(
      pending.bytes,
      sheaves.reduce((sum, sheaf) => sum + bytesOf(sheaf), 0),
    )
    for (const sheaf of [...sheaves, ...sheaves]) pending.remove(sheaf)
    assert.equal(pending.size, 0)
    assert.equal(pending.bytes, 0)
  })

  it('takes the oldest within rows and bytes, at least one, and none that is under way', () => {
    const pending = new PendingActivations()
    const [first, second, third] = [sheafOf(pending, 1), sheafOf(pending, 2), sheafOf(pending, 3, 4)] as const
    assert.deepEqual(pending.oldest(2, 1e9, new Set()), [first, second])
    assert.deepEqual(pending.oldest(9, 1, new Set()), [first])
    assert.deepEqual(pending.oldest(3, 1e9, new Set([first])), [second, third])
    assert.deepEqual(pending.oldest(1, 1e9, new Set([first, second])), [third])
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
          if (stored === 'pending') pending.add(record, pending.open())
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
    assert.deepEqual(await mergedPage([rowOf(record)], query, (part) => store.list(part)), [rowOf(record)])
  })
})
