/** What went wrong in the worker, in the form that crosses the thread boundary, and back again as the error that the interface promises. */

import { RevisionConflict, StoreUnavailable } from '../artifact-store.ts'

/**
 * `unavailable`: trying again can help. `conflict`: the revision or a unique key is taken. `refused`: this file must not be opened by us.
 * `defect`: a broken invariant or a mistake in a statement.
 */
export type FailureKind = 'unavailable' | 'conflict' | 'refused' | 'defect'

export interface Failure {
  readonly kind: FailureKind
  readonly message: string
}

/** The file was written by a newer version, is no file of ours, or has an owner. Somebody has to act before it can be opened. */
export class OpenRefused extends Error {
  override readonly name = 'OpenRefused'
}

/** Thrown by operations when what they were to write is taken. */
export class Conflict extends Error {
  override readonly name = 'Conflict'
}

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html) after which the same call can succeed later. */
const UNAVAILABLE: ReadonlyMap<number, string> = new Map([
  [5, 'another process holds the write lock'],
  [6, 'a table is locked'],
  [7, 'out of memory'],
  [8, 'the file is read-only'],
  [10, 'the disk reports an input/output error'],
  [11, 'the file is damaged'],
  [13, 'the disk is full'],
  [14, 'the file cannot be opened'],
  [15, 'file locking failed'],
  [23, 'access was denied'],
  [26, 'the file is damaged or no database'],
])
const BUSY = 5
const CONSTRAINT = 19
/** Busy, locked, out of memory and full leave a connection in order; after the others it is opened again. */
const CONNECTION_SURVIVES: ReadonlySet<number> = new Set([BUSY, 6, 7, 13])

/** SQLite's primary result code of an error that `node:sqlite` threw; undefined for other errors. */
export function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined
  return error.errcode & 0xff
}

/** True when another connection holds the lock that was wanted. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === BUSY
}

/** True when the connection that threw `error` is to be closed and opened again before its next use. */
export function spoilsConnection(error: unknown): boolean {
  const code = resultCode(error)
  return code !== undefined && UNAVAILABLE.has(code) && !CONNECTION_SURVIVES.has(code)
}

/** Sorts an error by what its caller can do. `file` is named in the message. */
export function failureOf(error: unknown, file: string): Failure {
  if (error instanceof Conflict) return { kind: 'conflict', message: error.message }
  if (error instanceof OpenRefused) return { kind: 'refused', message: error.message }
  const text = error instanceof Error ? error.message : String(error)
  const code = resultCode(error)
  if (code === CONSTRAINT) return { kind: 'conflict', message: text }
  const reason = code === undefined ? undefined : UNAVAILABLE.get(code)
  if (reason !== undefined) return { kind: 'unavailable', message: `${file}: ${reason} (${text})` }
  if (isFileSystemError(error)) return { kind: 'unavailable', message: `${file}: ${text}` }
  return { kind: 'defect', message: `${file}: ${text}` }
}

/** `ENOSPC`, `EACCES`, `ENOENT` and the like, thrown where the file is created; Node's own errors have codes that start with `ERR_`. */
function isFileSystemError(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && /^E(?!RR_)[A-Z]+$/.test(error.code)
  )
}

/** The error that a caller in the main thread gets. */
export function errorOf(failure: Failure): Error {
  switch (failure.kind) {
    case 'unavailable':
      return new StoreUnavailable(failure.message)
    case 'conflict':
      return new RevisionConflict(failure.message)
    case 'refused':
      return new OpenRefused(failure.message)
    case 'defect':
      return new Error(failure.message)
  }
}
