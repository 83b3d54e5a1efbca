/** What comes of one journalled call: of an action, which is run once or told to have been cut off, or of a sequence or composition. */

import type { ClaimedEntry } from '../journal/journal.ts'
import type { ActivationRecord, Outcome } from '../model/activation.ts'
import { APPLICATION_ERROR, WHISK_ERROR, errorOutcome } from '../model/activation.ts'
import { Fault, Refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { ActivationId } from '../model/ids.ts'
import type { Activation } from './activate.ts'
import { mergeArguments, parsePayload } from './arguments.ts'
import type { JournalledCall } from './journal-entries.ts'
import { transactionOf, unrunRecord } from './journal-entries.ts'
import { createJournalledFlows } from './journalled-flows.ts'
import type { JournalledFlowDeps } from './journalled-flows.ts'
import { INTERRUPTED } from './kept-flow.ts'
import { recordOf } from './record.ts'
import { requireComponents } from './require-components.ts'
import type { Target } from './resolve.ts'
import { isFlow } from './resolved-sequence.ts'
import { completionOf, runRequest, withLogs } from './run-action.ts'

export interface JournalledCallDeps extends JournalledFlowDeps {
  readonly report: (error: unknown, activationId: ActivationId | undefined) => void
}

/** What the dispatcher knows of the calls. */
export interface JournalledCallUse {
  readonly counters: { cutOff: number; resumed: number; expired: number }
  /** Counts the call among those in flight of its namespace. */
  admit(entry: ClaimedEntry, identity: Identity): void
  /** Nothing new is to be begun. */
  isPaused(): boolean
}

export interface JournalledCalls {
  /** What came of the call; undefined when it could not be begun, or not be ended, because the server is stopping. Rejects where it is to be tried again. */
  recordFor(
    entry: ClaimedEntry,
    call: JournalledCall,
    identity: Identity | undefined,
  ): Promise<ActivationRecord | undefined>
}

const BLACKLISTED = 'The action was not invoked due to a blacklisted namespace.'

export function createJournalledCalls(deps: JournalledCallDeps, use: JournalledCallUse): JournalledCalls {
  const { journal, clock } = deps
  const flows = createJournalledFlows(deps, () => use.isPaused())

  async function recordFor(
    entry: ClaimedEntry,
    call: JournalledCall,
    identity: Identity | undefined,
  ): Promise<ActivationRecord | undefined> {
    const unrun = (outcome: Outcome): ActivationRecord =>
      unrunRecord(entry.activationId, call, outcome, entry.acceptedAt, clock.now())
    if (entry.progress !== undefined) {
      use.counters.resumed++
      if (identity === undefined) return flows.abandon(entry, call, errorOutcome(APPLICATION_ERROR, BLACKLISTED))
      use.admit(entry, identity)
      return flows.goOn(entry, call, identity)
    }
    if (entry.cutOff && !call.idempotent) {
      use.counters.cutOff++
      return unrun(errorOutcome(WHISK_ERROR, INTERRUPTED))
    }
    if (clock.now() > entry.deadlineAt) {
      use.counters.expired++
      return unrun(errorOutcome(WHISK_ERROR, 'The action was not started before its deadline.'))
    }
    if (identity === undefined) {
      return unrun(errorOutcome(APPLICATION_ERROR, BLACKLISTED))
    }
    use.admit(entry, identity)
    return (await run(entry, call, identity, unrun)) ?? undefined
  }

  async function run(
    entry: ClaimedEntry,
    call: JournalledCall,
    identity: Identity,
    unrun: (outcome: Outcome) => ActivationRecord,
  ): Promise<ActivationRecord | undefined> {
    const { activationId } = entry
    try {
      const target: Target = { ...call.target, package: call.target.package }
      const action = await deps.resolve(identity, target)
      const args = mergeArguments(action, parsePayload(Buffer.from(call.payload)))
      const receivedAt = arrivalOf(entry)
      const transactionId = transactionOf(call)
      const activation: Activation = { activationId, transactionId, identity, action, args, receivedAt }
      if (action.type === 'sequence') await requireComponents(identity, action, deps)
      if (action.type === 'sequence' || isFlow(action)) return await flows.begin(entry, call, identity, action)
      const deadlineAt = clock.monotonic() + (entry.deadlineAt - clock.now())
      const result = await deps.dispatcher.run(action, runRequest(activation, action), deadlineAt, {
        onReserved: () => journal.markStarted(activationId),
      })
      if (result.type === 'closed') return undefined
      const completion = completionOf(result, action, receivedAt, clock)
      const record = recordOf(activation, action, completion, clock.now())
      deps.observe(identity, action.observed, completion, record)
      return await withLogs(record, completion)
    } catch (error) {
      // Trying again would end in the same way, and its caller can do something about it.
      if (error instanceof Fault && error.told !== undefined) {
        deps.report(error, activationId)
        return unrun(errorOutcome(WHISK_ERROR, error.told))
      }
      if (!(error instanceof Refusal)) throw error
      // The waiting room is full: the journal is the better one.
      if (error.code === 'QUEUE_FULL') throw error
      const gone = error.code === 'NOT_FOUND' ? 'Action could not be found or may have been deleted.' : error.message
      return unrun(errorOutcome(APPLICATION_ERROR, gone))
    }
  }

  /** Monotonic ms at which the call came, or would have come to this process. */
  function arrivalOf({ acceptedAt }: ClaimedEntry): number {
    return clock.monotonic() - Math.max(0, clock.now() - acceptedAt)
  }

  return { recordFor }
}
