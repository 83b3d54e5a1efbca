/** Fires over the real journal: what becomes of their rules, also where the journal is full, an action cannot be read, or a write has no answer. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { actionFixture, identityFixture } from '../../test/action-fixture.ts'
import type { Journal } from '../journal/journal.ts'
import type { ActivationRecord } from '../model/activation.ts'
import type { Timers } from '../model/clock.ts'
import { systemClock } from '../model/clock.ts'
import { Fault, refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { ActivationId, TransactionId } from '../model/ids.ts'
import { randomIds } from '../model/ids.ts'
import type { EntityName, NamespaceName } from '../model/names.ts'
import { FIRST_VERSION } from '../model/version.ts'
import { EMPTY_LOG } from '../proxy/activation-log.ts'
import type { FinishedRun, RunRequest } from '../proxy/run-request.ts'
import { StoreUnavailable } from '../stores/artifact-store.ts'
import { openSqliteStores } from '../stores/sqlite/open.ts'
import type { Limits } from './admission.ts'
import { localLimits } from './admission.ts'
import { createFireExpander } from './fire-expansion.ts'
import type { JournalDispatcher } from './journal-dispatcher.ts'
import { createJournalDispatcher } from './journal-dispatcher.ts'
import type { Invocable } from './resolved-sequence.ts'

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
const NO_ROOM = 'The server is currently unavailable (because it is overloaded or down for maintenance).'
/** Waits are over a hundred times sooner. */
const hastyTimers: Timers = {
  after(ms, callback) {
    const timer = setTimeout(callback, ms / 100)
    return () => clearTimeout(timer)
  },
}

interface Options {
  readonly maxEntries?: number
  readonly maxBytes?: number
  readonly deadlineMs?: number
  readonly limits?: Identity['ownLimits']
  /** The key that fired is gone. */
  readonly keyGone?: boolean
  readonly run?: (request: RunRequest) => Promise<FinishedRun>
  readonly resolve?: (name: string) => Invocable
  /** The journal as the dispatcher sees it. */
  readonly wrap?: (journal: Journal) => Journal
}

interface Line {
  readonly statusCode: number
  readonly success: boolean
  readonly activationId?: string
  readonly error?: string
  readonly rule: string
  readonly action: string
}

interface Bench {
  readonly dispatcher: JournalDispatcher
  readonly limits: Limits
  readonly journal: Journal
  readonly records: ActivationRecord[]
  readonly runs: RunRequest[]
  /** Fires a trigger with rules `r0`, `r1` and so on; those in `inactive` are. */
  fire(id: number, rules: number, inactive?: readonly number[], payload?: string): Promise<ActivationId>
  /** The lines of a fire's record, once it is stored. */
  lines(id: ActivationId): Promise<readonly Line[]>
  /** Resolves when the journal is empty. */
  emptied(): Promise<true>
  close(): Promise<void>
}

async function bench(dataDir: string, options: Options = {}): Promise<Bench> {
  const { maxEntries = 1000, maxBytes = 10_000_000 } = options
  const stores = await openSqliteStores({
    dataDir,
    clock: systemClock,
    journalSynchronous: 'normal',
    journalMaxEntries: maxEntries,
    journalMaxBytes: maxBytes,
    openNow: ['journal'],
  })
  const { journal } = stores
  const identity = identityFixture(options.limits)
  const limits = localLimits({ window: 'sliding', headers: false, clock: systemClock })
  const records: ActivationRecord[] = []
  const runs: RunRequest[] = []
  const common = {
    resolve: (_identity: Identity, { name }: { name: string }) => options.resolve?.(name) ?? actionFixture(),
    limits,
    ids: randomIds(),
    clock: systemClock,
    deadlineMs: options.deadlineMs ?? 60_000,
  }
  const dispatcher = createJournalDispatcher({
    ...common,
    journal: options.wrap?.(journal) ?? journal,
    dispatcher: {
      async run(_action, request, _deadline, hooks = {}) {
        runs.push(request)
        await hooks.onReserved?.()
        return options.run?.(request) ?? finished
      },
    },
    lookUp: async () => (options.keyGone === true ? undefined : identity),
    expandFire: createFireExpander(common),
    store: async (record) => void records.push(record),
    observe: () => undefined,
    timers: hastyTimers,
    dispatchers: 4,
    recorded: async () => undefined,
    bounds: { maxEntries, maxBytes },
    record: () => undefined,
    parkTimeoutMs: 60_000,
    sequenceLength: 50,
    report: () => undefined,
  })
  const until = async <Found>(find: () => Found | undefined): Promise<Found> => {
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  return {
    dispatcher,
    limits,
    journal,
    records,
    runs,
    async fire(number, rules, inactive = [], payload = '{"k":1}') {
      const activationId = number.toString(16).padStart(32, 'f') as ActivationId
      const links = Array.from({ length: rules }, (_, index) => ({
        rule: `guest/r${index}`,
        action: { namespace: 'guest', name: `a${index}` },
        active: !inactive.includes(index),
      }))
      await dispatcher.acceptFire({
        activationId,
        transactionId: 'tid' as TransactionId,
        identity,
        trigger: {
          name: { namespace: 'guest' as NamespaceName, name: 't' as EntityName },
          version: FIRST_VERSION,
          parametersJson: '{"p":1}',
          rulesJson: JSON.stringify(links),
          hasActiveRule: true,
        },
        payload: { bytes: payload, object: {} },
        headers: { host: 'h' },
        extraLogging: false,
      })
      return activationId
    },
    async lines(id) {
      const record = await until(() => records.find(({ activationId }) => activationId === id))
      return (JSON.parse(record.logsJson) as string[]).map((line) => JSON.parse(line) as Line)
    },
    emptied: () => until(() => journal.depth().entries === 0 || undefined),
    async close() {
      await dispatcher.stop()
      await stores.close()
    },
  }
}

function dataDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'stave-fires-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

test('7.5: each active rule is one call with the merged arguments, each inactive one a line, and the record is the payload', async (t) => {
  const on = await bench(dataDirectory(t))
  on.dispatcher.start()
  const id = await on.fire(1, 3, [1])
  const lines = await on.lines(id)
  await on.emptied()
  assert.deepEqual(
    lines.map(({ success }) => success),
    [true, false, true],
  )
  assert.deepEqual(lines[1], {
    statusCode: 1,
    success: false,
    error: "Rule 'guest/r1' is inactive, action 'guest/a1' was not activated.",
    rule: 'guest/r1',
    action: 'guest/a1',
  })
  const ran = on.runs.map(({ activationId }) => String(activationId)).sort()
  assert.deepEqual(ran, lines.flatMap(({ activationId }) => activationId ?? []).sort())
  for (const { argumentBytes } of on.runs) {
    assert.deepEqual(JSON.parse(argumentBytes), { p: 1, __ow_headers: { host: 'h' }, k: 1 })
  }
  const record = on.records.find(({ activationId }) => activationId === id)
  assert.partialDeepStrictEqual(record, { name: 't', outcome: { statusCode: 0, resultJson: '{"k":1}' } })
  assert.equal(record?.end, undefined)
  assert.deepEqual(on.dispatcher.fires.counters, { started: 2, inactive: 1, failed: 0 })
  assert.equal(on.limits.inFlight, 0)
  await on.close()
})

test('9: calls of rules count against what may be in flight, and are refused one by one', async (t) => {
  const release = Promise.withResolvers<void>()
  const on = await bench(dataDirectory(t), {
    limits: { concurrentInvocations: 2 },
    run: async () => {
      await release.promise
      return finished
    },
  })
  on.dispatcher.start()
  const lines = await on.lines(await on.fire(1, 3))
  assert.deepEqual(
    lines.map(({ error }) => error),
    [undefined, undefined, 'Too many concurrent requests in flight (count: 2, allowed: 2).'],
  )
  assert.equal(lines[2]?.statusCode, 1)
  assert.equal(on.limits.inFlight, 2)
  release.resolve()
  await on.emptied()
  assert.equal(on.limits.inFlight, 0)
  await on.close()
})

test('7.5: what refuses a call is in its line: 1 for the caller, 3 for the platform', async (t) => {
  const on = await bench(dataDirectory(t), {
    limits: { maxPayloadSize: '100 B' },
    resolve(name) {
      if (name === 'a0') throw refusal('NOT_FOUND', 404)
      if (name === 'a1') throw refusal('STORE_UNAVAILABLE', 503)
      return actionFixture({
        annotations: [{ key: 'final', value: true }],
        parameters: name === 'a2' ? [{ key: 'k', value: 0 }] : [],
      })
    },
  })
  on.dispatcher.start()
  const lines = await on.lines(await on.fire(1, 4))
  assert.deepEqual(
    lines.map(({ statusCode, error }) => [statusCode, error]),
    [
      [1, 'The requested resource does not exist.'],
      [3, NO_ROOM],
      [1, 'Request defines parameters that are not allowed (e.g., reserved properties).'],
      [0, undefined],
    ],
  )
  const large = await on.lines(await on.fire(2, 4, [0, 1, 2], `{"k":"${'x'.repeat(100)}"}`))
  assert.match(large[3]?.error ?? '', /^Request larger than allowed: \d+ > 100 bytes\.$/)
  await on.emptied()
  assert.equal(on.limits.inFlight, 0)
  await on.close()
})

test('7.5: with the key that fired gone, all rules are told so', async (t) => {
  const on = await bench(dataDirectory(t), { keyGone: true })
  on.dispatcher.start()
  const lines = await on.lines(await on.fire(1, 2))
  assert.deepEqual(
    lines.map(({ statusCode, error }) => [statusCode, error]),
    Array.from({ length: 2 }, () => [1, 'The supplied authentication is invalid']),
  )
  await on.emptied()
  assert.equal(on.runs.length, 0)
  await on.close()
})

test('S3-57: a fire that was accepted before the end of the process is expanded by the next one', async (t) => {
  const directory = dataDirectory(t)
  const before = await bench(directory)
  const id = await before.fire(1, 5)
  await before.close()
  const after = await bench(directory)
  after.dispatcher.start()
  assert.equal((await after.lines(id)).length, 5)
  await after.emptied()
  assert.equal(after.runs.length, 5)
  await after.close()
})

test('S3-57: a replacement that was made but not confirmed is not made again', async (t) => {
  let lost = 0
  const wrap = (journal: Journal): Journal => ({
    append: (entry) => journal.append(entry),
    claim: (max) => journal.claim(max),
    release: (id) => journal.release(id),
    markStarted: (id) => journal.markStarted(id),
    note: (id, progress) => journal.note(id, progress),
    settle: (id) => journal.settle(id),
    depth: () => journal.depth(),
    depthOf: (lane) => journal.depthOf(lane),
    probe: () => journal.probe(),
    close: () => journal.close(),
    async replace(id, successors) {
      await journal.replace(id, successors)
      if (lost++ < 3) throw new StoreUnavailable('no answer')
    },
  })
  const on = await bench(dataDirectory(t), { wrap })
  on.dispatcher.start()
  for (let number = 1; number <= 5; number++) await on.fire(number, 4)
  await on.emptied()
  assert.equal(on.runs.length, 20)
  assert.equal(new Set(on.runs.map(({ activationId }) => activationId)).size, 20)
  // One record a fire and one a call.
  assert.equal(on.records.length, 25)
  assert.equal(on.limits.inFlight, 0)
  await on.close()
})

test('an action that cannot be read for the moment is waited for, and what the namespace may do is not used up', async (t) => {
  let failures = 3
  const on = await bench(dataDirectory(t), {
    limits: { invocationsPerMinute: 3 },
    resolve(name) {
      if (name === 'a2' && failures-- > 0) throw new Fault('the action cannot be read', { status: 503 })
      return actionFixture()
    },
  })
  on.dispatcher.start()
  const lines = await on.lines(await on.fire(1, 3))
  await on.emptied()
  assert.deepEqual(
    lines.map(({ success }) => success),
    [true, true, true],
  )
  assert.equal(on.runs.length, 3)
  await on.close()
})

test('S4-54: with room for a few calls only, a fire of many rules goes through the journal in steps', async (t) => {
  const on = await bench(dataDirectory(t), {
    maxEntries: 4,
    limits: { concurrentInvocations: 100, invocationsPerMinute: 1000 },
  })
  on.dispatcher.start()
  const id = await on.fire(1, 150, [3, 70, 149])
  const lines = await on.lines(id)
  await on.emptied()
  assert.deepEqual(
    lines.map(({ rule }) => rule),
    Array.from({ length: 150 }, (_, index) => `guest/r${index}`),
  )
  assert.deepEqual(
    lines.flatMap(({ success }, index) => (success ? [] : index)),
    [3, 70, 149],
  )
  assert.equal(on.runs.length, 147)
  assert.equal(on.limits.inFlight, 0)
  await on.close()
})

test('S4-54: a journal that stays full does not hold a fire for ever: the rest of its rules fail', async (t) => {
  const hanging = Promise.withResolvers<void>()
  const on = await bench(dataDirectory(t), {
    maxEntries: 3,
    limits: { concurrentInvocations: 100, invocationsPerMinute: 1000 },
    run: async () => {
      await hanging.promise
      return finished
    },
  })
  // The first takes all the room with its calls, which do not end.
  const first = await on.fire(1, 5)
  on.dispatcher.start()
  const lines = await on.lines(first)
  assert.deepEqual(
    lines.map(({ statusCode, error }) => [statusCode, error]),
    [...Array.from({ length: 2 }, () => [0, undefined]), ...Array.from({ length: 3 }, () => [3, NO_ROOM])],
  )
  assert.deepEqual(on.dispatcher.fires.counters, { started: 2, inactive: 0, failed: 3 })
  assert.equal(on.dispatcher.fires.waiting, 0)
  hanging.resolve()
  await on.emptied()
  assert.equal(on.limits.inFlight, 0)
  // And a journal full of fires gets empty, too.
  const more = await Promise.all([2, 3, 4].map((number) => on.fire(number, 2)))
  for (const id of more) assert.equal((await on.lines(id)).length, 2)
  await on.emptied()
  await on.close()
})

test('S4-54: not even the record fits: it is stored all the same', async (t) => {
  const on = await bench(dataDirectory(t), { maxBytes: 2300 })
  on.dispatcher.start()
  const lines = await on.lines(await on.fire(1, 20))
  assert.deepEqual(new Set(lines.map(({ error }) => error)), new Set([NO_ROOM]))
  await on.emptied()
  await on.close()
})

test('a fire that was not seen to before its deadline starts nothing', async (t) => {
  const on = await bench(dataDirectory(t), { deadlineMs: 1 })
  const id = await on.fire(1, 2)
  await new Promise((resolve) => setTimeout(resolve, 10))
  on.dispatcher.start()
  assert.deepEqual(
    (await on.lines(id)).map(({ statusCode }) => statusCode),
    [3, 3],
  )
  await on.emptied()
  assert.equal(on.runs.length, 0)
  await on.close()
})
