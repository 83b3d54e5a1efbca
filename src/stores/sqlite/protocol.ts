/** What the main thread and the store's worker say to each other. Flat tuples of strings and numbers: nested objects are slow to clone. */

import type { JournalOperations } from '../../journal/sqlite/journal-operations.ts'
import type { ActivationOperations } from './activation-operations.ts'
import type { ArtifactOperations } from './artifact-operations.ts'
import type { Database } from './database.ts'
import type { Failure } from './failure.ts'

/** What may cross the thread boundary. */
export type Wire = null | boolean | number | string | readonly Wire[]

/**
 * One operation of the worker. Writes of one message share a transaction, each in a savepoint of its own; reads run before them and see what was
 * committed. `run` throws `Conflict` or what SQLite throws.
 */
export interface Operation<Args extends readonly Wire[], Result extends Wire> {
  readonly access: 'read' | 'write'
  readonly run: (db: Database, ...args: Args) => Result
}

/** Declares an operation that only reads. */
export function read<Args extends readonly Wire[], Result extends Wire>(
  run: (db: Database, ...args: Args) => Result,
): Operation<Args, Result> {
  return { access: 'read', run }
}

/** Declares an operation that writes. */
export function write<Args extends readonly Wire[], Result extends Wire>(
  run: (db: Database, ...args: Args) => Result,
): Operation<Args, Result> {
  return { access: 'write', run }
}

export type StoreName = 'artifacts' | 'activations' | 'journal'
export const STORE_NAMES: readonly StoreName[] = ['artifacts', 'activations', 'journal']

/** The operations of each store: both ends are typed by it. */
export interface Operations {
  readonly artifacts: ArtifactOperations
  readonly activations: ActivationOperations
  readonly journal: JournalOperations
}

export type ArgsOf<Op> = Op extends Operation<infer Args, Wire> ? Args : never
export type ResultOf<Op> = Op extends Operation<infer _, infer Result> ? Result : never

/** Opens a database (idempotent), and closes it; every worker knows these besides the operations. */
export type Control = 'open' | 'close'

/** Call id, store, operation, arguments. Ids count up from 1: the shared floor (`WorkerData.floor`) says which calls nobody waits for any more. */
export type Request = readonly [id: number, store: StoreName, operation: string, args: readonly Wire[]]

/** Call id and what came of it; exactly one of result and failure counts. */
export type Reply = readonly [id: number, result: Wire, failure: Failure | undefined]

export interface DatabaseSettings {
  readonly file: string
  /** `full`: a commit is on disk when it resolves. `normal`: it survives the end of the process, not that of the machine. */
  readonly synchronous: 'full' | 'normal'
  /** The file may grow to so many bytes; a write beyond fails as on a full disk. */
  readonly maxFileBytes?: number
}

/** What the worker is started with. */
export interface WorkerData {
  readonly databases: Readonly<Record<StoreName, DatabaseSettings>>
  /** Longest wait in ms for another process's lock. */
  readonly busyTimeoutMs: number
  /** One 64-bit integer in shared memory: calls with a smaller id have timed out, the worker leaves them undone. */
  readonly floor: SharedArrayBuffer
}

/** Characters in a value, for bounds on memory. */
export function weigh(value: Wire): number {
  if (typeof value === 'string') return value.length
  if (!Array.isArray(value)) return 8
  let sum = 0
  for (const element of value as readonly Wire[]) sum += weigh(element)
  return sum
}
