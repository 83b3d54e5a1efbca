/** The journal on SQLite: the common suite, its one owner, and what a killed process leaves. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { describeJournal, entryOf } from '../../../test/conformance/journal.ts'
import { storesFixture } from '../../../test/conformance/sqlite-stores.ts'
import { OpenRefused } from '../../stores/sqlite/failure.ts'
import { migrate } from '../../stores/sqlite/migrate.ts'
import { JOURNAL_MIGRATIONS } from './migrations.ts'

const fixture = storesFixture()

describeJournal('SQLite', () => {
  const dataDir = fixture.directory()
  return {
    async open({ maxEntries, maxBytes }) {
      const options = { dataDir, journalMaxEntries: maxEntries, journalMaxBytes: maxBytes }
      const stores = await fixture.open({ ...options, openNow: ['journal'], journalSynchronous: 'normal' })
      return {
        append: (entry) => stores.journal.append(entry),
        claim: (max, room) => stores.journal.claim(max, room),
        release: (id) => stores.journal.release(id),
        markStarted: (id) => stores.journal.markStarted(id),
        note: (id, progress) => stores.journal.note(id, progress),
        settle: (id) => stores.journal.settle(id),
        replace: (id, successors) => stores.journal.replace(id, successors),
        depth: () => stores.journal.depth(),
        depthOf: (lane) => stores.journal.depthOf(lane),
        probe: () => stores.journal.probe(),
        close: () => stores.close(),
      }
    },
  }
})

describe('SqliteJournal', () => {
  it('S3-26: takes over what a version without lanes left', async () => {
    const dataDir = fixture.directory()
    const db = new DatabaseSync(join(dataDir, 'journal.db'))
    migrate(db, 'journal.db', JOURNAL_MIGRATIONS.slice(0, 1))
    db.exec(
      "INSERT INTO entries (seq, id, accepted, deadline, payload) VALUES (7, '" +
        entryOf(1).activationId +
        "', 1, 2, 'old')",
    )
    db.close()
    const { journal } = await fixture.open({ dataDir, openNow: ['journal'] })
    await journal.append(entryOf(2))
    const claimed = await journal.claim(9)
    assert.deepEqual(
      claimed.map(({ payload, lane }) => [payload, lane]),
      [
        ['old', ''],
        [entryOf(2).payload, 'own'],
      ],
    )
  })

  it('has one owner; the other stores can be opened beside it', async () => {
    const dataDir = fixture.directory()
    const owner = await fixture.open({ dataDir })
    await owner.journal.append(entryOf(1))
    const beside = await fixture.open({ dataDir, openNow: ['artifacts', 'activations'], busyTimeoutMs: 50 })
    await beside.artifacts.probe()
    await assert.rejects(beside.journal.claim(1), (error: Error) => {
      assert.ok(error instanceof OpenRefused)
      assert.match(error.message, /journal\.db is in use by another process.*Stop that process/)
      return true
    })
    await assert.rejects(fixture.open({ dataDir, busyTimeoutMs: 50 }), OpenRefused)
    assert.equal((await owner.journal.claim(9)).length, 1)
    await owner.close()
    assert.equal((await beside.journal.claim(9)).length, 1)
  })

  it('refuses a second owner after one busy timeout, long before its caller gives up', async () => {
    const dataDir = fixture.directory()
    const owner = await fixture.open({ dataDir, openNow: ['journal'] })
    // Tries that each wait for the lock would take 26 times as long.
    const second = fixture.open({ dataDir, openNow: ['journal'], busyTimeoutMs: 500, operationTimeoutMs: 3000 })
    await assert.rejects(second, OpenRefused)
    await owner.close()
  })

  it('of two that create the file at once, one becomes the owner', async () => {
    const dataDir = fixture.directory()
    const options = { dataDir, openNow: ['journal'], busyTimeoutMs: 300 } as const
    const outcomes = await Promise.allSettled([fixture.open(options), fixture.open(options)])
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof OpenRefused)
  })

  it('S3-57: a process that is killed with SIGKILL loses nothing that it had accepted, and its successor owns the journal', async () => {
    const dataDir = fixture.directory()
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('../../../test/conformance/sqlite/journal-victim.ts', import.meta.url)), dataDir],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const accepted = new Set<string>()
    const started = new Set<string>()
    for await (const line of createInterface({ input: child.stdout })) {
      const [what, id = ''] = line.split(' ')
      if (what === 'accepted') accepted.add(id)
      if (what === 'started') started.add(id)
      if (accepted.size >= 500 && started.size >= 20) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    assert.equal(child.signalCode, 'SIGKILL')

    const { journal } = await fixture.open({ dataDir, openNow: ['journal'] })
    const found = new Map((await journal.claim(100_000)).map((entry) => [entry.activationId as string, entry]))
    for (const id of accepted) assert.ok(found.has(id), `${id} was accepted`)
    for (const id of started) assert.equal(found.get(id)?.cutOff, true, `${id} was started`)
    assert.equal(journal.depth().entries, found.size)
  })
})
