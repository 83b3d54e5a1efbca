/**
 * `Journal` on SQLite: the main thread's side. What is claimed is known here only, so it is forgotten with the process: its successor finds every
 * entry that was not settled. The file has one owner at a time (database.ts, `exclusive`), so no two processes hand out the same entry.
 */

import type { Clock } from '../../model/clock.ts'
import type { ActivationId } from '../../model/ids.ts'
import { StoreUnavailable } from '../../stores/artifact-store.ts'
import type { StoreConnection } from '../../stores/sqlite/store-connection.ts'
import { Holdings } from '../holdings.ts'
import type { ClaimedEntry, Journal, JournalDepth, JournalEntry } from '../journal.ts'
import { JournalFull } from '../journal.ts'
import type { LaneRoom, Waiting } from '../lanes.ts'
import { Lanes } from '../lanes.ts'
import type { EntryRow, NewRow } from './journal-operations.ts'
import { HELD_WIDTH } from './journal-operations.ts'

export interface SqliteJournalOptions {
  readonly maxEntries: number
  /** Bytes of payloads. */
  readonly maxBytes: number
  readonly clock: Clock
}

interface Claim extends Waiting {
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
  /** Those that are not. One that was settled meanwhile is found to be gone when its turn comes. */
  readonly #lanes = new Lanes()
  readonly #held = new Holdings()
  #lastSeq = 0
  #changing = 0
  /** A write had no answer: whether it was done is for the file to tell. */
  #uncertain = false
  #opening: Promise<void> | undefined
  #isOpen = false
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
    // Without a turn in between, so that what comes at once is counted at once.
    if (!this.#isOpen) await this.open()
    const size = Buffer.byteLength(entry.payload)
    if (!this.#hasRoom(1, size)) {
      if (await this.#connection.call('has', entry.activationId)) return
      throw this.#full()
    }
    // Counted before it is written, so that many at once cannot exceed the bound.
    const { lane } = entry
    this.#held.add(lane, 1, size)
    const row = this.#numbered(entry)
    let added = false
    try {
      added = await this.#change(() => this.#connection.call('append', ...row))
    } finally {
      if (added) this.#lanes.add({ lane, seq: row[0] })
      else this.#held.add(lane, -1, -size)
    }
  }

  #hasRoom(entries: number, bytes: number): boolean {
    const { total } = this.#held
    return total.entries + entries <= this.#options.maxEntries && total.bytes + bytes <= this.#options.maxBytes
  }

  #full(): JournalFull {
    this.refused++
    const { entries, bytes } = this.#held.total
    return new JournalFull(`the journal holds ${entries} entries of ${bytes} bytes together`)
  }

  #numbered({ activationId, lane, acceptedAt, deadlineAt, payload }: JournalEntry): NewRow {
    return [++this.#lastSeq, activationId, lane, acceptedAt, deadlineAt, payload]
  }

  claim(max: number, room: LaneRoom = () => Infinity): Promise<readonly ClaimedEntry[]> {
    // One after the other: two that read at once would hand out the same entries.
    const claimed = this.#claiming.then(() => this.#claim(max, room))
    this.#claiming = claimed.catch(() => undefined)
    return claimed
  }

  async #claim(max: number, room: LaneRoom): Promise<readonly ClaimedEntry[]> {
    await this.open()
    if (this.#uncertain && this.#changing === 0) await this.#recount()
    for (;;) {
      const chosen = this.#lanes.take(max, room)
      if (chosen.length === 0) return []
      const claimed = await this.#fetch(chosen)
      // All that were chosen had been settled: there may be others.
      if (claimed.length > 0) return claimed
    }
  }

  /** Hands out those of `chosen` that are still there and not too large together; the latter are waiting again. */
  async #fetch(chosen: readonly Waiting[]): Promise<readonly ClaimedEntry[]> {
    let rest = chosen
    try {
      const numbers = chosen.map(({ seq }) => seq)
      const [looked, rows] = await this.#connection.call('fetch', numbers, CLAIM_BUDGET)
      rest = chosen.slice(looked)
      return rows.map((row) => this.#handOut(row))
    } finally {
      for (const waiting of rest) this.#lanes.add(waiting)
    }
  }

  #handOut([seq, id, lane, acceptedAt, deadlineAt, started, payload, note]: EntryRow): ClaimedEntry {
    const activationId = id as ActivationId
    const bytes = Buffer.byteLength(payload) + (note === null ? 0 : Buffer.byteLength(note))
    this.#claims.set(activationId, { seq, lane, bytes })
    const progress = note ?? undefined
    return { activationId, lane, acceptedAt, deadlineAt, payload, cutOff: started !== 0, progress }
  }

  async release(activationId: ActivationId): Promise<void> {
    const claim = this.#claims.get(activationId)
    if (claim === undefined) return
    this.#claims.delete(activationId)
    this.#lanes.add(claim)
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
    const [lane, bytes] = grown
    this.#held.add(lane, 0, bytes)
    const claim = this.#claims.get(activationId)
    if (claim !== undefined) claim.bytes += bytes
  }

  async settle(activationId: ActivationId): Promise<void> {
    await this.open()
    const gone = await this.#change(() => this.#connection.call('settle', activationId))
    this.#claims.delete(activationId)
    if (gone === null) return
    const [lane, bytes] = gone
    this.#held.add(lane, -1, -bytes)
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
    const rows = successors.map((entry) => this.#numbered(entry))
    const counted = (row: NewRow, sign: 1 | -1): void => this.#held.add(row[2], sign, sign * Buffer.byteLength(row[5]))
    for (const row of rows) counted(row, 1)
    let replaced: readonly [lane: string, bytes: number, added: readonly number[]] | null = null
    try {
      replaced = await this.#change(() => this.#connection.call('replace', activationId, rows))
    } finally {
      const added = new Set(replaced?.[2])
      for (const row of rows) {
        if (added.has(row[0])) this.#lanes.add({ lane: row[2], seq: row[0] })
        else counted(row, -1)
      }
      if (replaced !== null) this.#held.add(replaced[0], -1, -replaced[1])
    }
    // The successor of the same id may have been claimed by now.
    if (this.#claims.get(activationId) === claim) this.#claims.delete(activationId)
  }

  depth(): JournalDepth {
    return this.#held.total
  }

  depthOf(lane: string): JournalDepth {
    return this.#held.of(lane)
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
    const flat = await this.#connection.call('held')
    if (this.#changing > 0) return
    this.#uncertain = false
    this.#isOpen = true
    const claimed = new Set([...this.#claims.values()].map(({ seq }) => seq))
    this.#held.clear()
    this.#lanes.clear()
    for (let at = 0; at < flat.length; at += HELD_WIDTH) {
      const [seq, lane, bytes] = [Number(flat[at]), String(flat[at + 1]), Number(flat[at + 2])]
      this.#held.add(lane, 1, bytes)
      if (!claimed.has(seq)) this.#lanes.add({ lane, seq })
      this.#lastSeq = Math.max(this.#lastSeq, seq)
    }
  }
}
