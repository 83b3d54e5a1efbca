/**
 * The lists that an entity is in, newest first, each with its size and with marks: rows whose place in it is known. A page is then found from the mark
 * before it, so that the last one of 100,000 entities costs what the first does. Marks are kept in the transaction that changes the list. Runs in the
 * worker.
 */

import type { Database } from './database.ts'
import { integer } from './database.ts'

/** Rows between two marks at least when one is made; twice as many at most before one is made between them. */
export const MARK_STEP = 500
/** Marks closer than this have nothing left between them that is worth a mark: updates take rows away to the front. */
const TOO_CLOSE = MARK_STEP / 4

/** One list. */
export interface EntityList {
  /** As `list_sizes` and `list_marks` call it: names have no slash. */
  readonly id: string
  /** Its rows. */
  readonly where: string
  readonly values: readonly string[]
}

/** Place of a row in a list: newer ones first. */
export type Place = readonly [updated: number, id: number]

interface Mark {
  readonly place: Place
  /** Rows of the list that are newer than this place. */
  readonly newer: number
}

const OLDEST: Place = [Number.MIN_SAFE_INTEGER, 0]

/** What the lists of an entity follow from. */
export interface Listed {
  readonly type: string
  readonly namespace: string
  /** `''` for none. */
  readonly parent: string
  /** A package that everybody may read. */
  readonly shared: boolean
}

/** The list of a namespace's entities of one type. */
export function namespaceList(type: string, namespace: string): EntityList {
  return { id: `${type}/${namespace}`, where: 'type = ? AND namespace = ?', values: [type, namespace] }
}

/** The list of what is in a package. */
export function packageList(type: string, namespace: string, parent: string): EntityList {
  const where = 'type = ? AND namespace = ? AND package = ?'
  return { id: `${type}/${namespace}/${parent}`, where, values: [type, namespace, parent] }
}

/** The list of the packages of a namespace that everybody may read. */
export function sharedList(namespace: string): EntityList {
  return { id: `shared//${namespace}`, where: 'shared = 1 AND namespace = ?', values: [namespace] }
}

function listsOf({ type, namespace, parent, shared }: Listed): readonly EntityList[] {
  const lists = [namespaceList(type, namespace)]
  if (parent !== '') lists.push(packageList(type, namespace, parent))
  if (shared) lists.push(sharedList(namespace))
  return lists
}

/** Brings sizes and marks up to date after a row was written or removed. Undefined: it was not there before, or is not there now. */
export function updateLists(
  db: Database,
  before: { readonly listed: Listed; readonly place: Place } | undefined,
  after: { readonly listed: Listed; readonly place: Place } | undefined,
): void {
  const left = new Set((before === undefined ? [] : listsOf(before.listed)).map(({ id }) => id))
  for (const list of after === undefined ? [] : listsOf(after.listed)) {
    const stayed = left.delete(list.id)
    move(db, list.id, stayed ? before?.place : undefined, after?.place)
    if (!stayed) resize(db, list.id, 1)
    if (after !== undefined) markAround(db, list, after.place)
  }
  for (const id of left) {
    move(db, id, before?.place, undefined)
    resize(db, id, -1)
  }
}

/** How many rows the list has. */
export function sizeOfList(db: Database, { id }: EntityList): number {
  const row = db.get('SELECT size FROM list_sizes WHERE list = ?', id)
  return row === undefined ? 0 : integer(row, 0)
}

/** The statement's end that selects rows from `skip` on, newest first, and its values. */
export function pageOf(
  db: Database,
  list: EntityList,
  skip: number,
  limit: number,
): { readonly sql: string; readonly values: readonly (string | number)[] } {
  const order = 'ORDER BY updated DESC, id DESC LIMIT ? OFFSET ?'
  const mark = skip < MARK_STEP ? undefined : markBefore(db, list.id, skip)
  if (mark === undefined) return { sql: `WHERE ${list.where} ${order}`, values: [...list.values, limit, skip] }
  return {
    sql: `WHERE ${list.where} AND (updated, id) <= (?, ?) ${order}`,
    values: [...list.values, ...mark.place, limit, skip - mark.newer],
  }
}

/** The last mark at or before a place. From the oldest on, `newer` only falls. */
function markBefore(db: Database, id: string, skip: number): Mark | undefined {
  const row = db.get(
    'SELECT updated, id, newer FROM list_marks WHERE list = ? AND newer <= ? ORDER BY updated, id LIMIT 1',
    id,
    skip,
  )
  return row === undefined ? undefined : { place: [integer(row, 0), integer(row, 1)], newer: integer(row, 2) }
}

/** Counts a row that went from one place to another at the marks that it went past. */
function move(db: Database, id: string, from: Place | undefined, to: Place | undefined): void {
  const [low, high, by] = passed(from, to)
  db.run(
    'UPDATE list_marks SET newer = newer + ? WHERE list = ? AND (updated, id) >= (?, ?) AND (updated, id) < (?, ?)',
    by,
    id,
    ...low,
    ...high,
  )
}

function passed(from: Place | undefined, to: Place | undefined): readonly [low: Place, high: Place, by: number] {
  if (to === undefined) return [OLDEST, from ?? OLDEST, -1]
  if (from === undefined) return [OLDEST, to, 1]
  return isNewer(to, from) ? [from, to, 1] : [to, from, -1]
}

function isNewer([updated, id]: Place, [otherUpdated, otherId]: Place): boolean {
  return updated > otherUpdated || (updated === otherUpdated && id > otherId)
}

function resize(db: Database, id: string, by: number): void {
  db.run(
    'INSERT INTO list_sizes (list, size) VALUES (?, ?) ON CONFLICT (list) DO UPDATE SET size = size + excluded.size',
    id,
    by,
  )
  if (by < 0 && db.run('DELETE FROM list_sizes WHERE list = ? AND size = 0', id) > 0) {
    db.run('DELETE FROM list_marks WHERE list = ?', id)
  }
}

/** Makes a mark in the stretch between two of them that a row was added to, once it is twice as long as it need be. */
function markAround(db: Database, list: EntityList, place: Place): void {
  const older = db.get(
    'SELECT newer FROM list_marks WHERE list = ? AND (updated, id) <= (?, ?) ORDER BY updated DESC, id DESC LIMIT 1',
    list.id,
    ...place,
  )
  const end = older === undefined ? sizeOfList(db, list) : integer(older, 0)
  if (end < 2 * MARK_STEP) return
  const newer = db.get(
    'SELECT newer FROM list_marks WHERE list = ? AND (updated, id) > (?, ?) ORDER BY updated, id LIMIT 1',
    list.id,
    ...place,
  )
  const begin = newer === undefined ? 0 : integer(newer, 0)
  if (end - begin < 2 * MARK_STEP) return
  const { sql, values } = pageOf(db, list, begin + MARK_STEP, 1)
  const middle = db.get(`SELECT updated, id FROM entities ${sql}`, ...values)
  if (middle === undefined) throw new Error(`the list ${list.id} is shorter than it is said to be`)
  db.run(
    'INSERT INTO list_marks (list, updated, id, newer) VALUES (?, ?, ?, ?)',
    list.id,
    integer(middle, 0),
    integer(middle, 1),
    begin + MARK_STEP,
  )
  dropCloseMarks(db, list.id)
}

/** Their number is so bounded by that of the rows, however often these move. */
function dropCloseMarks(db: Database, id: string): void {
  let kept = 0
  for (const row of db.all(
    'SELECT updated, id, newer FROM list_marks WHERE list = ? ORDER BY updated DESC, id DESC',
    id,
  )) {
    const newer = integer(row, 2)
    if (newer - kept >= TOO_CLOSE) kept = newer
    else {
      db.run('DELETE FROM list_marks WHERE list = ? AND updated = ? AND id = ?', id, integer(row, 0), integer(row, 1))
    }
  }
}
