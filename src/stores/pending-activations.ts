/** The activation records that the store does not have yet, as lines in order of arrival, and how a list of the store's rows looks with them in it. */

import type { ActivationRecord } from '../model/activation.ts'
import type { ActivationId } from '../model/ids.ts'
import type { NamespaceName } from '../model/names.ts'
import { lineOfRecord, rowsOf } from './activation-lines.ts'
import type { ActivationQuery, ActivationRow } from './activation-store.ts'
import { summaryOf } from './activation-summary.ts'
import type { WalSegment } from './activation-wal.ts'

type Filter = Omit<ActivationQuery, 'skip' | 'limit' | 'summary'>

/** Records that arrived together and go on together: to the log, to the store, to the spool. */
export interface Sheaf {
  lines: string
  readonly ids: ActivationId[]
  /** Where they are logged ahead; undefined: nowhere. */
  segment: WalSegment | undefined
  /** Called when they are in the store or in the spool. */
  readonly onStored: (() => void)[]
}

/** What a record takes in memory besides its line, about: its id, and places in lists. */
const OVERHEAD_BYTES = 100

/** About how many bytes of memory a sheaf takes. */
export function bytesOf({ lines, ids }: Sheaf): number {
  return lines.length + OVERHEAD_BYTES * ids.length
}

export class PendingActivations {
  readonly #sheaves = new Set<Sheaf>()
  readonly #byId = new Map<ActivationId, Sheaf>()
  #bytes = 0

  /** Records. */
  get size(): number {
    return this.#byId.size
  }

  /** About how many bytes they take. */
  get bytes(): number {
    return this.#bytes
  }

  /** A sheaf that counts from its first record on. */
  open(): Sheaf {
    return { lines: '', ids: [], segment: undefined, onStored: [] }
  }

  /** Adds a record to a sheaf, unless it is pending already. Returns the sheaf that it is in. */
  add(record: ActivationRecord, to: Sheaf): Sheaf {
    const known = this.#byId.get(record.activationId)
    if (known !== undefined) return known
    const line = lineOfRecord(record)
    to.lines += line
    to.ids.push(record.activationId)
    this.#sheaves.add(to)
    this.#byId.set(record.activationId, to)
    this.#bytes += line.length + OVERHEAD_BYTES
    return to
  }

  /** Idempotent. */
  remove(sheaf: Sheaf): void {
    if (!this.#sheaves.delete(sheaf)) return
    for (const id of sheaf.ids) this.#byId.delete(id)
    this.#bytes -= bytesOf(sheaf)
  }

  /** The oldest sheaves that are not in `except`: at most `maxRows` records and `maxBytes` together, but at least one sheaf. */
  oldest(maxRows: number, maxBytes: number, except: ReadonlySet<Sheaf>): Sheaf[] {
    const taken: Sheaf[] = []
    let rows = 0
    let bytes = 0
    for (const sheaf of this.#sheaves) {
      if (except.has(sheaf)) continue
      rows += sheaf.ids.length
      bytes += bytesOf(sheaf)
      if ((rows > maxRows || bytes > maxBytes) && taken.length > 0) break
      taken.push(sheaf)
    }
    return taken
  }

  get(namespace: NamespaceName, id: ActivationId): ActivationRow | undefined {
    const sheaf = this.#byId.get(id)
    if (sheaf === undefined) return undefined
    return rowsOf(sheaf.lines).find((row) => row.activationId === id && row.namespace === namespace)
  }

  /** Those that match, newest `start` first and, of equal ones, the last that arrived first. */
  matching(filter: Filter): ActivationRow[] {
    const found: ActivationRow[] = []
    for (const { lines } of this.#sheaves) for (const row of rowsOf(lines)) if (matches(row, filter)) found.push(row)
    return found.toReversed().sort((one, other) => other.start - one.start)
  }
}

function matches(row: ActivationRow, filter: Filter): boolean {
  return (
    row.namespace === filter.namespace &&
    (filter.filter === undefined || row.filter === filter.filter) &&
    row.start >= (filter.since ?? -Infinity) &&
    row.start <= (filter.upto ?? Infinity)
  )
}

/**
 * The page of `query` in the list of the store's rows and `own` together. `fetch` reads from the store: rows before `skip - own.length` there
 * cannot be on the page however the lists mix, so the page starts that much earlier and is cut after merging.
 */
export async function mergedPage(
  own: readonly ActivationRow[],
  query: ActivationQuery,
  fetch: (query: ActivationQuery) => Promise<readonly ActivationRow[]>,
): Promise<readonly ActivationRow[]> {
  if (own.length === 0) return fetch(query)
  const early = Math.min(query.skip, own.length)
  const stored = await fetch({ ...query, skip: query.skip - early, limit: query.limit + early })
  const known = new Set(stored.map((row) => row.activationId))
  const shown = query.summary === true ? summarised : (row: ActivationRow): ActivationRow => row
  const merged: ActivationRow[] = []
  const waiting = own.filter((row) => !known.has(row.activationId))
  let next = 0
  for (const row of stored) {
    for (let mine = waiting[next]; mine !== undefined && mine.start >= row.start; mine = waiting[++next]) {
      merged.push(shown(mine))
    }
    merged.push(row)
  }
  if (merged.length < early + query.limit) merged.push(...waiting.slice(next, next + early + query.limit).map(shown))
  return merged.slice(early, early + query.limit)
}

function summarised(row: ActivationRow): ActivationRow {
  return { ...row, document: summaryOf(row.document) }
}
