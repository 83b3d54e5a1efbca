/**
 * The activation store as the hot path sees it: `record` costs a line of text and a share of one write a turn of the event loop (activation-wal.ts); the
 * lines are stored behind it in batches, and readers see them at once. Nothing that was recorded is lost while the process lives: what the store does not take is kept and tried again, what memory cannot
 * hold goes to the spool, and when neither is possible `saturated` tells the router to accept nothing new.
 */

import type { ActivationRecord } from '../model/activation.ts'
import type { Clock, Timers } from '../model/clock.ts'
import type { Deadline } from '../model/deadline.ts'
import { remainingMs } from '../model/deadline.ts'
import type { ActivationId } from '../model/ids.ts'
import type { NamespaceName } from '../model/names.ts'
import { rowsOf } from './activation-lines.ts'
import type { ActivationSpool } from './activation-spool.ts'
import type { ActivationQuery, ActivationRow, ActivationStore } from './activation-store.ts'
import type { ActivationWal } from './activation-wal.ts'
import { StoreUnavailable } from './artifact-store.ts'
import type { Sheaf } from './pending-activations.ts'
import { PendingActivations, mergedPage } from './pending-activations.ts'

export interface ActivationWriterOptions {
  readonly store: ActivationStore
  readonly spool: ActivationSpool
  /** Keeps records from the moment of their answer over the end of the process; absent: a kill loses those that are not stored yet. */
  readonly wal?: ActivationWal
  readonly clock: Clock
  readonly timers: Timers
  /** While records keep coming, a batch begins at most every so many ms: fewer, larger transactions. Idle, it begins at once. default 20 */
  readonly flushIntervalMs?: number
  /** Memory in bytes, about, that records may take before they go to the spool. default 32 MB */
  readonly maxPendingBytes?: number
  /** Is told of every failed batch, and of records that the store refuses for good. */
  readonly onProblem?: (error: Error) => void
}

const BATCH_ROWS = 1000
const BATCH_BYTES = 4 * 1024 * 1024
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5000
/** A list waits so long in ms for a batch under way, so that it sees each record once; then it reads what there is. */
const QUIET_MS = 1000
/** How often `start` looks whether everything has been stored. */
const REPLAY_POLL_MS = 5
const NONE: ReadonlySet<Sheaf> = new Set()

/** The records of one turn of the event loop, and who waits for them to be logged. */
interface Turn {
  readonly sheaf: Sheaf
  readonly logged: PromiseWithResolvers<void>
}

export class ActivationWriter {
  readonly #options: ActivationWriterOptions
  readonly #store: ActivationStore
  readonly #spool: ActivationSpool
  readonly #maxPendingBytes: number
  readonly #pending = new PendingActivations()
  /** On their way to the store or the spool. */
  readonly #underWay = new Set<Sheaf>()
  /** Records of this turn of the event loop, to be logged ahead at its end. */
  #turn: Turn | undefined
  #scheduled = false
  #batch: Promise<void> | undefined
  #batchBeganAt = -Infinity
  #spilling: Promise<void> | undefined
  #retryMs = FIRST_RETRY_MS
  #problem: Error | undefined
  #spillProblem: Error | undefined
  #replayNext = false
  /** Records that reached the store, failed batches, records that went to the spool and those that came back, records refused for good. */
  flushed = 0
  failures = 0
  spooled = 0
  replayed = 0
  rejected = 0

  constructor(options: ActivationWriterOptions) {
    this.#options = options
    this.#store = options.store
    this.#spool = options.spool
    this.#maxPendingBytes = options.maxPendingBytes ?? 32 * 1024 * 1024
  }

  /** Records that the store does not have yet, those in the spool not included. */
  get pending(): number {
    return this.#pending.size
  }

  get pendingBytes(): number {
    return this.#pending.bytes
  }

  get spoolBytes(): number {
    return this.#spool.bytes
  }

  /** True while another record could not be kept safely: accept no invocation (503 with Retry-After). */
  get saturated(): boolean {
    const { bytes } = this.#pending
    return bytes > 2 * this.#maxPendingBytes || (bytes > this.#maxPendingBytes && this.#spillProblem !== undefined)
  }

  /** Why the store takes no records now; undefined when it does. For readiness. */
  get problem(): string | undefined {
    return this.#problem?.message
  }

  /**
   * Stores what an earlier process left in files, so that it can be read as soon as anything can; what takes longer than `waitMs` is stored later.
   * Rejects with `StoreUnavailable` when the files cannot be read.
   */
  async start(waitMs = 0): Promise<void> {
    await this.#spool.open()
    this.#schedule()
    const end = this.#options.clock.monotonic() + waitMs
    while (this.#spool.bytes > 0 && this.#options.clock.monotonic() < end) {
      // Not one of `timers`: those let the process end, and at its start nothing else may keep it.
      await new Promise((resolve) => {
        setTimeout(resolve, REPLAY_POLL_MS)
      })
    }
  }

  /**
   * Takes a record. The promise resolves, at the end of this turn of the event loop, when the record will outlive the process, or when it cannot be
   * helped that it may not: the disk takes nothing. Never rejects.
   */
  record(record: ActivationRecord): Promise<void> {
    const { sheaf, logged } = (this.#turn ??= this.#beginTurn())
    this.#take(record, sheaf)
    if (sheaf.ids.length >= BATCH_ROWS || sheaf.lines.length >= BATCH_BYTES) this.#endTurn()
    return this.#options.wal === undefined ? Promise.resolve() : logged.promise
  }

  #beginTurn(): Turn {
    if (this.#options.wal !== undefined) setImmediate(() => this.#endTurn())
    return { sheaf: this.#pending.open(), logged: Promise.withResolvers() }
  }

  #endTurn(): void {
    const turn = this.#turn
    if (turn === undefined) return
    this.#turn = undefined
    const { sheaf, logged } = turn
    if (sheaf.ids.length > 0) sheaf.segment = this.#options.wal?.write(sheaf.lines, sheaf.ids.length)
    logged.resolve()
  }

  /** Takes a record; resolves when it is in the store or in the spool, however long that takes. */
  store(record: ActivationRecord): Promise<void> {
    // Not logged ahead: the journal has it until it is stored.
    const sheaf = this.#take(record, this.#pending.open())
    return new Promise((resolve) => {
      sheaf.onStored.push(resolve)
    })
  }

  #take(record: ActivationRecord, to: Sheaf): Sheaf {
    const sheaf = this.#pending.add(record, to)
    if (this.#pending.bytes > this.#maxPendingBytes) void this.#spill()
    this.#schedule()
    return sheaf
  }

  /** The oldest that wait, those of this turn included. */
  #oldest(except: ReadonlySet<Sheaf>): readonly Sheaf[] {
    this.#endTurn()
    return this.#pending.oldest(BATCH_ROWS, BATCH_BYTES, except)
  }

  /** As the store's `get`; sees every record taken before, unless it waits in the spool. */
  async get(namespace: NamespaceName, id: ActivationId): Promise<ActivationRow | undefined> {
    return this.#pending.get(namespace, id) ?? (await this.#store.get(namespace, id))
  }

  /** As the store's `list`, records that are not written yet included. */
  async list(query: ActivationQuery): Promise<readonly ActivationRow[]> {
    await this.#quiet()
    return mergedPage(this.#pending.matching(query), query, (part) => this.#store.list(part))
  }

  /** As the store's `count`, records that are not written yet included. */
  async count(query: Omit<ActivationQuery, 'skip' | 'limit' | 'summary'>): Promise<number> {
    await this.#quiet()
    const own = this.#pending.matching(query).length
    return own + (await this.#store.count(query))
  }

  /** Resolves when every record taken before is in the store or, if that fails, in the spool. Rejects with `StoreUnavailable` at the deadline. */
  async flush(deadline: Deadline): Promise<void> {
    const left = (): number => remainingMs(deadline, this.#options.clock)
    while (this.#pending.size > 0) {
      if (left() === 0)
        throw new StoreUnavailable(`${this.#pending.size} activation records could not be stored in time`)
      if (this.#batch === undefined) this.#flush()
      const batch = this.#batch
      if (batch !== undefined) await this.#within(batch, left() / 2)
      if (batch !== undefined && this.#batch !== batch && this.#problem === undefined) continue
      // The store fails or hangs. Records that it may be writing are spooled as well: writing them twice does no harm.
      if (this.#spilling !== undefined) await this.#within(this.#spilling, left())
      await this.#within(this.#spill(0, NONE), left())
      if (this.#pending.size > 0) await this.#pause(Math.min(FIRST_RETRY_MS, left()))
    }
  }

  /** Flushes and closes the spool's file; the store stays open. Rejects as `flush` does, with the file closed. */
  async close(deadline: Deadline): Promise<void> {
    try {
      await this.flush(deadline)
    } finally {
      this.#options.wal?.close()
      await this.#spool.close()
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#batch !== undefined) return
    if (this.#pending.size === 0 && this.#spool.bytes === 0) return
    this.#scheduled = true
    const run = (): void => {
      this.#scheduled = false
      if (this.#batch === undefined) this.#flush()
    }
    const wait = this.#batchBeganAt + this.#pauseMs() - this.#options.clock.monotonic()
    if (wait <= 0) setImmediate(run)
    else this.#options.timers.after(wait, run)
  }

  /** Time in ms from one batch to the next: after a failure longer and longer, none while a full batch waits. */
  #pauseMs(): number {
    if (this.#problem !== undefined) return this.#retryMs
    return this.#pending.bytes > BATCH_BYTES || this.#pending.size > BATCH_ROWS
      ? 0
      : (this.#options.flushIntervalMs ?? 20)
  }

  /** Begins the next batch: pending records, or in turn with them what the spool holds. */
  #flush(): void {
    const replay = this.#spool.bytes > 0 && (this.#replayNext || this.#pending.size === 0)
    this.#replayNext = !replay
    const sheaves = replay ? [] : this.#oldest(this.#underWay)
    if (!replay && sheaves.length === 0) return
    this.#batchBeganAt = this.#options.clock.monotonic()
    this.#batch = (replay ? this.#replay() : this.#write(sheaves))
      .then(
        () => {
          this.#problem = undefined
          this.#retryMs = FIRST_RETRY_MS
        },
        (error: Error) => {
          this.failures++
          this.#retryMs = this.#problem === undefined ? FIRST_RETRY_MS : Math.min(2 * this.#retryMs, LAST_RETRY_MS)
          this.#problem = error
          this.#options.onProblem?.(error)
          if (this.#pending.bytes > this.#maxPendingBytes) void this.#spill()
        },
      )
      .finally(() => {
        this.#batch = undefined
        this.#schedule()
      })
  }

  async #write(sheaves: readonly Sheaf[]): Promise<void> {
    await this.#handOver(sheaves, async () => {
      await this.#appendLines(sheaves.map(({ lines }) => lines))
      this.flushed += countOf(sheaves)
    })
  }

  async #appendLines(texts: readonly string[]): Promise<void> {
    if (this.#store.appendLines !== undefined) {
      try {
        return await this.#store.appendLines(texts)
      } catch (error) {
        if (error instanceof StoreUnavailable) throw error
      }
    }
    await this.#append(texts.flatMap((lines) => rowsOf(lines)))
  }

  async #replay(): Promise<void> {
    const segment = await this.#spool.oldest()
    if (segment === undefined) return
    for (let at = 0; at < segment.rows.length; at += BATCH_ROWS)
      await this.#append(segment.rows.slice(at, at + BATCH_ROWS))
    await segment.remove()
    this.replayed += segment.rows.length
  }

  /** Appends rows to the store. One that it refuses for good, a defect of ours, must not keep all others from being stored: it is put aside. */
  async #append(rows: readonly ActivationRow[]): Promise<void> {
    try {
      await this.#store.append(rows)
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error
      const [first] = rows
      if (first === undefined) throw error
      if (rows.length > 1) {
        for (const row of rows) await this.#append([row])
        return
      }
      await this.#spool.reject(first)
      this.rejected++
      this.#options.onProblem?.(new Error(`activation ${first.activationId} cannot be stored`, { cause: error }))
    }
  }

  /** Moves the oldest records that are not in `except` to the spool until the rest takes at most `downTo` bytes. One at a time. */
  #spill(downTo = 0.75 * this.#maxPendingBytes, except: ReadonlySet<Sheaf> = this.#underWay): Promise<void> {
    this.#spilling ??= this.#spillAll(downTo, except)
      .then(
        () => {
          this.#spillProblem = undefined
        },
        (error: Error) => {
          this.#spillProblem = error
        },
      )
      .finally(() => {
        this.#spilling = undefined
      })
    return this.#spilling
  }

  async #spillAll(downTo: number, except: ReadonlySet<Sheaf>): Promise<void> {
    while (this.#pending.bytes > downTo) {
      const sheaves = this.#oldest(except)
      if (sheaves.length === 0) return
      await this.#handOver(sheaves, async () => {
        await this.#spool.append(sheaves.map(({ lines }) => lines).join(''))
        this.spooled += countOf(sheaves)
      })
    }
  }

  /** Keeps others from taking `sheaves` while `body` stores them; forgets them when it has. */
  async #handOver(sheaves: readonly Sheaf[], body: () => Promise<void>): Promise<void> {
    for (const sheaf of sheaves) this.#underWay.add(sheaf)
    try {
      await body()
      for (const sheaf of sheaves) this.#settled(sheaf)
    } finally {
      for (const sheaf of sheaves) this.#underWay.delete(sheaf)
    }
  }

  #settled(sheaf: Sheaf): void {
    this.#pending.remove(sheaf)
    const { segment, ids, onStored } = sheaf
    sheaf.segment = undefined
    if (segment !== undefined) this.#options.wal?.stored(segment, ids.length)
    for (const stored of onStored.splice(0)) stored()
  }

  async #quiet(): Promise<void> {
    if (this.#batch !== undefined) await this.#within(this.#batch, QUIET_MS)
  }

  /** Waits for `work`, at most `ms`. */
  #within(work: Promise<void>, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.timers.after(ms, resolve)
      void work.then(() => {
        cancel()
        resolve()
      })
    })
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.timers.after(ms, resolve))
  }
}

function countOf(sheaves: readonly Sheaf[]): number {
  return sheaves.reduce((sum, { ids }) => sum + ids.length, 0)
}
