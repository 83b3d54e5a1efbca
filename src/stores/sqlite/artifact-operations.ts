/** The artifact store's statements: entities and their code. Runs in the worker. */

import type { Database } from './database.ts'
import { integer, text } from './database.ts'
import type { EntityList, Listed, Place } from './entity-lists.ts'
import { namespaceList, packageList, pageOf, sharedList, sizeOfList, updateLists } from './entity-lists.ts'
import { Conflict } from './failure.ts'
import { probe } from './probe.ts'
import { read, write } from './protocol.ts'
import { subjectOperations } from './subject-operations.ts'

/** Opaque and never used twice, also not after a file was restored from a copy: containers are shared by revision. */
const NEW_REVISION = 'lower(hex(randomblob(10)))'

/** Namespace, package ('' for none) and name. */
export type EntityKey = readonly [namespace: string, parent: string, name: string]

function getEntity(db: Database, key: EntityKey): [revision: string, document: string] | null {
  const row = db.get('SELECT revision, document FROM entities WHERE namespace = ? AND package = ? AND name = ?', ...key)
  return row === undefined ? null : [text(row, 0), text(row, 1)]
}

/** What of a row has to be known before it is changed. */
interface Before {
  readonly revision: string
  readonly code: unknown
  readonly listed: Listed
  readonly place: Place
}

function beforeChange(db: Database, key: EntityKey): Before | undefined {
  const row = db.get(
    'SELECT revision, code, type, shared, updated, id FROM entities WHERE namespace = ? AND package = ? AND name = ?',
    ...key,
  )
  if (row === undefined) return undefined
  const listed = listedAs(key, text(row, 2), integer(row, 3) === 1)
  return { revision: text(row, 0), code: row[1], listed, place: [integer(row, 4), integer(row, 5)] }
}

function listedAs([namespace, parent]: EntityKey, type: string, shared: boolean): Listed {
  return { type, namespace, parent, shared }
}

/** `code` is null where `digest` is stored already; `shared` is true of packages that everybody may read. Returns the new revision. */
function putEntity(
  db: Database,
  key: EntityKey,
  columns: readonly [type: string, updated: number, shared: boolean, digest: string | null, document: string],
  code: string | null,
  expected: string | null,
  now: number,
): string {
  const [type, updated, shared, digest, document] = columns
  const before = beforeChange(db, key)
  if ((before?.revision ?? null) !== expected) {
    throw new Conflict(before === undefined || expected !== null ? 'the revision is not the stored one' : 'it exists')
  }
  if (digest !== null) keepCode(db, digest, code)
  const row = db.get(
    `INSERT INTO entities (namespace, package, name, type, updated, shared, code, document, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ${NEW_REVISION})
     ON CONFLICT (namespace, package, name) DO UPDATE SET type = excluded.type, updated = excluded.updated, shared = excluded.shared,
       code = excluded.code, document = excluded.document, revision = excluded.revision
     RETURNING revision, id`,
    ...key,
    type,
    updated,
    shared ? 1 : 0,
    digest,
    document,
  )
  if (row === undefined) throw new Error('an insert returned nothing')
  updateLists(db, before, { listed: listedAs(key, type, shared), place: [updated, integer(row, 1)] })
  releaseCode(db, before?.code, now)
  return text(row, 0)
}

function deleteEntity(db: Database, key: EntityKey, expected: string, now: number): null {
  const before = beforeChange(db, key)
  if (before?.revision !== expected) throw new Conflict('the revision is not the stored one')
  db.run('DELETE FROM entities WHERE namespace = ? AND package = ? AND name = ?', ...key)
  updateLists(db, before, undefined)
  releaseCode(db, before.code, now)
  return null
}

/** Stores the text unless its digest is there, and takes it off the list of what nobody refers to. */
function keepCode(db: Database, digest: string, code: string | null): void {
  if (code !== null)
    db.run('INSERT INTO code (digest, text) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING', digest, code)
  else if (db.get('SELECT 1 FROM code WHERE digest = ?', digest) === undefined) {
    throw new Error(`an entity refers to code ${digest}, which is not stored`)
  }
  db.run('DELETE FROM released_code WHERE digest = ?', digest)
}

/** Notes when the last reference went. */
function releaseCode(db: Database, digest: unknown, now: number): void {
  if (typeof digest !== 'string' || db.get('SELECT 1 FROM entities WHERE code = ?', digest) !== undefined) return
  db.run('INSERT INTO released_code (digest, released) VALUES (?, ?) ON CONFLICT DO NOTHING', digest, now)
}

function getCode(db: Database, digest: string): string | null {
  const row = db.get('SELECT text FROM code WHERE digest = ?', digest)
  return row === undefined ? null : text(row, 0)
}

/** Removes code that nobody has referred to since `releasedBefore`; at most `batch` texts. Returns how many. */
function collectCode(db: Database, releasedBefore: number, batch: number): number {
  const rows = db.all('SELECT digest FROM released_code WHERE released < ? LIMIT ?', releasedBefore, batch)
  for (const row of rows) {
    db.run('DELETE FROM code WHERE digest = ?', text(row, 0))
    db.run('DELETE FROM released_code WHERE digest = ?', text(row, 0))
  }
  return rows.length
}

/** Which list is meant: that of shared packages, that of a package, or that of the namespace. */
type ListName = readonly [type: string, namespace: string, parent: string | null, shared: boolean]

function listOf([type, namespace, parent, shared]: ListName): EntityList {
  if (shared) return sharedList(namespace)
  return parent === null ? namespaceList(type, namespace) : packageList(type, namespace, parent)
}

/** Entities after row `after`, oldest row first; each as id, revision and document. Cut short to `budget` characters of documents, to one at least. */
function scanEntities(
  db: Database,
  namespace: string | null,
  after: number,
  limit: number,
  budget: number,
): [id: number, revision: string, document: string][] {
  const rows =
    namespace === null
      ? db.allWithin(
          budget,
          'SELECT id, revision, document FROM entities WHERE id > ? ORDER BY id LIMIT ?',
          after,
          limit,
        )
      : db.allWithin(
          budget,
          'SELECT id, revision, document FROM entities WHERE namespace = ? AND id > ? ORDER BY id LIMIT ?',
          namespace,
          after,
          limit,
        )
  return rows.map((row) => [integer(row, 0), text(row, 1), text(row, 2)])
}

function listEntities(db: Database, name: ListName, skip: number, limit: number, budget: number): string[] {
  const { sql, values } = pageOf(db, listOf(name), skip, limit)
  return db.allWithin(budget, `SELECT document FROM entities ${sql}`, ...values).map((row) => text(row, 0))
}

function countEntities(db: Database, name: ListName): number {
  return sizeOfList(db, listOf(name))
}

export const artifactOperations = {
  getEntity: read(getEntity),
  putEntity: write(putEntity),
  deleteEntity: write(deleteEntity),
  getCode: read(getCode),
  collectCode: write(collectCode),
  listEntities: read(listEntities),
  countEntities: read(countEntities),
  scanEntities: read(scanEntities),
  ...subjectOperations,
  probe,
}
export type ArtifactOperations = typeof artifactOperations
