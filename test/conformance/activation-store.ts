/** What every `ActivationStore` does, whatever it stores in. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ActivationId } from '../../src/model/ids.ts'
import { randomIds } from '../../src/model/ids.ts'
import { parseNamespaceName } from '../../src/model/names.ts'
import type { ActivationRow, ActivationStore } from '../../src/stores/activation-store.ts'

const ids = randomIds()

/** A row of that namespace, filter and start; `result` goes into its document. */
export function activationRow(namespace: string, filter: string, start: number, result = 'ok'): ActivationRow {
  const activationId = ids.activationId(Date.now())
  const document = JSON.stringify({
    namespace,
    name: filter.split('/').at(-1),
    version: '0.0.1',
    subject: namespace,
    activationId,
    start,
    end: start + 3,
    duration: 3,
    publish: false,
    response: { status: 'success', success: true, result: { result } },
    logs: ['2016-02-10T15:18:26.454914Z    stdout: Grüße \u0000'],
    annotations: [{ key: 'path', value: `${namespace}/${filter}` }],
  })
  return { activationId, namespace: parseNamespaceName(namespace), filter, start, statusCode: 0, document }
}

/** Declares the suite. `open` opens an empty store; it is closed by the suite. */
export function describeActivationStore(name: string, open: () => Promise<ActivationStore>): void {
  describe(`ActivationStore ${name}`, () => {
    let store: ActivationStore
    before(async () => {
      store = await open()
    })
    after(() => store.close())
    const startsOf = (rows: readonly ActivationRow[]): number[] => rows.map(({ start }) => start)

    it('gives back what was stored, to its own namespace only', async () => {
      const row = { ...activationRow('own', 'pkg/hello', 5), statusCode: 2 as const }
      await store.append([row])
      assert.deepEqual(await store.get(row.namespace, row.activationId), row)
      assert.equal(await store.get(parseNamespaceName('other'), row.activationId), undefined)
      assert.equal(await store.get(row.namespace, 'f'.repeat(32) as ActivationId), undefined)
    })

    it('S4-76: keeps the first record of an activation whatever is appended later', async () => {
      const first = activationRow('once', 'a', 1, 'first')
      const second = { ...first, start: 2, document: first.document.replace('first', 'second') }
      const other = activationRow('once', 'a', 3)
      await store.append([first])
      await store.append([second, other])
      await store.append([other, other])
      assert.deepEqual(await store.get(first.namespace, first.activationId), first)
      assert.equal(await store.count({ namespace: first.namespace }), 2)
    })

    it('S4-76: stores 10,000 rows as 10,000 records', async () => {
      const rows = Array.from({ length: 10_000 }, (_, index) => activationRow('many', `a${index % 7}`, index))
      for (let at = 0; at < rows.length; at += 1000) await store.append(rows.slice(at, at + 1000))
      assert.equal(await store.count({ namespace: parseNamespaceName('many') }), 10_000)
      assert.equal(await store.count({ namespace: parseNamespaceName('many'), filter: 'a3' }), 1429)
    })

    it('takes no rows', () => store.append([]))

    it('lists newest start first, whatever the order of arrival, in pages', async () => {
      const namespace = parseNamespaceName('list')
      await store.append([30, 10, 50].map((start) => activationRow('list', 'a', start)))
      await store.append([20, 40].map((start) => activationRow('list', 'a', start)))
      assert.deepEqual(startsOf(await store.list({ namespace, skip: 0, limit: 200 })), [50, 40, 30, 20, 10])
      assert.deepEqual(startsOf(await store.list({ namespace, skip: 1, limit: 2 })), [40, 30])
      assert.deepEqual(startsOf(await store.list({ namespace, skip: 9, limit: 2 })), [])
      assert.deepEqual(startsOf(await store.list({ namespace, skip: 0, limit: 0 })), [])
      assert.deepEqual(await store.list({ namespace: parseNamespaceName('nobody'), skip: 0, limit: 9 }), [])
    })

    it('filters by name, since and upto, bounds included, in lists and counts', async () => {
      const namespace = parseNamespaceName('filter')
      for (const filter of ['a', 'pkg/a', 'b']) {
        await store.append([10, 20, 30].map((start) => activationRow('filter', filter, start)))
      }
      await store.append([activationRow('filter2', 'a', 20)])
      const cases: readonly [{ filter?: string; since?: number; upto?: number }, number[]][] = [
        [{ filter: 'a' }, [30, 20, 10]],
        [{ filter: 'pkg/a', since: 20 }, [30, 20]],
        [{ filter: 'a', upto: 20 }, [20, 10]],
        [{ since: 20, upto: 20 }, [20, 20, 20]],
        [{ filter: 'none' }, []],
        [{ filter: "' OR 1=1 --" }, []],
        [{ since: 31 }, []],
      ]
      for (const [selection, expected] of cases) {
        assert.deepEqual(startsOf(await store.list({ namespace, ...selection, skip: 0, limit: 50 })), expected)
        assert.equal(await store.count({ namespace, ...selection }), expected.length)
      }
      const [row] = await store.list({ namespace, filter: 'pkg/a', skip: 0, limit: 1 })
      assert.equal(row?.filter, 'pkg/a')
    })

    it('lists whole documents, and summaries without response, logs and subject', async () => {
      const row = activationRow('summary', 'a', 1)
      const deep = { ...activationRow('summary', 'a', 0), document: nested(row.document, 3000) }
      await store.append([row, deep])
      const query = { namespace: row.namespace, skip: 0, limit: 2 }
      assert.deepEqual(await store.list(query), [row, deep])
      const { response: _, logs: __, subject: ___, ...summary } = JSON.parse(row.document) as Record<string, unknown>
      const summaries = await store.list({ ...query, summary: true })
      assert.deepEqual(
        summaries.map(({ document }) => JSON.parse(document) as unknown),
        [summary, summary],
      )
    })

    it('removes what started too long ago, then the oldest beyond the number to keep', async () => {
      const namespace = parseNamespaceName('many')
      await drained(() => store.prune(2000, 1_000_000_000))
      const [oldest] = await store.list({ namespace, skip: (await store.count({ namespace })) - 1, limit: 1 })
      assert.equal(oldest?.start, 2000)
      await drained(() => store.prune(0, 10))
      let left = 0
      for (const name of ['own', 'once', 'many', 'list', 'filter', 'filter2', 'summary']) {
        left += await store.count({ namespace: parseNamespaceName(name) })
      }
      assert.equal(left, 10)
      await drained(() => store.prune(0, 0))
      const again = activationRow('many', 'a3', 7)
      await store.append([again])
      assert.deepEqual(await store.list({ namespace: again.namespace, filter: 'a3', skip: 0, limit: 5 }), [again])
      assert.equal(await store.prune(0, 1), 0)
    })

    it('answers the probe', () => store.probe())
  })
}

/** The document with a result nested `depth` levels deep. */
function nested(document: string, depth: number): string {
  return document.replace('"ok"', () => '['.repeat(depth) + ']'.repeat(depth))
}

async function drained(prune: () => Promise<number>): Promise<void> {
  for (let calls = 0; (await prune()) > 0; calls++) assert.ok(calls < 100, 'prune comes to an end')
}
