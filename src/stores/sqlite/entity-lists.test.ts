import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { storesFixture } from '../../../test/conformance/sqlite-stores.ts'
import { artifactOperations } from './artifact-operations.ts'
import { Database } from './database.ts'
import { integer, text } from './database.ts'
import type { EntityList } from './entity-lists.ts'
import { MARK_STEP, namespaceList, packageList, pageOf, sharedList, sizeOfList } from './entity-lists.ts'
import { ARTIFACT_MIGRATIONS } from './migrations/artifacts.ts'

const fixture = storesFixture()

function open(migrations = ARTIFACT_MIGRATIONS, directory = fixture.directory()): Database {
  const settings = { file: join(directory, 'artifacts.db'), synchronous: 'normal' } as const
  return new Database(settings, { migrations, exclusive: false, cacheKb: 2000, prepareFile: '' }, 1000)
}

const LISTS: readonly EntityList[] = [
  namespaceList('action', 'ns'),
  packageList('action', 'ns', 'pkg'),
  namespaceList('package', 'ns'),
  sharedList('ns'),
]

/** What the pages are compared with: every row counted, none skipped. */
function plainList(db: Database, { where, values }: EntityList): readonly string[] {
  const rows = db.all(`SELECT id FROM entities WHERE ${where} ORDER BY updated DESC, id DESC`, ...values)
  return rows.map((row) => String(integer(row, 0)))
}

function page(db: Database, list: EntityList, skip: number, limit: number): readonly string[] {
  const { sql, values } = pageOf(db, list, skip, limit)
  return db.all(`SELECT id FROM entities ${sql}`, ...values).map((row) => String(integer(row, 0)))
}

function checkAll(db: Database): void {
  for (const list of LISTS) {
    const plain = plainList(db, list)
    assert.equal(sizeOfList(db, list), plain.length, list.id)
    for (let skip = 0; skip < plain.length + 300; skip += 97) {
      assert.deepEqual(page(db, list, skip, 5), plain.slice(skip, skip + 5), `${list.id} from ${skip}`)
    }
  }
}

/** Writes or removes rows as the store does; `seed` decides which. */
function churn(db: Database, operations: number, random: () => number): void {
  const put = artifactOperations.putEntity.run
  const remove = artifactOperations.deleteEntity.run
  const known = new Map<string, string>()
  for (let turn = 0; turn < operations; turn++) {
    const isPackage = random() < 0.3
    const parent = !isPackage && random() < 0.5 ? 'pkg' : ''
    const name = `${isPackage ? 'p' : 'a'}${Math.floor(random() * operations * 0.7)}`
    const key = ['ns', parent, name] as const
    const path = key.join('/')
    const revision = known.get(path)
    if (revision !== undefined && random() < 0.2) {
      remove(db, key, revision, 0)
      known.delete(path)
      continue
    }
    // Mostly newer than everything, now and then older, and with many ties.
    const updated = random() < 0.8 ? Math.floor(turn / 3) : Math.floor(random() * turn)
    const type = isPackage ? 'package' : 'action'
    const shared = isPackage && random() < 0.6
    known.set(path, put(db, key, [type, updated, shared, null, '{}'], null, revision ?? null, 0))
  }
}

/** A generator of numbers from 0 to 1 (mulberry32): thousands of draws a run are too many for fast-check's own. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

describe('lists of entities', () => {
  it('S3-30: each page is what counting from the front finds, after any sequence of writes', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const db = open()
        db.begin()
        churn(db, 4000, seeded(seed))
        db.commit()
        checkAll(db)
        const marks = db.all('SELECT list FROM list_marks')
        assert.ok(marks.length > 0)
        db.close()
      }),
      { numRuns: 4 },
    )
  })

  it('marks follow the rows in number, however often these move to the front', () => {
    const db = open()
    db.begin()
    const revisions = new Map<number, string>()
    const rows = 4 * MARK_STEP
    for (let turn = 0; turn < 10 * rows; turn++) {
      const row = turn % rows
      const columns = ['action', turn, false, null, '{}'] as const
      const { run } = artifactOperations.putEntity
      revisions.set(row, run(db, ['ns', '', `a${row}`], columns, null, revisions.get(row) ?? null, 0))
    }
    db.commit()
    checkAll(db)
    const [count] = db.all('SELECT count(*) FROM list_marks')
    assert.ok(count !== undefined && integer(count, 0) <= rows / (MARK_STEP / 4))
    db.close()
  })

  it('an emptied list leaves nothing behind', () => {
    const db = open()
    db.begin()
    const written = Array.from({ length: 3 * MARK_STEP }, (_, index) => {
      const key = ['ns', '', `a${index}`] as const
      return {
        key,
        revision: artifactOperations.putEntity.run(db, key, ['action', index, false, null, '{}'], null, null, 0),
      }
    })
    assert.notEqual(db.get('SELECT 1 FROM list_marks'), undefined)
    for (const { key, revision } of written) artifactOperations.deleteEntity.run(db, key, revision, 0)
    db.commit()
    assert.equal(db.get('SELECT 1 FROM list_marks'), undefined)
    assert.equal(db.get('SELECT 1 FROM list_sizes'), undefined)
    db.close()
  })

  it('S3-26: what a file of the version before holds is counted and marked when it is opened', () => {
    const directory = fixture.directory()
    const before = open(ARTIFACT_MIGRATIONS.slice(0, 1), directory)
    before.begin()
    for (let index = 0; index < 2500; index++) {
      before.run(
        `INSERT INTO entities (namespace, package, name, type, updated, revision, code, document) VALUES ('ns', ?, ?, 'action', ?, 'r', NULL, '{}')`,
        index % 2 === 0 ? 'pkg' : '',
        `a${index}`,
        index % 700,
      )
    }
    before.commit()
    before.close()
    const db = open(ARTIFACT_MIGRATIONS, directory)
    checkAll(db)
    assert.deepEqual(
      db.all('SELECT list, count(*) FROM list_marks GROUP BY list').map((row) => [text(row, 0), integer(row, 1)]),
      [
        ['action/ns', 4],
        ['action/ns/pkg', 2],
      ],
    )
    db.close()
  })

  it('the last page is found by an index, from a mark near it', () => {
    const db = open()
    db.begin()
    churn(db, 12_000, seeded(1))
    db.commit()
    for (const list of LISTS) {
      assert.ok(sizeOfList(db, list) >= 2 * MARK_STEP, list.id)
      const { sql, values } = pageOf(db, list, sizeOfList(db, list) - 1, 30)
      assert.ok(Number(values.at(-1)) <= 2 * MARK_STEP, list.id)
      const plan = db
        .all(`EXPLAIN QUERY PLAN SELECT document FROM entities ${sql}`, ...values)
        .map((row) => text(row, 3))
      assert.ok(
        plan.every((step) => /^SEARCH .* INDEX .*updated</.test(step)),
        plan.join('; '),
      )
    }
    db.close()
  })
})
