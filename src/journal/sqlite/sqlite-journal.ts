/**
 * `Journal` on SQLite: the main thread's side. What is claimed is known here only, so it is forgotten with the process: its successor finds every
 * entry that was not settled. The file has one owner at a time (database.ts, `exclusive`), so no two processes hand out the same entry.
 */

import type { Clock } from '../../model/clock.ts'
import type { ActivationId } from '../../model/ids.ts'
import { StoreUnavailable } from '../../stores/artifact-store.ts'
import type { StoreConnection } from '../../stores/sqlite/store-connection.ts'
import type { ClaimedEntry, Journal, JournalDepth, JournalEntry } from '../journal.ts'
import { JournalFull } from '../journal.ts'
import type { EntryRow, NewRow } from './journal-operations.ts'

export interface SqliteJournalOptions {
  readonly maxEntries: number
  /** Bytes of payloads. */
  readonly maxBytes: number
  readonly clock: Clock
}

interface Claim {
  readonly seq: number
  /** Of the payload and the note. */
  bytes: number
}

/** Characters of payloads that one claim may hold. */
const CLAIM_BUDGET = 16 * 1024 * 1024

export class SqliteJournal implements Journal {
  readonly #connection: StoreConnection<'journal'>
  readonly #options: SqliteJournalOptions
  /** Each entry that is claimed now. */
  readonly #claims = new Map<ActivationId, Claim>()
  /** Entries that were given back, by id; all of them lie before the cursor. */
  readonly #released = new Map<ActivationId, number>()
  /** Everything up to this number has been claimed once. */
  #cursor = 0
  #lastSeq = 0
  #entries = 0
  #bytes = 0
  #changing = 0
  /** A write had no answer: whether it was done is for the file to tell. */
  #uncertain = false
  #opening: Promise<void> | undefined
  #claiming: Promise<unknown> = Promise.resolve()
  /** Appends that were refused because the journal was full. */
  refused = 0

  constructor(connection: StoreConnection<'journal'>, options: SqliteJournalOptions) {
    this.#connection = connection
    this.#options = options
  }

  /** Takes ownership of the file and learns what it holds. Idempotent; the first use does it as well. Rejects with `OpenRefused`. */
  open(): Promise<void> {
    this.#opening ??= this.#recount().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async append(entry: JournalEntry): Promise<void> {
    await this.open()
    const size = Buffer.byteLength(entry.payload)
    if (!this.#hasRoom(1, size)) {
      if (await this.#connection.call('has', entry.activationId)) return
      throw this.#full()
    }
    // Counted before it is written, so that many at once cannot exceed the bound.
    this.#entries++
    this.#bytes += size
    const row = this.#numbered(entry)
    let added = false
    try {
      added = await this.#change(() => this.#connection.call('append', ...row))
    } finally {
      if (!added) {
        this.#entries--
        this.#bytes -= size
      }
    }
  }

  #hasRoom(entries: number, bytes: number): boolean {
    return this.#entries + entries <= this.#options.maxEntries && this.#bytes + bytes <= this.#options.maxBytes
  }

  #full(): JournalFull {
    this.refused++
    return new JournalFull(`the journal holds ${this.#entries} entries of ${this.#bytes} bytes together`)
  }

  #numbered({ activationId, acceptedAt, deadlineAt, payload }: JournalEntry): NewRow {
    return [++this.#lastSeq, activationId, acceptedAt, deadlineAt, payload]
  }

  claim(max: number): Promise<readonly ClaimedEntry[]> {
    // One after the other: two that read at once would hand out the same entries.
    const claimed = this.#claiming.then(() => this.#claim(max))
    this.#claiming = claimed.catch(() => undefined)
    return claimed
  }

  async #claim(max: number): Promise<readonly ClaimedEntry[]> {
    await this.open()
    if (this.#uncertain && this.#changing === 0) await this.#recount()
    if (max <= 0) return []
    const returned = [...this.#released.values()].sort((one, other) => one - other).slice(0, max)
    const rows = await this.#connection.call('fetch', returned, this.#cursor, max, CLAIM_BUDGET)
    return rows.map((row) => this.#handOut(row))
  }

  #handOut([seq, id, acceptedAt, deadlineAt, started, payload, note]: EntryRow): ClaimedEntry {
    const activationId = id as ActivationId
    this.#released.delete(activationId)
    this.#cursor = Math.max(this.#cursor, seq)
    const bytes = Buffer.byteLength(payload) + (note === null ? 0 : Buffer.byteLength(note))
    this.#claims.set(activationId, { seq, bytes })
    return { activationId, acceptedAt, deadlineAt, payload, cutOff: started !== 0, progress: note ?? undefined }
  }

  async release(activationId: ActivationId): Promise<void> {
    const claim = this.#claims.get(activationId)
    if (claim === undefined) return
    this.#claims.delete(activationId)
    this.#released.set(activationId, claim.seq)
  }

  async markStarted(activationId: ActivationId): Promise<void> {
    await this.open()
    if (!(await this.#connection.call('markStarted', activationId))) {
      throw new Error(`the journal has no activation ${activationId}`)
    }
  }

  async note(activationId: ActivationId, progress: string): Promise<void> {
    await this.open()
    const grown = await this.#change(() => this.#connection.call('note', activationId, progress))
    if (grown === null) throw new Error(`the journal has no activation ${activationId}`)
    this.#bytes += grown
    const claim = this.#claims.get(activationId)
    if (claim !== undefined) claim.bytes += grown
  }

  async settle(activationId: ActivationId): Promise<void> {
    await this.open()
    const size = await this.#change(() => this.#connection.call('settle', activationId))
    this.#claims.delete(activationId)
    this.#released.delete(activationId)
    if (size === null) return
    this.#entries--
    this.#bytes -= size
  }

  async replace(activationId: ActivationId, successors: readonly JournalEntry[]): Promise<void> {
    await this.open()
    const size = successors.reduce((sum, { payload }) => sum + Buffer.byteLength(payload), 0)
    const count = successors.length
    const claim = this.#claims.get(activationId)
    if (!this.#hasRoom(count - 1, size - (claim?.bytes ?? 0))) {
      // A replacement that was made before needs no room.
      if (!(await this.#connection.call('has', activationId))) return
      throw this.#full()
    }
    // As in append; what the entry itself takes is given back when it has gone.
    this.#entries += count
    this.#bytes += size
    const rows = successors.map((entry) => this.#numbered(entry))
    let replaced: readonly [bytesGone: number, added: number, bytesAdded: number] | null = null
    try {
      replaced = await this.#change(() => this.#connection.call('replace', activationId, rows))
    } finally {
      const [gone, added, bytesAdded] = replaced ?? [0, 0, 0]
      this.#entries += added - count - (replaced === null ? 0 : 1)
      this.#bytes += bytesAdded - size - gone
    }
    // The successor of the same id may have been claimed by now.
    if (this.#claims.get(activationId) === claim) this.#claims.delete(activationId)
    this.#released.delete(activationId)
  }

  depth(): JournalDepth {
    return { entries: this.#entries, bytes: this.#bytes }
  }

  async probe(): Promise<void> {
    await this.open()
    await this.#connection.call('probe', this.#options.clock.now())
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  async #change<Result>(call: () => Promise<Result>): Promise<Result> {
    this.#changing++
    try {
      return await call()
    } catch (error) {
      if (error instanceof StoreUnavailable) this.#uncertain = true
      throw error
    } finally {
      this.#changing--
    }
  }

  async #recount(): Promise<void> {
    const [entries, bytes, last] = await this.#connection.call('depth')
    if (this.#changing > 0) return
    this.#uncertain = false
    this.#entries = entries
    this.#bytes = bytes
    this.#lastSeq = Math.max(this.#lastSeq, last)
  }
}
