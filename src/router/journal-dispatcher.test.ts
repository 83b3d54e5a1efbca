import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { actionFixture, identityFixture } from '../../test/action-fixture.ts'
import type { Annotation } from '../model/parameters.ts'
import type { ActivationRecord } from '../model/activation.ts'
import { systemClock, systemTimers } from '../model/clock.ts'
import { Refusal, refusal } from '../model/errors.ts'
import type { ActivationId, TransactionId } from '../model/ids.ts'
import { randomIds } from '../model/ids.ts'
import { EMPTY_LOG } from '../proxy/activation-log.ts'
import type { FinishedRun, RunRequest } from '../proxy/run-request.ts'
import { openSqliteStores } from '../stores/sqlite/open.ts'
import { localLimits } from './admission.ts'
import type { DispatchHooks, Dispatcher } from './dispatch.ts'
import type { JournalDispatcher } from './journal-dispatcher.ts'
import { createJournalDispatcher } from './journal-dispatcher.ts'
import type { ParkFailure } from './parking.ts'

const finished: FinishedRun = {
  type: 'finished',
  outcome: { statusCode: 0, resultJson: '{"ok":1}' },
  start: 'warm',
  startedAt: 1,
  endedAt: 2,
  beganAt: 0,
  initMs: undefined,
  runMs: 1,
  serviceMs: 1,
  timedOut: false,
  log: EMPTY_LOG,
}

interface Bench {
  readonly dispatcher: JournalDispatcher
  readonly records: ActivationRecord[]
  readonly started: string[]
  /** `namespace` is a digit: default 1. */
  accept(id: string, annotations?: readonly Annotation[], namespace?: string): Promise<void>
  /** Resolves when `count` records were stored. */
  recorded(count: number): Promise<void>
  close(): Promise<void>
}

type Run = (request: RunRequest, hooks: DispatchHooks) => Promise<FinishedRun | ParkFailure>

/** A dispatcher over the real journal in `dataDir`; `run` is what happens to a call. */
async function bench(
  dataDir: string,
  run: Run,
  options: {
    deadlineMs?: number
    missing?: boolean
    maxEntries?: number
    maxBytes?: number
    dispatchers?: number
  } = {},
): Promise<Bench> {
  const stores = await openSqliteStores({
    dataDir,
    clock: systemClock,
    journalSynchronous: 'normal',
    ...(options.maxEntries !== undefined && { journalMaxEntries: options.maxEntries }),
  })
  const records: ActivationRecord[] = []
  const started: string[] = []
  const waiting: { count: number; resolve: () => void }[] = []
  const identity = identityFixture()
  const action = actionFixture()
  const limits = localLimits({ window: 'sliding', headers: true, clock: systemClock })
  const router: Pick<Dispatcher, 'run'> = {
    async run(_action, request, _deadline, hooks = {}) {
      started.push(request.activationId)
      return run(request, hooks)
    },
  }
  const dispatcher = createJournalDispatcher({
    journal: stores.journal,
    dispatcher: router,
    lookUp: async () => identity,
    resolve: () => {
      if (options.missing === true) throw refusal('NOT_FOUND', 404)
      return action
    },
    limits,
    expandFire: async () => undefined,
    async store(record) {
      records.push(record)
      for (const one of waiting) if (records.length >= one.count) one.resolve()
    },
    observe: () => undefined,
    clock: systemClock,
    timers: systemTimers,
    dispatchers: options.dispatchers ?? 4,
    bounds: { maxEntries: options.maxEntries ?? 10_000, maxBytes: options.maxBytes ?? 1_000_000 },
    deadlineMs: options.deadlineMs ?? 60_000,
    record: () => undefined,
    recorded: async () => undefined,
    parkTimeoutMs: 60_000,
    ids: randomIds(),
    sequenceLength: 50,
    report: () => undefined,
  })
  return {
    dispatcher,
    records,
    started,
    async accept(id, annotations = [], namespace = '1') {
      const caller = { ...identity, uuid: identity.uuid.replace(/.$/, namespace) }
      await dispatcher.accept(
        {
          activationId: id.padStart(32, '0') as ActivationId,
          transactionId: 'tid' as TransactionId,
          identity: caller,
          target: { namespace: '_', package: undefined, name: 'hello' },
          action: actionFixture({ annotations }),
          payload: { bytes: '{"a":1}', object: { a: 1 } },
        },
        limits.readmit(caller),
      )
    },
    recorded: (count) =>
      new Promise((resolve) => {
        if (records.length >= count) resolve()
        else waiting.push({ count, resolve })
      }),
    async close() {
      await dispatcher.stop()
      await stores.close()
    },
  }
}

function dataDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'stave-journal-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const startAndHang: Run = async (_request, { onReserved }) => {
  await onReserved?.()
  return { type: 'closed' }
}

test('S4-54: an accepted call is run and leaves one record and an empty journal', async (t) => {
  const on = await bench(dataDirectory(t), async (request, { onReserved }) => {
    await onReserved?.()
    assert.equal(request.argumentBytes, '{"a":1}')
    return finished
  })
  on.dispatcher.start()
  for (let index = 0; index < 20; index++) await on.accept(String(index))
  await on.recorded(20)
  await on.close()
  assert.equal(new Set(on.records.map(({ activationId }) => activationId)).size, 20)
  assert.equal(on.dispatcher.counters.completed, 20)
})

test('S3-57: what had not started runs after a restart, under its id', async (t) => {
  const directory = dataDirectory(t)
  const before = await bench(directory, startAndHang)
  await before.accept('1')
  await before.close()
  const after = await bench(directory, async () => finished)
  after.dispatcher.start()
  await after.recorded(1)
  await after.close()
  assert.equal(after.records[0]?.outcome.statusCode, 0)
  assert.equal(after.records[0].activationId, '1'.padStart(32, '0'))
})

test('S3-57: what had started becomes a whisk internal error, unless the action may run again', async (t) => {
  const directory = dataDirectory(t)
  const ending = Promise.withResolvers<void>()
  let begun = 0
  const before = await bench(directory, async (_request, { onReserved }) => {
    await onReserved?.()
    begun++
    await ending.promise
    return { type: 'closed' }
  })
  before.dispatcher.start()
  await before.accept('1')
  await before.accept('2', [{ key: 'idempotent', value: true }])
  await eventually(() => begun === 2)
  before.dispatcher.pause()
  ending.resolve()
  await before.close()
  const after = await bench(directory, async () => finished)
  after.dispatcher.start()
  await after.recorded(2)
  await after.close()
  const byId = new Map(after.records.map((record) => [Number(record.activationId), record.outcome]))
  assert.deepEqual(byId.get(1), {
    statusCode: 3,
    resultJson: '{"error":"The action was interrupted by a failure of the platform."}',
  })
  assert.equal(byId.get(2)?.statusCode, 0)
  assert.deepEqual(after.started.map(Number), [2])
})

test('a call whose deadline has passed, or whose action has gone, is closed with a record', async (t) => {
  const late = await bench(dataDirectory(t), async () => finished, { deadlineMs: 1 })
  await late.accept('1')
  await new Promise((resolve) => setTimeout(resolve, 10))
  late.dispatcher.start()
  await late.recorded(1)
  await late.close()
  assert.equal(late.records[0]?.outcome.resultJson, '{"error":"The action was not started before its deadline."}')

  const gone = await bench(dataDirectory(t), async () => finished, { missing: true })
  gone.dispatcher.start()
  await gone.accept('1')
  await gone.recorded(1)
  await gone.close()
  assert.deepEqual(gone.records[0]?.outcome, {
    statusCode: 1,
    resultJson: '{"error":"Action could not be found or may have been deleted."}',
  })
})

test('a full journal refuses with 503 and Retry-After', async (t) => {
  const on = await bench(dataDirectory(t), async () => finished, { maxEntries: 1 })
  await on.accept('1')
  await assert.rejects(on.accept('2'), { status: 503, options: { retryAfterSeconds: 1 } })
  await on.close()
})

test('a call that found every queue full stays in the journal and is tried again', async (t) => {
  let attempts = 0
  const on = await bench(dataDirectory(t), async () => {
    if (++attempts === 1) throw refusal('QUEUE_FULL', 503)
    return finished
  })
  on.dispatcher.start()
  await on.accept('1')
  await on.recorded(1)
  await on.close()
  assert.equal(attempts, 2)
  assert.equal(on.records[0]?.outcome.statusCode, 0)
})

test('S4-59: a long queue of one namespace holds up nobody else: they take turns, and its runs never have all hands', async (t) => {
  const gates: { id: string; open: () => void }[] = []
  const hang: Run = async (request, { onReserved }) => {
    await onReserved?.()
    await new Promise<void>((open) => gates.push({ id: request.activationId, open }))
    return finished
  }
  const on = await bench(dataDirectory(t), hang, { dispatchers: 10 })
  t.after(() => on.close())
  await Promise.all(Array.from({ length: 100 }, (_, index) => on.accept(`a${index}`.padStart(32, 'f'))))
  on.dispatcher.start()
  await eventually(() => gates.length === 8)
  // Of ten hands one namespace has eight, though it has work for a hundred: another one is begun at once.
  assert.equal(on.dispatcher.working, 8)
  await on.accept('b1', [], '2')
  await eventually(() => gates.length === 9)
  assert.ok(gates.at(-1)?.id.endsWith('b1'))
  for (let opened = 0; opened < 101; opened++) {
    await eventually(() => gates.length > 0)
    gates.shift()?.open()
  }
  await on.recorded(101)
})

test('a namespace that fills the journal is refused before others are', async (t) => {
  const on = await bench(dataDirectory(t), startAndHang, { maxEntries: 20 })
  t.after(() => on.close())
  await on.accept('c')
  const outcomes = await Promise.allSettled(Array.from({ length: 29 }, (_, index) => on.accept(`c${index}`)))
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 15)
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue
    assert.ok(outcome.reason instanceof Refusal)
    assert.deepEqual([outcome.reason.status, outcome.reason.code], [503, 'QUEUE_FULL'])
  }
  assert.equal(on.dispatcher.counters.crowdedOut, 14)
  await on.accept('d1', [], '2')
})

async function eventually(holds: () => boolean): Promise<void> {
  for (let round = 0; !holds(); round++) {
    assert.ok(round < 1000, 'it does not come')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
