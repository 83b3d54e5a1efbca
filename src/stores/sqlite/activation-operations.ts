/** The activation store's statements. Runs in the worker. */

import type { Database, Row } from './database.ts'
import { integer, text } from './database.ts'
import { probe } from './probe.ts'
import { read, write } from './protocol.ts'
import { rowsOf } from '../activation-lines.ts'
import { summaryOf } from '../activation-summary.ts'

/** Values of one row in the flat arrays that `list` gives: id, namespace, filter, start, status code, document. */
export const ROW_WIDTH = 6
const NAMES_REMEMBERED = 20_000
/** Pages that one prune gives back to the file system at most, and the share of free pages that it leaves for reuse. */
const VACUUM_PAGES = 1000
const FREE_SHARE = 0.25

const INSERT = `INSERT INTO activations (id, namespace, filter, start, status, document)
  VALUES (unhex(?), ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`

/** `texts` are lines of activation-lines.ts: one string a turn of the event loop crosses to this thread, not six values a record. */
function append(db: Database, texts: readonly string[]): null {
  const insert = db.statement(INSERT)
  for (const lines of texts) {
    for (const { activationId, namespace, filter, start, statusCode, document } of rowsOf(lines)) {
      const owner = numberOf(db, namespace)
      insert.run(activationId, owner, numberOfFilter(db, owner, filter), start, statusCode, document)
    }
  }
  return null
}

function numberOf(db: Database, namespace: string): number {
  const known = db.numbers.get(namespace)
  if (known !== undefined) return known
  db.run('INSERT INTO namespaces (name) VALUES (?) ON CONFLICT DO NOTHING', namespace)
  const row = db.get('SELECT id, name FROM namespaces WHERE name = ?', namespace)
  return remember(db, row, (name) => name)
}

function numberOfFilter(db: Database, namespace: number, filter: string): number {
  const known = db.numbers.get(`${namespace}\n${filter}`)
  if (known !== undefined) return known
  db.run('INSERT INTO filters (namespace, name) VALUES (?, ?) ON CONFLICT DO NOTHING', namespace, filter)
  const row = db.get('SELECT id, name FROM filters WHERE namespace = ? AND name = ?', namespace, filter)
  return remember(db, row, (name) => `${namespace}\n${name}`)
}

/** The name is taken from the database: the one that came is a piece of a long text, which would stay in memory with it. */
function remember(db: Database, row: Row | undefined, keyOf: (name: string) => string): number {
  if (row === undefined) throw new Error('a name has no number')
  if (db.numbers.size >= NAMES_REMEMBERED) db.numbers.clear()
  db.numbers.set(keyOf(text(row, 1)), integer(row, 0))
  return integer(row, 0)
}

function get(db: Database, namespace: string, id: string): (string | number)[] | null {
  const row = db.get(
    `SELECT f.name, a.start, a.status, a.document FROM activations a JOIN filters f ON f.id = a.filter
     WHERE a.id = unhex(?) AND a.namespace = (SELECT id FROM namespaces WHERE name = ?)`,
    id,
    namespace,
  )
  return row === undefined ? null : [id, namespace, text(row, 0), integer(row, 1), integer(row, 2), text(row, 3)]
}

/** What a list or a count selects: by filter where there is one, else by namespace. Bounds are inclusive. */
function selection(filter: string | null): string {
  return filter === null
    ? `activations a WHERE a.namespace = (SELECT id FROM namespaces WHERE name = ?1) AND ?2 IS NULL AND a.start BETWEEN ?3 AND ?4`
    : `activations a WHERE a.filter = (SELECT f.id FROM filters f JOIN namespaces n ON n.id = f.namespace WHERE n.name = ?1 AND f.name = ?2)
         AND a.start BETWEEN ?3 AND ?4`
}

/** Megabytes of results and logs stay in the file's pages: SQLite cuts them off. It parses 1,000 levels of nesting at most; deeper ones are cut below. */
const SUMMARY = `CASE WHEN json_valid(a.document) THEN json_remove(a.document, '$.response', '$.logs', '$.subject') END,
  CASE WHEN NOT json_valid(a.document) THEN a.document END`

/** `summary`: documents come without `response`, `logs` and `subject`. */
function list(
  db: Database,
  query: readonly [namespace: string, filter: string | null, since: number, upto: number, skip: number, limit: number],
  summary: boolean,
  budget: number,
): (string | number)[] {
  const [namespace, filter, since, upto, skip, limit] = query
  const rows = db.allWithin(
    budget,
    `SELECT lower(hex(a.id)), (SELECT name FROM filters WHERE id = a.filter), a.start, a.status, ${summary ? SUMMARY : 'a.document'}
     FROM ${selection(filter)} ORDER BY a.start DESC, a.seq DESC LIMIT ?5 OFFSET ?6`,
    namespace,
    filter,
    since,
    upto,
    limit,
    skip,
  )
  return rows.flatMap((row) => {
    const document = row[4] === null ? summaryOf(text(row, 5)) : text(row, 4)
    return [text(row, 0), namespace, text(row, 1), integer(row, 2), integer(row, 3), document]
  })
}

function count(db: Database, namespace: string, filter: string | null, since: number, upto: number): number {
  const row = db.get(`SELECT count(*) FROM ${selection(filter)}`, namespace, filter, since, upto)
  return row === undefined ? 0 : integer(row, 0)
}

/** Removes at most `batch` rows: those that started too long ago first, then the earliest arrivals beyond `keepNewest`. */
function prune(db: Database, olderThanMs: number, keepNewest: number, batch: number): number {
  const filters = new Set<number>()
  let removed = 0
  for (const [namespace] of db.all('SELECT id FROM namespaces')) {
    if (removed >= batch) break
    const rows = db.all(
      `DELETE FROM activations WHERE seq IN (SELECT seq FROM activations WHERE namespace = ? AND start < ? ORDER BY start LIMIT ?) RETURNING filter`,
      namespace ?? null,
      olderThanMs,
      batch - removed,
    )
    for (const row of rows) filters.add(integer(row, 0))
    removed += rows.length
  }
  const total = db.get('SELECT count(*) FROM activations')
  const excess = Math.min(total === undefined ? 0 : integer(total, 0) - keepNewest, batch - removed)
  if (excess > 0) {
    const rows = db.all(
      'DELETE FROM activations WHERE seq IN (SELECT seq FROM activations ORDER BY seq LIMIT ?) RETURNING filter',
      excess,
    )
    for (const row of rows) filters.add(integer(row, 0))
    removed += rows.length
  }
  forgetUnused(db, filters)
  return removed
}

/** Names of actions that are gone and whose last record went go as well. */
function forgetUnused(db: Database, filters: ReadonlySet<number>): void {
  db.numbers.clear()
  for (const filter of filters) {
    const row = db.get(
      'DELETE FROM filters WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM activations WHERE filter = ?1) RETURNING namespace',
      filter,
    )
    if (row === undefined) continue
    db.run(
      'DELETE FROM namespaces WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM filters WHERE namespace = ?1)',
      integer(row, 0),
    )
  }
}

/**
 * Gives pages back to the file system when more than a quarter of the file is free; fewer are left to be used again. Returns how many pages went.
 * Not within `prune`: a vacuum moves pages, and a failed one must not undo the removal.
 */
function shrink(db: Database): number {
  const pages = pragma(db, 'page_count')
  const free = pragma(db, 'freelist_count')
  if (free < pages * FREE_SHARE || free < VACUUM_PAGES) return 0
  db.all(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`)
  return pages - pragma(db, 'page_count')
}

function pragma(db: Database, name: string): number {
  const row = db.get(`PRAGMA ${name}`)
  return row === undefined ? 0 : integer(row, 0)
}

export const activationOperations = {
  append: write(append),
  get: read(get),
  list: read(list),
  count: read(count),
  prune: write(prune),
  shrink: write(shrink),
  probe,
}
export type ActivationOperations = typeof activationOperations
