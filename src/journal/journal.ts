/**
 * The durable log of accepted work that nobody waits for. Every implementation passes test/conformance/journal.ts.
 *
 * Life of an entry: appended (durable) -> claimed by one dispatcher -> started (durable) -> settled (gone). What `recover` finds after a crash:
 * an entry that was never started is pending again; one that was started is handed out as cut off, for the dispatcher to close with a record.
 */

import type { ActivationId } from '../model/ids.ts'
import type { LaneRoom } from './lanes.ts'

/** A piece of accepted work. */
export interface JournalEntry {
  readonly activationId: ActivationId
  /** Whose work it is: lanes take turns. In practice the uuid of the namespace that its limits are charged to. */
  readonly lane: string
  /** ms since the epoch when it was accepted. */
  readonly acceptedAt: number
  /** ms since the epoch after which it is not started any more but closed with a record. */
  readonly deadlineAt: number
  /** What to do, as the dispatcher serialised it. */
  readonly payload: string
}

export interface ClaimedEntry extends JournalEntry {
  /** True when it was started and never settled: by an earlier process that did not live to, or before it was given back. It must not run again unasked. */
  readonly cutOff: boolean
  /** What was noted last of how far its work has come; undefined: nothing was. */
  readonly progress: string | undefined
}

/** The bound on entries or bytes is reached. Nothing was written. */
export class JournalFull extends Error {
  override readonly name = 'JournalFull'
}

export interface JournalDepth {
  readonly entries: number
  readonly bytes: number
}

/** All methods may reject with `StoreUnavailable`. */
export interface Journal {
  /** Resolves when the entry is on disk. Idempotent per activation id. Rejects with `JournalFull`. */
  append(entry: JournalEntry): Promise<void>
  /**
   * Hands out up to `max` entries (fewer where they are large) that no one has claimed since the journal was opened: of each lane the oldest first, one lane
   * after the other, and of no lane more than `room` says (default: as many as there are). Resolves with [] when there are none.
   */
  claim(max: number, room?: LaneRoom): Promise<readonly ClaimedEntry[]>
  /** Gives a claimed entry back: it is claimed again later, in its old place in its lane. Does nothing for one that is not claimed. */
  release(activationId: ActivationId): Promise<void>
  /** Durably notes that the work is about to begin. Rejects when the entry is unknown. */
  markStarted(activationId: ActivationId): Promise<void>
  /**
   * Durably notes how far the work has come, in place of what was noted before: whoever claims the entry next is told. Counts among the bytes that are held,
   * and is not refused for their bound, since it is accepted work. Rejects when the entry is unknown.
   */
  note(activationId: ActivationId, progress: string): Promise<void>
  /** Removes the entry: its record is stored. Idempotent. */
  settle(activationId: ActivationId): Promise<void>
  /**
   * Settles a claimed entry and appends `successors`, in their order, in one transaction: a crash leaves either the one or the others. One of them may
   * have the entry's own id. Idempotent: when the entry is gone, this was done before, and nothing is written. Rejects with `JournalFull` when the bounds
   * have no room for all of them in place of the entry; it stays as it is then.
   */
  replace(activationId: ActivationId, successors: readonly JournalEntry[]): Promise<void>
  /** Synchronous, for admission and metrics: what is held now, appends under way included. */
  depth(): JournalDepth
  /** The same of one lane. */
  depthOf(lane: string): JournalDepth
  probe(): Promise<void>
  close(): Promise<void>
}
