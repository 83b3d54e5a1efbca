/** Activation records on their way to the disk: through the write-ahead log, the writer and the store's thread, beside the same rows inserted by SQLite directly. */

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { ActivationRecord } from '../src/model/activation.ts'
import { renderRecord } from '../src/model/activation.ts'
import { systemClock, systemTimers } from '../src/model/clock.ts'
import { deadlineIn } from '../src/model/deadline.ts'
import { randomIds } from '../src/model/ids.ts'
import type { NamespaceName } from '../src/model/names.ts'
import { ActivationSpool } from '../src/stores/activation-spool.ts'
import { ActivationWal } from '../src/stores/activation-wal.ts'
import { ActivationWriter } from '../src/stores/activation-writer.ts'
import { ACTIVATION_MIGRATIONS } from '../src/stores/sqlite/migrations/activations.ts'
import { openSqliteStores } from '../src/stores/sqlite/open.ts'
import type { Row } from './harness/row.ts'
import { interleave, median, pairedRatio } from './harness/statistics.ts'
import type { Workbench } from './harness/workbench.ts'
import { sampleRecord } from './limits/sample-record.ts'

const NAMESPACE = 'guest' as NamespaceName
const BATCH = 1000
/** Records that wait at once: what some seconds of calls leave behind at most. */
const WAITING = 4000
/** Calls that end in one turn of the event loop, and share one write of the log. */
const A_TURN = 16
const DEADLINE_MS = 60_000

export const records: Row = {
  name: 'records',
  about: 'activation records stored a second, none lost, against the same rows in batched inserts of SQLite itself',
  async measure(bench) {
    const count = bench.amount(60_000, 15_000)
    const ids = randomIds()
    const make = (): ActivationRecord => {
      const now = Date.now()
      return { ...sampleRecord(), activationId: ids.activationId(now), start: now, end: now + 3 }
    }
    bench.progress(`${count} records a round`)
    let lost = 0
    const { raw, stave } = await interleave(bench.amount(5, 2), {
      raw: () => Promise.resolve(insertRaw(bench, Array.from({ length: count }, make))),
      stave: async () => {
        const result = await writeRecords(bench, Array.from({ length: count }, make))
        lost += count - result.stored
        return result.perSecond
      },
    })
    return [
      {
        row: 'records',
        what: 'records stored',
        unit: 'rows/s',
        against: 'raw batched inserts',
        limit: median(raw),
        measured: median(stave),
        compared: pairedRatio(raw, stave),
        budget: { type: 'share', atLeast: 0.5 },
      },
      { row: 'records', what: 'records lost', unit: 'rows', measured: lost, budget: { type: 'most', value: 0 } },
    ]
  },
}

/** Rows a second of prepared inserts in transactions of 1,000, with the table and the indexes that the store has. The documents are rendered before. */
function insertRaw(bench: Workbench, all: readonly ActivationRecord[]): number {
  const database = new DatabaseSync(join(bench.directory(), 'raw.db'))
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
  for (const script of ACTIVATION_MIGRATIONS) database.exec(script)
  const insert = database.prepare(
    'INSERT INTO activations (id, namespace, filter, start, status, document) VALUES (?, 1, 1, ?, 0, ?)',
  )
  const rows = all.map(
    (record) => [Buffer.from(record.activationId, 'hex'), record.start, renderRecord(record)] as const,
  )
  const startedAt = performance.now()
  for (let at = 0; at < rows.length; at += BATCH) {
    database.exec('BEGIN IMMEDIATE')
    for (const row of rows.slice(at, at + BATCH)) insert.run(...row)
    database.exec('COMMIT')
  }
  const seconds = (performance.now() - startedAt) / 1000
  database.close()
  return rows.length / seconds
}

/** Rows a second from `record` until everything is in the store, and how many are found there. */
async function writeRecords(
  bench: Workbench,
  all: readonly ActivationRecord[],
): Promise<{ readonly perSecond: number; readonly stored: number }> {
  const dataDir = bench.directory()
  const stores = await openSqliteStores({ dataDir, clock: systemClock, openNow: ['activations'] })
  const writer = new ActivationWriter({
    store: stores.activations,
    spool: new ActivationSpool({ directory: dataDir }),
    wal: new ActivationWal({ directory: dataDir }),
    clock: systemClock,
    timers: systemTimers,
    flushIntervalMs: 5,
  })
  await writer.start()
  const startedAt = performance.now()
  for (let at = 0; at < all.length; at += A_TURN) {
    const logged = all.slice(at, at + A_TURN).map((record) => writer.record(record))
    await Promise.all(logged)
    while (writer.pending > WAITING) {
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
    }
  }
  await writer.flush(deadlineIn(DEADLINE_MS, systemClock))
  const seconds = (performance.now() - startedAt) / 1000
  const stored = await stores.activations.count({ namespace: NAMESPACE })
  await writer.close(deadlineIn(DEADLINE_MS, systemClock))
  await stores.close()
  return { perSecond: all.length / seconds, stored }
}
