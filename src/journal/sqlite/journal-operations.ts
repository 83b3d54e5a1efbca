/** The journal's statements. Runs in the stores' worker. */

import type { Database } from '../../stores/sqlite/database.ts'
import { integer, text } from '../../stores/sqlite/database.ts'
import { probe } from '../../stores/sqlite/probe.ts'
import { read, write } from '../../stores/sqlite/protocol.ts'

/** An entry with what was noted of it. */
export type EntryRow = [
  seq: number,
  id: string,
  accepted: number,
  deadline: number,
  started: number,
  payload: string,
  note: string | null,
]
const ENTRIES = 'SELECT seq, id, accepted, deadline, started, payload, note FROM entries LEFT JOIN progress USING (seq)'

/** What is held: entries, bytes of their payloads and notes, highest number. */
function depth(db: Database): [entries: number, bytes: number, last: number] {
  const row = db.get(
    `SELECT count(*), coalesce(sum(octet_length(payload)), 0) + (SELECT coalesce(sum(octet_length(note)), 0) FROM progress),
       coalesce(max(seq), 0) FROM entries`,
  )
  return row === undefined ? [0, 0, 0] : [integer(row, 0), integer(row, 1), integer(row, 2)]
}

function has(db: Database, id: string): boolean {
  return db.get('SELECT 1 FROM entries WHERE id = ?', id) !== undefined
}

/** True when the entry is new. */
function append(db: Database, seq: number, id: string, accepted: number, deadline: number, payload: string): boolean {
  const sql =
    'INSERT INTO entries (seq, id, accepted, deadline, payload) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING'
  return db.run(sql, seq, id, accepted, deadline, payload) === 1
}

/** The entries of the numbers in `returned`, in that order, then those after `after`; at most `max`, and as many as `budget` characters allow. */
function fetch(db: Database, returned: readonly number[], after: number, max: number, budget: number): EntryRow[] {
  const rows: EntryRow[] = []
  let left = budget
  for (const seq of returned.slice(0, max)) {
    const row = db.get(`${ENTRIES} WHERE seq = ?`, seq)
    if (row === undefined) continue
    left -= text(row, 5).length + (optionalText(row, 6)?.length ?? 0)
    if (left < 0 && rows.length > 0) return rows
    rows.push(entry(row))
  }
  if (rows.length === max || (left <= 0 && rows.length > 0)) return rows
  const sql = `${ENTRIES} WHERE seq > ? ORDER BY seq LIMIT ?`
  for (const row of db.allWithin(left, sql, after, max - rows.length)) rows.push(entry(row))
  return rows
}

function entry(row: Parameters<typeof text>[0]): EntryRow {
  return [
    integer(row, 0),
    text(row, 1),
    integer(row, 2),
    integer(row, 3),
    integer(row, 4),
    text(row, 5),
    optionalText(row, 6),
  ]
}

function optionalText(row: Parameters<typeof text>[0], index: number): string | null {
  return row[index] === null ? null : text(row, index)
}

/** False when there is no such entry. */
function markStarted(db: Database, id: string): boolean {
  return db.run('UPDATE entries SET started = 1 WHERE id = ?', id) === 1
}

/** Bytes that the note is larger than the one before it, or null when there is no such entry. */
function note(db: Database, id: string, progress: string): number | null {
  const row = db.get('SELECT seq, octet_length(note) FROM entries LEFT JOIN progress USING (seq) WHERE id = ?', id)
  if (row === undefined) return null
  const sql = 'INSERT INTO progress (seq, note) VALUES (?, ?) ON CONFLICT (seq) DO UPDATE SET note = excluded.note'
  db.run(sql, integer(row, 0), progress)
  return Buffer.byteLength(progress) - (row[1] === null ? 0 : integer(row, 1))
}

/** Bytes of the payload and the note that went, or null when there was no such entry. */
function settle(db: Database, id: string): number | null {
  const row = db.get('DELETE FROM entries WHERE id = ? RETURNING seq, octet_length(payload)', id)
  if (row === undefined) return null
  const noted = db.get('DELETE FROM progress WHERE seq = ? RETURNING octet_length(note)', integer(row, 0))
  return integer(row, 1) + (noted === undefined ? 0 : integer(noted, 0))
}

/** The values of one entry to append. */
export type NewRow = readonly [seq: number, id: string, accepted: number, deadline: number, payload: string]

/**
 * Puts `rows` in the place of an entry. Returns the bytes that went and how many rows and bytes came, or null when there was no such entry:
 * then nothing is written.
 */
function replace(
  db: Database,
  id: string,
  rows: readonly NewRow[],
): readonly [bytesGone: number, added: number, bytesAdded: number] | null {
  const gone = settle(db, id)
  if (gone === null) return null
  let added = 0
  let bytes = 0
  for (const row of rows) {
    if (!append(db, ...row)) continue
    added++
    bytes += Buffer.byteLength(row[4])
  }
  return [gone, added, bytes]
}

export const journalOperations = {
  depth: read(depth),
  has: read(has),
  append: write(append),
  fetch: read(fetch),
  markStarted: write(markStarted),
  note: write(note),
  settle: write(settle),
  replace: write(replace),
  probe,
}
export type JournalOperations = typeof journalOperations
