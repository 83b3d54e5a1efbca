import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { activationRow } from '../../../test/conformance/activation-store.ts'
import { actionOf, nameOf, subjectOf } from '../../../test/conformance/artifact-fixtures.ts'
import { storesFixture } from '../../../test/conformance/sqlite-stores.ts'
import { parseNamespaceName } from '../../model/names.ts'
import { StoreUnavailable } from '../artifact-store.ts'
import { OpenRefused } from './failure.ts'

const fixture = storesFixture()
const COMMON = parseNamespaceName('common')

describe('openSqliteStores', () => {
  it('keeps everything over closing and opening', async () => {
    const dataDir = fixture.directory()
    const first = await fixture.open({ dataDir })
    const revision = await first.artifacts.putEntity(actionOf('ns/a', 'code'), 'code', undefined)
    const row = activationRow('common', 'a', 1)
    await first.activations.append([row])
    await first.close()
    await first.close()
    const second = await fixture.open({ dataDir })
    assert.equal((await second.artifacts.getEntity(nameOf('ns/a')))?.revision, revision)
    assert.deepEqual(await second.activations.get(COMMON, row.activationId), row)
    await assert.rejects(first.artifacts.probe(), StoreUnavailable)
  })

  it('makes files that only their owner can read: they hold keys', async () => {
    const dataDir = join(fixture.directory(), 'made', 'here')
    await fixture.open({ dataDir })
    assert.equal(statSync(dataDir).mode & 0o777, 0o700)
    for (const name of ['artifacts.db', 'activations.db', 'journal.db', 'artifacts.db-wal']) {
      assert.equal(statSync(join(dataDir, name)).mode & 0o777, 0o600, name)
    }
  })

  it('S3-26: processes that begin at once in an empty directory all find one schema and lose no write', async () => {
    const dataDir = fixture.directory()
    const script = fileURLToPath(new URL('../../../test/conformance/sqlite/concurrent-process.ts', import.meta.url))
    const here = await fixture.open({ dataDir, openNow: [] })
    const children = ['x', 'y'].map((name) =>
      spawn(process.execPath, [script, dataDir, name, '25'], { stdio: 'inherit' }),
    )
    const ended = Promise.all(children.map((child) => once(child, 'exit')))
    for (let index = 0; index < 25; index++) {
      await here.artifacts.putSubject(subjectOf(`z${index}`, ['common']), undefined)
    }
    assert.deepEqual(await ended, [
      [0, null],
      [0, null],
    ])
    assert.equal((await here.artifacts.listSubjects(COMMON)).length, 75)
    assert.equal(await here.activations.count({ namespace: COMMON }), 50)
    assert.equal(await here.activations.count({ namespace: COMMON, filter: 'x1' }), 8)
  })

  it('S3-26: refuses a directory of a newer version with a message that says what to do', async () => {
    const dataDir = fixture.directory()
    await (await fixture.open({ dataDir })).close()
    const db = new DatabaseSync(join(dataDir, 'activations.db'))
    db.exec('PRAGMA user_version = 99')
    db.close()
    await assert.rejects(
      fixture.open({ dataDir }),
      (error: Error) =>
        error instanceof OpenRefused && /activations\.db has schema version 99.*newer Stave/.test(error.message),
    )
    const partly = await fixture.open({ dataDir, openNow: ['artifacts'] })
    await partly.artifacts.probe()
    await assert.rejects(partly.activations.probe(), OpenRefused)
  })

  it('rejects writes while another process holds the lock for too long, reads go on, and it recovers', async () => {
    const dataDir = fixture.directory()
    const { artifacts } = await fixture.open({ dataDir, openNow: ['artifacts'], busyTimeoutMs: 50 })
    await artifacts.putSubject(subjectOf('anna', ['anna']), undefined)
    const other = new DatabaseSync(join(dataDir, 'artifacts.db'))
    other.exec('BEGIN IMMEDIATE')
    await assert.rejects(artifacts.putSubject(subjectOf('bert', ['bert']), undefined), StoreUnavailable)
    assert.equal((await artifacts.listSubjects()).length, 1)
    other.exec('COMMIT')
    other.close()
    await artifacts.putSubject(subjectOf('bert', ['bert']), undefined)
  })
})
