/** Where activation records are kept. Every implementation passes test/conformance/activation-store.ts. */

import type { StatusCode } from '../model/activation.ts'
import type { ActivationId } from '../model/ids.ts'
import type { NamespaceName } from '../model/names.ts'

/** One record as stored: the columns that lists and filters need, and the rendered document. */
export interface ActivationRow {
  readonly activationId: ActivationId
  readonly namespace: NamespaceName
  /** What the list filter `name` matches: `A` or `PKG/A`. */
  readonly filter: string
  /** ms since the epoch. */
  readonly start: number
  readonly statusCode: StatusCode
  /** The record's JSON text (`renderRecord`). */
  readonly document: string
}

export interface ActivationQuery {
  readonly namespace: NamespaceName
  readonly filter?: string
  /** Bounds on `start` in ms, both inclusive. */
  readonly since?: number
  readonly upto?: number
  readonly skip: number
  readonly limit: number
  /** True: the documents come without `response`, `logs` and `subject`, which may be megabytes each and which list summaries do not show. default false */
  readonly summary?: boolean
}

/** Rejections as in ArtifactStore: `StoreUnavailable`, nothing written. */
export interface ActivationStore {
  /** Writes all rows in one transaction. Idempotent: a row whose id exists is left as it is, so that an activation has exactly one record. */
  append(rows: readonly ActivationRow[]): Promise<void>
  /** As `append`, of texts of lines (activation-lines.ts). default absent: rows are made of them and appended */
  appendLines?(texts: readonly string[]): Promise<void>
  get(namespace: NamespaceName, activationId: ActivationId): Promise<ActivationRow | undefined>
  /** Newest `start` first. May be cut short, to one row at least, where the documents would exceed 32 MB together. */
  list(query: ActivationQuery): Promise<readonly ActivationRow[]>
  count(query: Omit<ActivationQuery, 'skip' | 'limit' | 'summary'>): Promise<number>
  /** Removes records that started before `olderThanMs` (epoch), then the oldest beyond `keepNewest`, a bounded batch a call; resolves with how many went. */
  prune(olderThanMs: number, keepNewest: number): Promise<number>
  probe(): Promise<void>
  close(): Promise<void>
}
