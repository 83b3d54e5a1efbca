/**
 * Runs accepted calls that nobody waits for. The order of its writes is what makes a crash harmless: append, then 202; started, then the run;
 * the record stored, then settled. So whatever a crash cuts off is found in the journal in a state that says what to do.
 */

import type { ActivationRecord } from '../model/activation.ts'
import type { Cancel, Timers } from '../model/clock.ts'
import { Fault, refusal } from '../model/errors.ts'
import { mayTake, shareLeft } from '../model/fair-share.ts'
import type { Identity } from '../model/identity.ts'
import type { ActivationId } from '../model/ids.ts'
import type { ClaimedEntry, JournalDepth, JournalEntry } from '../journal/journal.ts'
import { JournalFull } from '../journal/journal.ts'
import type { Admission, Limits } from './admission.ts'
import type { AcceptedFire, JournalledRecord } from './fire-entries.ts'
import { fireEntry, fireRecord } from './fire-entries.ts'
import type { ExpandFire } from './fire-expansion.ts'
import type { FireWorker } from './fire-worker.ts'
import { createFireWorker } from './fire-worker.ts'
import type { Accepted } from './invoke.ts'
import type { JournalledCall } from './journal-entries.ts'
import { journalEntry, readJournalled } from './journal-entries.ts'
import type { JournalledCallDeps } from './journalled-calls.ts'
import { createJournalledCalls } from './journalled-calls.ts'

export interface JournalDispatcherDeps extends JournalledCallDeps {
  readonly lookUp: (uuid: string, key: string) => Promise<Identity | undefined>
  readonly limits: Pick<Limits, 'readmit'>
  readonly expandFire: ExpandFire
  readonly timers: Timers
  /** Entries worked on at once. */
  readonly dispatchers: number
  /** Those of the journal. */
  readonly bounds: { readonly maxEntries: number; readonly maxBytes: number }
}

export interface JournalDispatcher {
  readonly counters: {
    accepted: number
    completed: number
    cutOff: number
    resumed: number
    expired: number
    failures: number
    /** Refused because their lane holds its share of the journal. */
    crowdedOut: number
  }
  readonly fires: Pick<FireWorker, 'counters' | 'waiting'>
  /** Entries being worked on. */
  readonly working: number
  /** Makes the call durable, then sees to it. Rejects with 503 and `Retry-After` when the journal is full or its disk does not take it. */
  accept(accepted: Accepted, admission: Admission): Promise<void>
  /** The same for the fire of a trigger. */
  acceptFire(accepted: AcceptedFire): Promise<void>
  start(): void
  /** Takes no more entries; those under way go on. */
  pause(): void
  /** Resolves when those under way have ended or been given back. */
  stop(): Promise<void>
}

/** How long to leave the journal alone after it, or a store, failed. */
const RETRY_MS = 500

/** A dispatcher that has not started. */
export function createJournalDispatcher(deps: JournalDispatcherDeps): JournalDispatcher {
  const { journal, clock, timers } = deps
  const counters = { accepted: 0, completed: 0, cutOff: 0, resumed: 0, expired: 0, failures: 0, crowdedOut: 0 }
  const calls = createJournalledCalls(deps, { counters, admit, isPaused: () => !running })
  const admissions = new Map<ActivationId, Admission>()
  const underWay = new Set<Promise<void>>()
  const fires = createFireWorker({
    journal,
    expandFire: deps.expandFire,
    roomIn,
    admissions,
    keep: (entry, fired, identity) => keep(fireRecord(entry, fired), fired, identity),
    wake,
    timers,
    report: deps.report,
  })
  /** Entries worked on by lane: each gets a share of the hands, so that another's long runs do not keep all of them. */
  const working = new Map<string, number>()
  let running = false
  let claiming = false
  let more = false
  /** Entries wait until others of their lane have ended. */
  let heldBack = false
  let cancelRetry: Cancel | undefined

  async function accept(accepted: Accepted, admission: Admission): Promise<void> {
    const now = clock.now()
    const { activationId } = accepted
    const entry = journalEntry(accepted, now, now + deps.deadlineMs)
    admissions.set(activationId, admission)
    try {
      await append(entry)
    } catch (error) {
      admissions.delete(activationId)
      throw error
    }
  }

  async function acceptFire(accepted: AcceptedFire): Promise<void> {
    const now = clock.now()
    await append(fireEntry(accepted, now, now + deps.deadlineMs))
  }

  async function append(entry: JournalEntry): Promise<void> {
    if (!hasShare(entry.lane)) {
      counters.crowdedOut++
      throw refusal('QUEUE_FULL', 503, '', { retryAfterSeconds: 1 })
    }
    try {
      await journal.append(entry)
    } catch (error) {
      if (error instanceof JournalFull) throw refusal('QUEUE_FULL', 503, '', { retryAfterSeconds: 1 })
      throw new Fault('the call could not be journalled', { cause: error, status: 503 })
    }
    counters.accepted++
    wake()
  }

  /** A lane that fills the journal is refused before others are. */
  function hasShare(lane: string): boolean {
    const [own, all] = [journal.depthOf(lane), journal.depth()]
    const { maxEntries, maxBytes } = deps.bounds
    return mayTake(own.entries, maxEntries - all.entries) && mayTake(own.bytes, maxBytes - all.bytes)
  }

  /** What the lane may put into the journal beside what it holds. */
  function roomIn(lane: string): JournalDepth {
    const [own, all] = [journal.depthOf(lane), journal.depth()]
    const { maxEntries, maxBytes } = deps.bounds
    return {
      entries: shareLeft(own.entries, maxEntries - all.entries),
      bytes: shareLeft(own.bytes, maxBytes - all.bytes),
    }
  }

  function wake(): void {
    more = true
    if (!claiming && running) void claim()
  }

  /** Hands out entries while there are some and hands to take them. */
  async function claim(): Promise<void> {
    claiming = true
    try {
      while (more && running && underWay.size < deps.dispatchers) {
        more = false
        heldBack = false
        const free = deps.dispatchers - underWay.size
        const entries = await journal.claim(free, (lane) => roomOf(lane, free))
        if (entries.length > 0) more = true
        for (const entry of entries) track(entry.lane, work(entry))
      }
    } catch (error) {
      counters.failures++
      deps.report(error, undefined)
      more = true
      retryLater()
    } finally {
      claiming = false
    }
  }

  function roomOf(lane: string, free: number): number {
    const room = shareLeft(working.get(lane) ?? 0, free)
    if (room < free) heldBack = true
    return room
  }

  function track(lane: string, job: Promise<void>): void {
    underWay.add(job)
    working.set(lane, (working.get(lane) ?? 0) + 1)
    void job.finally(() => {
      underWay.delete(job)
      const left = (working.get(lane) ?? 1) - 1
      if (left === 0) working.delete(lane)
      else working.set(lane, left)
      if (heldBack) more = true
      if (more && running && !claiming && cancelRetry === undefined) void claim()
    })
  }

  function retryLater(): void {
    cancelRetry ??= timers.after(RETRY_MS, () => {
      cancelRetry = undefined
      wake()
    })
  }

  async function work(entry: ClaimedEntry): Promise<void> {
    const { activationId } = entry
    try {
      const held = readJournalled(entry.payload)
      const identity = await deps.lookUp(held.uuid, held.key)
      if (held.type === 'fire') return await fires.work(entry, held, identity)
      const record = held.type === 'fired' ? fireRecord(entry, held) : await calls.recordFor(entry, held, identity)
      // Not settled: it stays in the journal, to be begun by whoever opens it next.
      if (record === undefined) return await journal.release(activationId)
      await keep(record, held, identity)
    } catch (error) {
      counters.failures++
      deps.report(error, activationId)
      await journal.release(activationId).catch((failed: unknown) => deps.report(failed, activationId))
      more = true
      retryLater()
    } finally {
      admissions.get(activationId)?.release()
      admissions.delete(activationId)
    }
  }

  /** The end of what the journal holds under the record's id. */
  async function keep(
    record: ActivationRecord,
    { extraLogging = false }: JournalledCall | JournalledRecord,
    identity: Identity | undefined,
  ): Promise<void> {
    await deps.store(record, identity, { extraLogging })
    await journal.settle(record.activationId)
    counters.completed++
  }

  function admit({ activationId }: ClaimedEntry, identity: Identity): void {
    if (!admissions.has(activationId)) admissions.set(activationId, deps.limits.readmit(identity))
  }

  function pause(): void {
    running = false
    cancelRetry?.()
    cancelRetry = undefined
  }

  return {
    counters,
    get working() {
      return underWay.size
    },
    fires,
    accept,
    acceptFire,
    start() {
      running = true
      wake()
    },
    pause,
    async stop() {
      pause()
      await Promise.allSettled([...underWay])
    },
  }
}
