import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { MemoryActivationStore } from '../../test/conformance/memory-activation-store.ts'
import type { VirtualClock } from '../../test/virtual-clock.ts'
import { virtualClock } from '../../test/virtual-clock.ts'
import type { ActivationRecord } from '../model/activation.ts'
import { deadlineIn } from '../model/deadline.ts'
import type { ActivationId } from '../model/ids.ts'
import { randomIds } from '../model/ids.ts'
import { parseNamespaceName } from '../model/names.ts'
import { lineOfRecord, rowsOf } from './activation-lines.ts'
import { ActivationSpool } from './activation-spool.ts'
import type { ActivationRow } from './activation-store.ts'
import type { ActivationWriterOptions } from './activation-writer.ts'
import { ActivationWriter } from './activation-writer.ts'
import { StoreUnavailable } from './artifact-store.ts'

const NAMESPACE = parseNamespaceName('ns')
const ids = randomIds()
const directories: string[] = []
const spools: ActivationSpool[] = []
after(async () => {
  for (const spool of spools) await spool.close()
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

function recordOf(start: number, result = 'ok', filter = 'a'): ActivationRecord {
  return {
    activationId: ids.activationId(Date.now()),
    namespace: NAMESPACE,
    subject: 'subject',
    name: 'a',
    filter,
    version: '0.0.1',
    start,
    end: start + 1,
    duration: 1,
    outcome: { statusCode: 0, resultJson: JSON.stringify({ result }) },
    logsJson: '[]',
    annotationsJson: '[]',
  }
}

function rowOf(record: ActivationRecord): ActivationRow | undefined {
  return rowsOf(lineOfRecord(record))[0]
}

interface Bench {
  readonly writer: ActivationWriter
  readonly store: MemoryActivationStore
  readonly clock: VirtualClock
  readonly problems: string[]
  readonly directory: string
}

function bench(
  options: Partial<ActivationWriterOptions> & { readonly directory?: string; readonly maxSpoolBytes?: number } = {},
): Bench {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'stave-writer-'))
  directories.push(directory)
  const clock = virtualClock()
  const store = new MemoryActivationStore()
  const problems: string[] = []
  const spool = new ActivationSpool({ directory, maxBytes: options.maxSpoolBytes ?? 1e8, segmentBytes: 20_000 })
  spools.push(spool)
  const onProblem = (error: Error): void => void problems.push(error.message)
  const writer = new ActivationWriter({ store, spool, clock, timers: clock, onProblem, ...options })
  return { writer, store, clock, problems, directory }
}

/** Moves time on, `stepMs` at a time, until `reached`; file operations need a moment of real time as well. */
async function until(clock: VirtualClock, reached: () => boolean, stepMs = 10): Promise<void> {
  for (let turn = 0; !reached(); turn++) {
    assert.ok(turn < 5000, 'it never came to that')
    await clock.advance(stepMs)
    await sleep(1)
  }
}

const outage = (): never => {
  throw new StoreUnavailable('the disk is full')
}

describe('ActivationWriter', () => {
  it('S4-76: a record is read as soon as it was taken, before and after it is stored', async () => {
    const { writer, store, clock } = bench()
    const record = recordOf(5)
    void writer.record(record)
    const query = { namespace: NAMESPACE, skip: 0, limit: 10 }
    for (const stored of [0, 1]) {
      assert.equal(await store.count({ namespace: NAMESPACE }), stored)
      assert.deepEqual(await writer.get(NAMESPACE, record.activationId), rowOf(record))
      assert.equal(await writer.get(parseNamespaceName('other'), record.activationId), undefined)
      assert.deepEqual(await writer.list(query), [rowOf(record)])
      assert.equal(await writer.count({ namespace: NAMESPACE }), 1)
      const [summary] = await writer.list({ ...query, summary: true })
      assert.equal((JSON.parse(summary?.document ?? '') as Record<string, unknown>)['response'], undefined)
      await until(clock, () => writer.pending === 0)
    }
    assert.equal(writer.pendingBytes, 0)
    assert.equal(writer.flushed, 1)
  })

  it('writes at once when idle, then at most once an interval, one batch under way', async () => {
    const { writer, store, clock } = bench({ flushIntervalMs: 20 })
    let release: () => void = () => undefined
    store.beforeAppend = () => new Promise((resolve) => (release = resolve))
    void writer.record(recordOf(1))
    await clock.advance(0)
    assert.deepEqual(store.batches, [1])
    for (let index = 0; index < 5; index++) void writer.record(recordOf(index))
    await clock.advance(100)
    assert.deepEqual(store.batches, [1], 'the first batch is still under way')
    store.beforeAppend = () => undefined
    release()
    await clock.advance(0)
    await clock.advance(0)
    assert.deepEqual(store.batches, [1, 5])
    void writer.record(recordOf(1))
    await clock.advance(19)
    assert.deepEqual(store.batches, [1, 5])
    await clock.advance(1)
    assert.deepEqual(store.batches, [1, 5, 1])
  })

  it('cuts a backlog into batches and takes no pause between them', async () => {
    const { writer, store, clock } = bench()
    for (let index = 0; index < 2500; index++) void writer.record(recordOf(index))
    for (let turn = 0; turn < 10; turn++) await clock.advance(0)
    assert.deepEqual(store.batches, [1000, 1000])
    await clock.advance(20)
    assert.deepEqual(store.batches, [1000, 1000, 500])
  })

  it('S4-76: keeps 10,000 records through an outage of 30 s, and stores each once', async () => {
    const { writer, store, clock, problems } = bench({ maxPendingBytes: 1_000_000 })
    store.beforeAppend = outage
    const records = Array.from({ length: 10_000 }, (_, index) => recordOf(index))
    for (const [index, record] of records.entries()) {
      void writer.record(record)
      if (index % 50 !== 0) continue
      await clock.advance(150)
      // A moment for the spool's file, which time on the virtual clock is not.
      await sleep(1)
      assert.equal(writer.saturated, false)
    }
    assert.equal(writer.problem, 'the disk is full')
    assert.ok(writer.failures > 5 && writer.failures < 30, `${writer.failures} attempts: they back off`)
    assert.ok(writer.pendingBytes <= 1_100_000, `${writer.pendingBytes} bytes in memory`)
    assert.ok(writer.spooled > 7000)
    store.beforeAppend = () => undefined
    await until(clock, () => writer.pending === 0 && writer.spoolBytes === 0)
    assert.equal(await store.count({ namespace: NAMESPACE }), 10_000)
    assert.equal(writer.replayed, writer.spooled)
    assert.equal(writer.problem, undefined)
    assert.equal(problems.length, writer.failures)
  })

  it('is saturated when neither store nor spool takes records, keeps them, and recovers', async () => {
    const { writer, store, clock } = bench({ maxPendingBytes: 20_000, maxSpoolBytes: 0 })
    store.beforeAppend = outage
    const records: ActivationRecord[] = []
    while (!writer.saturated) {
      assert.ok(records.length < 60)
      records.push(recordOf(records.length))
      void writer.record(records.at(-1) ?? recordOf(0))
      await clock.advance(10)
      await sleep(1)
    }
    // Calls that were accepted before come to their end all the same.
    for (let index = 0; index < 200; index++) {
      records.push(recordOf(index))
      void writer.record(records.at(-1) ?? recordOf(0))
    }
    await clock.advance(20_000)
    assert.equal(writer.saturated, true)
    assert.equal(writer.pending, records.length)
    store.beforeAppend = () => undefined
    await until(clock, () => writer.pending === 0)
    assert.equal(writer.saturated, false)
    assert.equal(await store.count({ namespace: NAMESPACE }), records.length)
  })

  it('is saturated when records come faster than the spool takes them', () => {
    const { writer, store } = bench({ maxPendingBytes: 10_000 })
    store.beforeAppend = outage
    for (let index = 0; index < 50; index++) void writer.record(recordOf(index))
    assert.equal(writer.saturated, true)
  })

  it('resolves `store` when the record is in the store, or in the spool', async () => {
    const { writer, store, clock } = bench({ maxPendingBytes: 5000 })
    const record = recordOf(1)
    let stored = 0
    void Promise.all([writer.store(record), writer.store(record)]).then(() => (stored = 2))
    assert.equal(stored, 0)
    await until(clock, () => stored === 2)
    assert.equal(await store.count({ namespace: NAMESPACE }), 1)
    store.beforeAppend = outage
    let spooled = false
    void writer.store(recordOf(2)).then(() => (spooled = true))
    await clock.advance(100)
    assert.equal(spooled, false)
    for (let index = 0; index < 20; index++) void writer.record(recordOf(index))
    await until(clock, () => spooled)
  })

  it('stores what an earlier process left in the spool', async () => {
    const first = bench()
    first.store.beforeAppend = outage
    const records = Array.from({ length: 100 }, (_, index) => recordOf(index))
    for (const record of records) void first.writer.record(record)
    const flushed = first.writer.close(deadlineIn(60_000, first.clock))
    await until(first.clock, () => first.writer.pending === 0)
    await flushed
    const second = bench({ directory: first.directory })
    await second.writer.start()
    await until(second.clock, () => second.writer.spoolBytes === 0)
    assert.equal(await second.store.count({ namespace: NAMESPACE }), 100)
    assert.equal(second.writer.replayed, 100)
  })

  it('flushes to the store within its deadline', async () => {
    const { writer, store, clock } = bench()
    for (let index = 0; index < 3000; index++) void writer.record(recordOf(index))
    await writer.flush(deadlineIn(1000, clock))
    assert.equal(await store.count({ namespace: NAMESPACE }), 3000)
    await writer.flush(deadlineIn(0, clock))
  })

  it('spools at the end what a store that hangs does not take', async () => {
    const { writer, store, clock } = bench()
    store.beforeAppend = () => new Promise(() => undefined)
    for (let index = 0; index < 10; index++) void writer.record(recordOf(index))
    await clock.advance(0)
    const flushed = writer.flush(deadlineIn(60_000, clock))
    await until(clock, () => writer.pending === 0, 1000)
    await flushed
    assert.equal(writer.spooled, 10)
  })

  it('says so when records cannot be stored before the deadline', async () => {
    const { writer, store, clock } = bench({ maxSpoolBytes: 0 })
    store.beforeAppend = outage
    void writer.record(recordOf(1))
    const flushed = writer.flush(deadlineIn(1000, clock)).then(
      () => 'flushed',
      (error: Error) => error.message,
    )
    let outcome: string | undefined
    void flushed.then((text) => (outcome = text))
    await until(clock, () => outcome !== undefined)
    assert.match(outcome ?? '', /^1 activation records could not be stored in time$/)
    assert.equal(writer.pending, 1)
  })

  it('puts aside a record that the store refuses for good, and stores the others', async () => {
    const { writer, store, clock, problems, directory } = bench()
    const poison = recordOf(7)
    store.beforeAppend = (rows) => {
      if (rows.some(({ activationId }) => activationId === poison.activationId)) throw new TypeError('malformed')
    }
    for (let index = 0; index < 5; index++) void writer.record(recordOf(index))
    void writer.record(poison)
    await until(clock, () => writer.pending === 0)
    assert.equal(await store.count({ namespace: NAMESPACE }), 5)
    assert.equal(writer.rejected, 1)
    assert.match(problems.join(), new RegExp(`activation ${poison.activationId} cannot be stored`))
    assert.ok(existsSync(join(directory, 'activations-rejected.ndjson')))
  })

  it('counts and lists each record once while batches are under way', async () => {
    const { writer, store, clock } = bench({ flushIntervalMs: 5 })
    store.beforeAppend = () => new Promise((resolve) => setImmediate(resolve))
    const seen = new Set<ActivationId>()
    for (let round = 1; round <= 40; round++) {
      void writer.record(recordOf(round, 'ok', round % 2 === 0 ? 'even' : 'odd'))
      await clock.advance(round % 4)
      const counting = writer.count({ namespace: NAMESPACE })
      const listing = writer.list({ namespace: NAMESPACE, skip: 0, limit: 100 })
      await clock.advance(0)
      assert.equal(await counting, round)
      const rows = await listing
      for (const { activationId } of rows) seen.add(activationId)
      assert.deepEqual(
        rows.map(({ start }) => start),
        Array.from({ length: round }, (_, index) => round - index),
      )
    }
    assert.equal(seen.size, 40)
    assert.equal(await writer.count({ namespace: NAMESPACE, filter: 'even', since: 3, upto: 10 }), 4)
  })
})
