/** Sequences and compositions of the journal: begun from an entry, taken up where the entry says that they were, or given up. */

import type { Journal, ClaimedEntry } from '../journal/journal.ts'
import type { ActivationRecord, Outcome } from '../model/activation.ts'
import type { Identity } from '../model/identity.ts'
import type { EntityName, FullyQualifiedName, NamespaceName } from '../model/names.ts'
import { createFlowKeeper } from './flow-keeper.ts'
import { readProgress } from './flow-progress.ts'
import { beginFlow } from './flow-state.ts'
import type { JournalledCall } from './journal-entries.ts'
import { transactionOf } from './journal-entries.ts'
import type { RecordKeeper } from './keep-records.ts'
import type { KeptFlow, KeptFlowDeps } from './kept-flow.ts'
import { abandonedRecords, runKeptFlow } from './kept-flow.ts'
import type { Invocable } from './resolved-sequence.ts'

export interface JournalledFlowDeps extends KeptFlowDeps {
  readonly journal: Journal
  /** Resolves when the record is stored, or is not to be kept. Retries by itself while the store is away. */
  readonly store: RecordKeeper['store']
  /** How long in ms an accepted call, or a step of it, may wait for its start. */
  readonly deadlineMs: number
}

/** Each resolves with the record of the whole; undefined where it is to go on when the server runs again. Rejections as `runKeptFlow`. */
export interface JournalledFlows {
  begin(
    entry: ClaimedEntry,
    call: JournalledCall,
    identity: Identity,
    action: Invocable,
  ): Promise<ActivationRecord | undefined>
  /** Goes on from what was noted; a note must be there. */
  goOn(entry: ClaimedEntry, call: JournalledCall, identity: Identity): Promise<ActivationRecord | undefined>
  /** Ends what was noted with `outcome`; nothing more is run. */
  abandon(entry: ClaimedEntry, call: JournalledCall, outcome: Outcome): Promise<ActivationRecord | undefined>
}

/** `isPaused` tells that nothing new is to be begun. */
export function createJournalledFlows(deps: JournalledFlowDeps, isPaused: () => boolean): JournalledFlows {
  const { journal, clock } = deps

  function run(
    entry: ClaimedEntry,
    call: JournalledCall,
    identity: Identity,
    flow: Pick<KeptFlow, 'state' | 'action'>,
  ): Promise<ActivationRecord | undefined> {
    const keeper = createFlowKeeper({
      note: (progress) => journal.note(entry.activationId, progress),
      isPaused,
      stepWaitMs: deps.deadlineMs,
      noted: entry.progress !== undefined,
    })
    const receivedAt = clock.monotonic() - Math.max(0, clock.now() - entry.acceptedAt)
    const flowCall = { transactionId: transactionOf(call), identity, receivedAt, ...originOf(call) }
    return runKeptFlow({ ...flow, call: flowCall, keeper }, deps)
  }

  return {
    begin(entry, call, identity, action) {
      const startedAt = clock.now()
      const state = beginFlow(action, {
        activationId: entry.activationId,
        calledAs: nameOf(call),
        startedAt,
        waitMs: Math.max(0, startedAt - entry.acceptedAt),
        input: call.payload,
      })
      return run(entry, call, identity, { state, action })
    },
    goOn: (entry, call, identity) => run(entry, call, identity, { state: readProgress(entry.progress ?? '') }),
    async abandon(entry, call, outcome) {
      const owner = { namespace: call.namespace as NamespaceName, subject: call.subject }
      const records = abandonedRecords(readProgress(entry.progress ?? ''), owner, outcome, clock.now())
      for (const record of records.slice(0, -1)) await deps.store(record, undefined, originOf(call))
      return records.at(-1)
    },
  }
}

/** The name by which it was called: the namespace may be `_`. */
function nameOf({ target }: JournalledCall): FullyQualifiedName {
  const namespace = target.namespace as NamespaceName
  const name = target.name as EntityName
  return target.package === undefined ? { namespace, name } : { namespace, package: target.package as EntityName, name }
}

function originOf({ extraLogging = false }: JournalledCall): { readonly extraLogging: boolean } {
  return { extraLogging }
}
