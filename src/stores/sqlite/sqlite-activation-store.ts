/** `ActivationStore` on SQLite: the main thread's side, rows in and out. */

import type { StatusCode } from '../../model/activation.ts'
import type { Clock } from '../../model/clock.ts'
import type { ActivationId } from '../../model/ids.ts'
import type { NamespaceName } from '../../model/names.ts'
import { lineOf } from '../activation-lines.ts'
import type { ActivationQuery, ActivationRow, ActivationStore } from '../activation-store.ts'
import { ROW_WIDTH } from './activation-operations.ts'
import type { StoreConnection } from './store-connection.ts'

const PRUNE_BATCH = 1000
/** Characters that one list may hold. */
const LIST_BUDGET = 32 * 1024 * 1024

export class SqliteActivationStore implements ActivationStore {
  readonly #connection: StoreConnection<'activations'>
  readonly #clock: Clock

  constructor(connection: StoreConnection<'activations'>, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
  }

  /** Opens and migrates the file now; the first use does it as well. Rejects with `OpenRefused` or `StoreUnavailable`. */
  open(): Promise<void> {
    return this.#connection.open()
  }

  append(rows: readonly ActivationRow[]): Promise<void> {
    return this.appendLines(rows.map((row) => lineOf(row)))
  }

  async appendLines(texts: readonly string[]): Promise<void> {
    await this.#connection.call('append', texts)
  }

  async get(namespace: NamespaceName, activationId: ActivationId): Promise<ActivationRow | undefined> {
    const flat = await this.#connection.call('get', namespace, activationId)
    return flat === null ? undefined : rowAt(flat, 0)
  }

  async list(query: ActivationQuery): Promise<readonly ActivationRow[]> {
    const { skip, limit } = query
    const flat = await this.#connection.call(
      'list',
      [...selection(query), skip, limit],
      query.summary ?? false,
      LIST_BUDGET,
    )
    const rows: ActivationRow[] = []
    for (let at = 0; at < flat.length; at += ROW_WIDTH) rows.push(rowAt(flat, at))
    return rows
  }

  count(query: Omit<ActivationQuery, 'skip' | 'limit' | 'summary'>): Promise<number> {
    return this.#connection.call('count', ...selection(query))
  }

  async prune(olderThanMs: number, keepNewest: number): Promise<number> {
    const removed = await this.#connection.call('prune', olderThanMs, keepNewest, PRUNE_BATCH)
    await this.#connection.call('shrink')
    return removed
  }

  async probe(): Promise<void> {
    await this.#connection.call('probe', this.#clock.now())
  }

  close(): Promise<void> {
    return this.#connection.close()
  }
}

function selection(
  query: Omit<ActivationQuery, 'skip' | 'limit' | 'summary'>,
): [namespace: string, filter: string | null, since: number, upto: number] {
  const since = query.since ?? Number.MIN_SAFE_INTEGER
  return [query.namespace, query.filter ?? null, since, query.upto ?? Number.MAX_SAFE_INTEGER]
}

/** The row that starts at `at` of a flat array that this store wrote. */
function rowAt(flat: readonly (string | number)[], at: number): ActivationRow {
  const [activationId, namespace, filter, start, statusCode, document] = flat.slice(at, at + ROW_WIDTH)
  return {
    activationId: activationId as ActivationId,
    namespace: namespace as NamespaceName,
    filter: String(filter),
    start: Number(start),
    statusCode: statusCode as StatusCode,
    document: String(document),
  }
}
