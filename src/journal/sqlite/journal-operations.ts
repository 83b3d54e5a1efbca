/** The journal's statements. Runs in the stores' worker. */

import type { Database } from '../../stores/sqlite/database.ts'
import { integer, text } from '../../stores/sqlite/database.ts'
import { probe } from '../../stores/sqlite/probe.ts'
import { read, write } from '../../stores/sqlite/protocol.ts'

/** An entry with what was noted of it. */
export type EntryRow = [
  seq: number,
  id: string,
  lane: string,
  accepted: number,
  deadline: number,
  started: number,
  payload: string,
  note: string | null,
]
const ENTRIES =
  'SELECT seq, id, lane, accepted, deadline, started, payload, note FROM entries LEFT JOIN progress USING (seq)'
const PAYLOAD = 6
const NOTE = 7

/** Values of one entry in the flat array that `held` gives: seq, lane, bytes of payload and note. */
export const HELD_WIDTH = 3

/** All that is held, oldest first. */
function held(db: Database): (string | number)[] {
  const flat: (string | number)[] = []
  const sql = `SELECT seq, lane, octet_length(payload) + coalesce(octet_length(note), 0)
    FROM entries LEFT JOIN progress USING (seq) ORDER BY seq`
  for (const row of db.all(sql)) flat.push(integer(row, 0), text(row, 1), integer(row, 2))
  return flat
}

function has(db: Database, id: string): boolean {
  return db.get('SELECT 1 FROM entries WHERE id = ?', id) !== undefined
}

/** The values of one entry to append. */
export type NewRow = readonly [
  seq: number,
  id: string,
  lane: string,
  accepted: number,
  deadline: number,
  payload: string,
]

/** True when the entry is new. */
function append(db: Database, ...row: NewRow): boolean {
  const sql =
    'INSERT INTO entries (seq, id, lane, accepted, deadline, payload) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING'
  return db.run(sql, ...row) === 1
}

/**
 * The entries of these numbers, in their order, as many as `budget` characters allow, one at least; numbers that are gone are left out. And how many
 * numbers were looked at.
 */
function fetch(db: Database, numbers: readonly number[], budget: number): readonly [looked: number, rows: EntryRow[]] {
  const rows: EntryRow[] = []
  let left = budget
  for (const [looked, seq] of numbers.entries()) {
    const row = db.get(`${ENTRIES} WHERE seq = ?`, seq)
    if (row === undefined) continue
    left -= text(row, PAYLOAD).length + (optionalText(row, NOTE)?.length ?? 0)
    if (left < 0 && rows.length > 0) return [looked, rows]
    rows.push(entry(row))
  }
  return [numbers.length, rows]
}

function entry(row: Parameters<typeof text>[0]): EntryRow {
  const [seq, id, lane] = [integer(row, 0), text(row, 1), text(row, 2)]
  return [seq, id, lane, integer(row, 3), integer(row, 4), integer(row, 5), text(row, PAYLOAD), optionalText(row, NOTE)]
}

function optionalText(row: Parameters<typeof text>[0], index: number): string | null {
  return row[index] === null ? null : text(row, index)
}

/** False when there is no such entry. */
function markStarted(db: Database, id: string): boolean {
  return db.run('UPDATE entries SET started = 1 WHERE id = ?', id) === 1
}

/** Lane of the entry and bytes that the note is larger than the one before it, or null when there is no such entry. */
function note(db: Database, id: string, progress: string): readonly [lane: string, grown: number] | null {
  const row = db.get(
    'SELECT seq, octet_length(note), lane FROM entries LEFT JOIN progress USING (seq) WHERE id = ?',
    id,
  )
  if (row === undefined) return null
  const sql = 'INSERT INTO progress (seq, note) VALUES (?, ?) ON CONFLICT (seq) DO UPDATE SET note = excluded.note'
  db.run(sql, integer(row, 0), progress)
  return [text(row, 2), Buffer.byteLength(progress) - (row[1] === null ? 0 : integer(row, 1))]
}

/** Lane, and bytes of the payload and the note, of the entry that went, or null when there was no such entry. */
function settle(db: Database, id: string): readonly [lane: string, bytes: number] | null {
  const row = db.get('DELETE FROM entries WHERE id = ? RETURNING seq, octet_length(payload), lane', id)
  if (row === undefined) return null
  const noted = db.get('DELETE FROM progress WHERE seq = ? RETURNING octet_length(note)', integer(row, 0))
  return [text(row, 2), integer(row, 1) + (noted === undefined ? 0 : integer(noted, 0))]
}

/**
 * Puts `rows` in the place of an entry. Returns lane and bytes of what went, and the numbers of those that came, or null when there was no such entry:
 * then nothing is written.
 */
function replace(
  db: Database,
  id: string,
  rows: readonly NewRow[],
): readonly [lane: string, bytes: number, added: readonly number[]] | null {
  const gone = settle(db, id)
  if (gone === null) return null
  const added = rows.filter((row) => append(db, ...row)).map(([seq]) => seq)
  return [...gone, added]
}

export const journalOperations = {
  held: read(held),
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
