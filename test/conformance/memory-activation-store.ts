/** An `ActivationStore` in memory whose appends fail and stall as a test wants them to. It passes the suite, so that it stands for a real one. */

import type { ActivationId } from '../../src/model/ids.ts'
import type { NamespaceName } from '../../src/model/names.ts'
import type { ActivationQuery, ActivationRow, ActivationStore } from '../../src/stores/activation-store.ts'
import { summaryOf } from '../../src/stores/activation-summary.ts'

type Filter = Omit<ActivationQuery, 'skip' | 'limit' | 'summary'>

export class MemoryActivationStore implements ActivationStore {
  readonly #rows = new Map<ActivationId, ActivationRow>()
  /** What `append` does before it stores: throw, or wait. */
  beforeAppend: (rows: readonly ActivationRow[]) => Promise<void> | void = () => undefined
  /** Sizes of the batches that came, failed ones included. */
  readonly batches: number[] = []

  async append(rows: readonly ActivationRow[]): Promise<void> {
    this.batches.push(rows.length)
    await this.beforeAppend(rows)
    for (const row of rows) if (!this.#rows.has(row.activationId)) this.#rows.set(row.activationId, row)
  }

  async get(namespace: NamespaceName, activationId: ActivationId): Promise<ActivationRow | undefined> {
    const row = this.#rows.get(activationId)
    return row?.namespace === namespace ? row : undefined
  }

  async list(query: ActivationQuery): Promise<readonly ActivationRow[]> {
    const rows = this.#matching(query)
      .toReversed()
      .sort((one, other) => other.start - one.start)
      .slice(query.skip, query.skip + query.limit)
    if (query.summary !== true) return rows
    return rows.map((row) => Object.assign({}, row, { document: summaryOf(row.document) }))
  }

  async count(query: Filter): Promise<number> {
    return this.#matching(query).length
  }

  async prune(olderThanMs: number, keepNewest: number): Promise<number> {
    const before = this.#rows.size
    for (const [id, row] of this.#rows) if (row.start < olderThanMs) this.#rows.delete(id)
    for (const id of this.#rows.keys()) {
      if (this.#rows.size <= keepNewest) break
      this.#rows.delete(id)
    }
    return before - this.#rows.size
  }

  async probe(): Promise<void> {
    await this.beforeAppend([])
  }

  async close(): Promise<void> {
    this.beforeAppend = () => undefined
  }

  #matching(query: Filter): ActivationRow[] {
    const { namespace, filter, since = -Infinity, upto = Infinity } = query
    return [...this.#rows.values()].filter(
      (row) =>
        row.namespace === namespace &&
        (filter === undefined || row.filter === filter) &&
        row.start >= since &&
        row.start <= upto,
    )
  }
}
