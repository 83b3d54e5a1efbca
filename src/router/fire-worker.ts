/** Puts the calls of a fire's rules in its place in the journal, and lets fires wait for which there is no room. */

import type { Timers } from '../model/clock.ts'
import type { Identity } from '../model/identity.ts'
import type { ActivationId } from '../model/ids.ts'
import type { ClaimedEntry, Journal, JournalDepth } from '../journal/journal.ts'
import { JournalFull } from '../journal/journal.ts'
import type { Admission } from './admission.ts'
import type { JournalledFire, JournalledRecord } from './fire-entries.ts'
import type { Expansion, ExpandFire, RuleOutcomes } from './fire-expansion.ts'
import { readJournalled } from './journal-entries.ts'

export interface FireWorkerDeps {
  readonly journal: Pick<Journal, 'replace' | 'release'>
  readonly expandFire: ExpandFire
  /** What the lane may put into the journal beside what it holds. */
  readonly roomIn: (lane: string) => JournalDepth
  /** Those of journalled calls: whoever works on a call releases its admission. */
  readonly admissions: Map<ActivationId, Admission>
  /** Stores the record of a fire and settles its entry. */
  readonly keep: (entry: ClaimedEntry, fired: JournalledRecord, identity: Identity | undefined) => Promise<void>
  /** There is something new in the journal. */
  readonly wake: () => void
  readonly timers: Timers
  readonly report: (error: unknown, activationId: ActivationId) => void
}

export interface FireWorker {
  /** Rules by what became of them. */
  readonly counters: RuleOutcomes
  /** Fires that wait for room. */
  readonly waiting: number
  /** Works on a claimed fire until nothing is left of it under its claim. Rejects with what is to be tried again. */
  work(entry: ClaimedEntry, fire: JournalledFire, identity: Identity | undefined): Promise<void>
}

/** How long a fire waits for room, and how often before the rest of its rules fail. */
const WAIT_MS = 500
const WAITS = 20

/** A worker that holds nothing but how often fires have waited. */
export function createFireWorker(deps: FireWorkerDeps): FireWorker {
  const { journal, admissions } = deps
  const counters: RuleOutcomes = { started: 0, inactive: 0, failed: 0 }
  /** How often the fires that have not found room yet have waited for it. */
  const waits = new Map<ActivationId, number>()
  let waiting = 0

  /** False when the journal has no room. */
  async function replace(entry: ClaimedEntry, expansion: Expansion, identity: Identity | undefined): Promise<boolean> {
    const { successors } = expansion
    // Before they are in the journal, from which they may be taken at once.
    for (const [id, admission] of expansion.admissions) admissions.set(id, admission)
    try {
      await journal.replace(entry.activationId, successors)
      return true
    } catch (error) {
      for (const [id, admission] of expansion.admissions) {
        admission.release()
        admissions.delete(id)
      }
      if (!(error instanceof JournalFull)) throw error
      // Nothing but the record is left, and not even for that there is room, of which it needs none.
      const left = readJournalled(successors[0].payload)
      if (left.type === 'fired') await deps.keep(entry, left, identity)
      return left.type === 'fired'
    }
  }

  /** Not given back at once, or it would be in the way of the calls that make room. */
  function waitForRoom(activationId: ActivationId): void {
    waits.set(activationId, (waits.get(activationId) ?? 0) + 1)
    waiting++
    deps.timers.after(WAIT_MS, () => {
      waiting--
      journal.release(activationId).then(deps.wake, (error: unknown) => deps.report(error, activationId))
    })
  }

  return {
    counters,
    get waiting() {
      return waiting
    },
    async work(entry, fire, identity) {
      const { activationId } = entry
      const room = (waits.get(activationId) ?? 0) < WAITS ? deps.roomIn(entry.lane) : undefined
      const expansion = await deps.expandFire(entry, fire, identity, room)
      if (expansion === undefined || !(await replace(entry, expansion, identity))) return waitForRoom(activationId)
      waits.delete(activationId)
      const { started, inactive, failed } = expansion.outcomes
      counters.started += started
      counters.inactive += inactive
      counters.failed += failed
      deps.wake()
    },
  }
}
