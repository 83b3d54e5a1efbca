import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { storesFixture } from '../../../test/conformance/sqlite-stores.ts'
import { OpenRefused } from './failure.ts'
import { migrate } from './migrate.ts'

const fixture = storesFixture()
const FIRST = 'CREATE TABLE one (a)'
const SECOND = 'CREATE TABLE two (a); INSERT INTO two SELECT a FROM one'

function fresh(): { readonly db: DatabaseSync; readonly file: string } {
  const file = join(fixture.directory(), 'test.db')
  return { db: new DatabaseSync(file), file }
}

function version(db: DatabaseSync): unknown {
  return db.prepare('PRAGMA user_version').get()?.['user_version']
}

describe('migrate', () => {
  it('S3-26: runs each script once, and what data there is goes along', () => {
    const { db, file } = fresh()
    migrate(db, file, [FIRST])
    db.exec('INSERT INTO one VALUES (7)')
    migrate(db, file, [FIRST])
    migrate(db, file, [FIRST, SECOND])
    migrate(db, file, [FIRST, SECOND])
    assert.equal(version(db), 2)
    assert.deepEqual(
      db
        .prepare('SELECT a FROM two')
        .all()
        .map(({ a }) => a),
      [7],
    )
    db.close()
  })

  it('S3-26: refuses a file of a newer version and leaves it alone', () => {
    const { db, file } = fresh()
    migrate(db, file, [FIRST, SECOND])
    assert.throws(
      () => migrate(db, file, [FIRST]),
      (error: Error) =>
        error instanceof OpenRefused && /schema version 2, and this version of Stave knows up to 1/.test(error.message),
    )
    assert.equal(version(db), 2)
    db.close()
  })

  it('S3-26: refuses a populated file that has no version', () => {
    const { db, file } = fresh()
    db.exec('CREATE TABLE precious (a); INSERT INTO precious VALUES (1)')
    assert.throws(() => migrate(db, file, [FIRST]), OpenRefused)
    assert.notEqual(db.prepare('SELECT a FROM precious').get(), undefined)
    db.close()
  })

  it('S3-26: a script that fails leaves nothing, and the next attempt can succeed', () => {
    const { db, file } = fresh()
    assert.throws(() => migrate(db, file, [FIRST, 'CREATE TABLE one (a)']))
    assert.equal(version(db), 0)
    assert.equal(db.prepare('SELECT 1 FROM sqlite_schema').get(), undefined)
    migrate(db, file, [FIRST, SECOND])
    assert.equal(version(db), 2)
    db.close()
  })

  it('S3-26: waits for another that migrates, and finds the work done', () => {
    const { db, file } = fresh()
    migrate(db, file, [FIRST])
    const other = new DatabaseSync(file, { timeout: 50 })
    other.exec('BEGIN EXCLUSIVE')
    db.exec('PRAGMA busy_timeout = 50')
    assert.throws(() => migrate(db, file, [FIRST, SECOND]), /locked/)
    other.exec(`${SECOND}; PRAGMA user_version = 2; COMMIT`)
    migrate(db, file, [FIRST, SECOND])
    db.close()
    other.close()
  })
})
