/** One database file, as the worker uses it: opened with our settings, statements prepared once, results checked as they are read. */

import { closeSync, openSync } from 'node:fs'
import type { SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import { DatabaseSync } from 'node:sqlite'
import { OpenRefused, isBusy } from './failure.ts'
import { migrate } from './migrate.ts'
import type { DatabaseSettings } from './protocol.ts'

export type Row = readonly SQLOutputValue[]

/** What an open file needs besides its settings; fixed for each store. */
export interface DatabaseKind {
  readonly migrations: readonly string[]
  /** Held by one process alone, from opening to closing. */
  readonly exclusive: boolean
  /** Page cache in KB. */
  readonly cacheKb: number
  /** Statements that are run once on a new file before its first table. */
  readonly prepareFile: string
}

const PAGE_BYTES = 4096
/** The write-ahead log is cut to this size when it has been carried over; else the largest burst would stay on disk. */
const WAL_LIMIT_BYTES = 16 * 1024 * 1024
const BUSY_RETRY_MS = 20

export class Database {
  readonly #connection: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  #version: SQLOutputValue | undefined

  /** Row numbers of names that were looked up. Emptied whenever they could be wrong: a transaction was undone, or another process wrote. */
  readonly numbers = new Map<string, number>()

  /** Opens and migrates the file. Throws `OpenRefused`, or what SQLite and the file system throw. Blocks at most about `busyTimeoutMs` on locks. */
  constructor(settings: DatabaseSettings, kind: DatabaseKind, busyTimeoutMs: number) {
    createPrivate(settings.file)
    this.#connection = new DatabaseSync(settings.file, { timeout: busyTimeoutMs, enableForeignKeyConstraints: false })
    try {
      this.#configure(settings, kind, busyTimeoutMs)
      migrate(this.#connection, settings.file, kind.migrations)
    } catch (error) {
      this.#connection.close()
      if (kind.exclusive && isBusy(error)) {
        throw new OpenRefused(
          `${settings.file} is in use by another process, and only one may work on it at a time. Stop that process, or give this one a data directory of its own. (OW001)`,
        )
      }
      throw error
    }
  }

  #configure(settings: DatabaseSettings, kind: DatabaseKind, busyTimeoutMs: number): void {
    const db = this.#connection
    // Before anything touches the file: the lock on it is then kept until it is closed, and the system drops it when the process dies.
    if (kind.exclusive) db.exec('PRAGMA locking_mode = EXCLUSIVE')
    db.exec(kind.prepareFile)
    // Changing the mode ignores the busy timeout when two processes create the file at once, and waits it out when the file has an owner. So it is
    // tried here, without that timeout: tries of 2 s each would wait longer for an owner than any caller does.
    db.exec('PRAGMA busy_timeout = 0')
    retryWhileBusy(busyTimeoutMs, () => db.exec('PRAGMA journal_mode = WAL'))
    db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    db.exec(
      `PRAGMA synchronous = ${settings.synchronous}; PRAGMA cache_size = -${kind.cacheKb}; PRAGMA temp_store = MEMORY;` +
        `PRAGMA journal_size_limit = ${WAL_LIMIT_BYTES}`,
    )
    if (settings.maxFileBytes !== undefined) {
      db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(settings.maxFileBytes / PAGE_BYTES))}`)
    }
    if (kind.exclusive) db.exec('BEGIN EXCLUSIVE; COMMIT')
  }

  /** All rows of a statement. */
  all(sql: string, ...values: SQLInputValue[]): readonly Row[] {
    // setReturnArrays makes rows arrays, which the declared type does not know.
    return this.#prepared(sql).all(...values) as unknown as readonly Row[]
  }

  /** The first row, or undefined. */
  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values) as unknown as Row | undefined
  }

  /** Runs a statement; returns how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes)
  }

  /** Rows as long as their texts stay within `budget` characters together, at least one: documents of 10 MB must not pile up in memory. */
  allWithin(budget: number, sql: string, ...values: SQLInputValue[]): readonly Row[] {
    const rows: Row[] = []
    let size = 0
    for (const row of this.#prepared(sql).iterate(...values) as unknown as Iterable<Row>) {
      for (const value of row) if (typeof value === 'string') size += value.length
      if (size > budget && rows.length > 0) break
      rows.push(row)
    }
    return rows
  }

  /** A prepared statement for loops that run it thousands of times. */
  statement(sql: string): StatementSync {
    return this.#prepared(sql)
  }

  begin(): void {
    this.run('BEGIN IMMEDIATE')
    const version = this.get('PRAGMA data_version')?.[0]
    if (version !== this.#version) this.numbers.clear()
    this.#version = version
  }

  commit(): void {
    this.run('COMMIT')
  }

  /** Undoes the open transaction; nothing when SQLite has done so itself, as it does after a full disk. */
  rollback(): void {
    this.numbers.clear()
    if (this.#connection.isTransaction) this.run('ROLLBACK')
  }

  /** Runs `body` so that nothing of it stays when it throws. */
  savepoint<Result>(body: () => Result): Result {
    this.run('SAVEPOINT operation')
    try {
      const result = body()
      this.run('RELEASE operation')
      return result
    } catch (error) {
      this.numbers.clear()
      if (this.#connection.isTransaction) {
        this.run('ROLLBACK TO operation')
        this.run('RELEASE operation')
      }
      throw error
    }
  }

  close(): void {
    if (this.#connection.isOpen) this.#connection.close()
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#connection.prepare(sql)
    statement.setReturnArrays(true)
    this.#statements.set(sql, statement)
    return statement
  }
}

/**
 * Makes a missing file that only its owner can read: it will hold keys. A file that exists is not even opened: closing any descriptor of it would
 * drop the locks that SQLite holds for this process (https://www.sqlite.org/howtocorrupt.html, section 2.2).
 */
function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, 'ax', 0o600))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

/** Tries until it succeeds or so much time has passed. `attempt` must not wait itself. */
function retryWhileBusy(timeoutMs: number, attempt: () => void): void {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  for (let waited = 0; ; waited += BUSY_RETRY_MS) {
    try {
      attempt()
      return
    } catch (error) {
      if (!isBusy(error) || waited >= timeoutMs) throw error
      // The worker has nothing else to do, and SQLite's own busy handler sleeps in the same way.
      Atomics.wait(cell, 0, 0, BUSY_RETRY_MS)
    }
  }
}

/** Column `index` of a row as text. Throws when it is none: the schema and the statement disagree. */
export function text(row: Row, index: number): string {
  const value = row[index]
  if (typeof value !== 'string') throw new TypeError(`column ${index} is no text`)
  return value
}

/** Column `index` of a row as number. */
export function integer(row: Row, index: number): number {
  const value = row[index]
  if (typeof value !== 'number') throw new TypeError(`column ${index} is no number`)
  return value
}
