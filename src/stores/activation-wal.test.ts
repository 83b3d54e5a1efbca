import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { systemClock, systemTimers } from '../model/clock.ts'
import { deadlineIn } from '../model/deadline.ts'
import type { ActivationRecord } from '../model/activation.ts'
import type { ActivationId } from '../model/ids.ts'
import type { NamespaceName } from '../model/names.ts'
import { ActivationSpool } from './activation-spool.ts'
import type { ActivationStore } from './activation-store.ts'
import { ActivationWal } from './activation-wal.ts'
import { ActivationWriter } from './activation-writer.ts'
import { MemoryActivationStore } from '../../test/conformance/memory-activation-store.ts'

function directoryOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'stave-wal-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const record = (number: number): ActivationRecord => ({
  activationId: String(number).padStart(32, '0') as ActivationId,
  namespace: 'guest' as NamespaceName,
  subject: 'guest',
  name: 'a',
  filter: 'p/a',
  version: '0.0.1',
  start: 1000 + number,
  end: 1001 + number,
  duration: 1,
  outcome: { statusCode: 0, resultJson: '{"n":12345678901234567890,"s":"x, \\"y\\"]"}' },
  logsJson: '["é"]',
  annotationsJson: '[]',
})

const hanging: Pick<ActivationStore, 'append'> = { append: () => new Promise(() => undefined) }

function writerOver(directory: string, store: ActivationStore): ActivationWriter {
  return new ActivationWriter({
    store,
    spool: new ActivationSpool({ directory }),
    wal: new ActivationWal({ directory, segmentBytes: 2000 }),
    clock: systemClock,
    timers: systemTimers,
  })
}

test('S3-57: a record whose promise has resolved is stored by the next process, whatever became of this one', async (t) => {
  const directory = directoryOf(t)
  const killed = writerOver(directory, Object.assign(new MemoryActivationStore(), hanging))
  await killed.start()
  await Promise.all([1, 2, 3].map((number) => killed.record(record(number))))
  await killed.record(record(4))

  const store = new MemoryActivationStore()
  const next = writerOver(directory, store)
  await next.start(5000)
  for (const number of [1, 2, 3, 4]) {
    const row = await store.get('guest' as NamespaceName, record(number).activationId)
    assert.ok(row?.document.includes('12345678901234567890'), 'the document is the same to the letter')
  }
  await next.close(deadlineIn(1000, systemClock))
})

test('files whose records are stored go, and a clean end leaves none', async (t) => {
  const directory = directoryOf(t)
  const writer = writerOver(directory, new MemoryActivationStore())
  await writer.start()
  for (let number = 0; number < 100; number++) await writer.record(record(number))
  await writer.close(deadlineIn(1000, systemClock))
  assert.deepEqual(readdirSync(directory), [])
})

test('a torn last line costs nothing but itself', async (t) => {
  const directory = directoryOf(t)
  const killed = writerOver(directory, Object.assign(new MemoryActivationStore(), hanging))
  await killed.start()
  await killed.record(record(1))
  const [file] = readdirSync(directory)
  writeFileSync(join(directory, file ?? ''), '["0000', { flag: 'a' })
  const store = new MemoryActivationStore()
  await writerOver(directory, store).start(5000)
  assert.notEqual(await store.get('guest' as NamespaceName, record(1).activationId), undefined)
})

test('a disk that takes nothing does not stop an answer: the record is kept in memory for the store', async (t) => {
  const directory = directoryOf(t)
  const store = new MemoryActivationStore()
  const writer = new ActivationWriter({
    store,
    spool: new ActivationSpool({ directory }),
    wal: new ActivationWal({ directory: join(directory, 'missing') }),
    clock: systemClock,
    timers: systemTimers,
  })
  await writer.start()
  await writer.record(record(1))
  await writer.flush(deadlineIn(1000, systemClock))
  assert.notEqual(await store.get('guest' as NamespaceName, record(1).activationId), undefined)
})
