/** The activation records that the store does not have yet, in order of arrival, and how a list of the store's rows looks with them in it. */

import type { ActivationRecord } from '../model/activation.ts'
import { renderRecord } from '../model/activation.ts'
import type { ActivationId } from '../model/ids.ts'
import type { NamespaceName } from '../model/names.ts'
import type { ActivationQuery, ActivationRow } from './activation-store.ts'
import { summaryOf } from './activation-summary.ts'

type Filter = Omit<ActivationQuery, 'skip' | 'limit' | 'summary'>

/** What a record takes besides its texts, about: names, numbers, and the objects that hold them. */
const OVERHEAD_BYTES = 500

/** About how many bytes of memory a record takes. */
export function approximateBytes(record: ActivationRecord): number {
  return record.outcome.resultJson.length + record.logsJson.length + record.annotationsJson.length + OVERHEAD_BYTES
}

/** The record as the store takes it. Its document is rendered here. */
export function rowOf(record: ActivationRecord): ActivationRow {
  const { activationId, namespace, filter, start } = record
  return {
    activationId,
    namespace,
    filter,
    start,
    statusCode: record.outcome.statusCode,
    document: renderRecord(record),
  }
}

export class PendingActivations {
  readonly #records = new Map<ActivationId, ActivationRecord>()
  #bytes = 0

  get size(): number {
    return this.#records.size
  }

  /** About how many bytes they take. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds a record; one whose id is there is left as it is. */
  add(record: ActivationRecord): void {
    if (this.#records.has(record.activationId)) return
    this.#records.set(record.activationId, record)
    this.#bytes += approximateBytes(record)
  }

  has(id: ActivationId): boolean {
    return this.#records.has(id)
  }

  remove(id: ActivationId): void {
    const record = this.#records.get(id)
    if (record === undefined) return
    this.#records.delete(id)
    this.#bytes -= approximateBytes(record)
  }

  /** The oldest records that are not in `except`: at most `maxRows`, and `maxBytes` together but at least one. */
  oldest(maxRows: number, maxBytes: number, except: ReadonlySet<ActivationId>): ActivationRecord[] {
    const taken: ActivationRecord[] = []
    let bytes = 0
    for (const [id, record] of this.#records) {
      if (except.has(id)) continue
      bytes += approximateBytes(record)
      if (taken.length === maxRows || (bytes > maxBytes && taken.length > 0)) break
      taken.push(record)
    }
    return taken
  }

  get(namespace: NamespaceName, id: ActivationId): ActivationRow | undefined {
    const record = this.#records.get(id)
    return record === undefined || record.namespace !== namespace ? undefined : rowOf(record)
  }

  /** Those that match, newest `start` first and, of equal ones, the last that arrived first. */
  matching(filter: Filter): ActivationRecord[] {
    const found: ActivationRecord[] = []
    for (const record of this.#records.values()) if (matches(record, filter)) found.push(record)
    return found.toReversed().sort((one, other) => other.start - one.start)
  }
}

function matches(record: ActivationRecord, filter: Filter): boolean {
  return (
    record.namespace === filter.namespace &&
    (filter.filter === undefined || record.filter === filter.filter) &&
    record.start >= (filter.since ?? -Infinity) &&
    record.start <= (filter.upto ?? Infinity)
  )
}

/**
 * The page of `query` in the list of the store's rows and `own` together. `fetch` reads from the store: rows before `skip - own.length` there
 * cannot be on the page however the lists mix, so the page starts that much earlier and is cut after merging.
 */
export async function mergedPage(
  own: readonly ActivationRecord[],
  query: ActivationQuery,
  fetch: (query: ActivationQuery) => Promise<readonly ActivationRow[]>,
): Promise<readonly ActivationRow[]> {
  if (own.length === 0) return fetch(query)
  const early = Math.min(query.skip, own.length)
  const stored = await fetch({ ...query, skip: query.skip - early, limit: query.limit + early })
  const known = new Set(stored.map((row) => row.activationId))
  const merged: (ActivationRow | ActivationRecord)[] = []
  const waiting = own.filter((record) => !known.has(record.activationId))
  let next = 0
  for (const row of stored) {
    for (let record = waiting[next]; record !== undefined && record.start >= row.start; record = waiting[++next]) {
      merged.push(record)
    }
    merged.push(row)
  }
  merged.push(...waiting.slice(next))
  return merged.slice(early, early + query.limit).map((each) => ('document' in each ? each : shown(each, query)))
}

function shown(record: ActivationRecord, query: ActivationQuery): ActivationRow {
  const row = rowOf(record)
  return query.summary === true ? { ...row, document: summaryOf(row.document) } : row
}
