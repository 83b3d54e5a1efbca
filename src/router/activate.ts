/** One activation of an action, from its arguments to its record. Everybody who runs actions comes through here: callers, rules, sequences, the journal. */

import type { ActivationRecord } from '../model/activation.ts'
import { DEVELOPER_ERROR, WHISK_ERROR, errorOutcome } from '../model/activation.ts'
import type { Clock } from '../model/clock.ts'
import type { Identity } from '../model/identity.ts'
import { apiKey } from '../model/identity.ts'
import type { ActivationId, TransactionId } from '../model/ids.ts'
import type { RecordOrigin } from '../model/storage-level.ts'
import { EMPTY_LOG } from '../proxy/activation-log.ts'
import type { FinishedRun, RunRequest } from '../proxy/run-request.ts'
import type { Arguments } from './arguments.ts'
import type { Completion } from './call.ts'
import type { Dispatcher } from './dispatch.ts'
import type { RecordKeeper } from './keep-records.ts'
import type { ParkFailure } from './parking.ts'
import { recordOf } from './record.ts'
import type { ResolvedAction } from './resolved-action.ts'

/** Told of each activation that came to its end in this process. */
export type ObserveCompletion = (identity: Identity, action: ResolvedAction, completion: Completion) => void

/** An action about to be run for somebody. */
export interface Activation extends RecordOrigin {
  readonly activationId: ActivationId
  readonly transactionId: TransactionId
  /** Whose limits, key and namespace it runs under. */
  readonly identity: Identity
  readonly action: ResolvedAction
  readonly args: Arguments
  /** Monotonic ms from which its waiting counts. */
  readonly receivedAt: number
  /** The sequence or composition that it is a part of. */
  readonly cause?: ActivationId
}

export interface ActivateDeps {
  readonly dispatcher: Pick<Dispatcher, 'run'>
  /** Takes the record, where it is to be kept; resolves, within the turn of the event loop, when it will outlive the process. Never rejects. */
  readonly record: RecordKeeper['record']
  /** Counts what came of a call; never throws. */
  readonly observe: ObserveCompletion
  readonly clock: Clock
  /** Longest wait in ms of a request for a container. */
  readonly parkTimeoutMs: number
}

/** An activation that has ended and is recorded. */
export interface Completed {
  readonly completion: Completion
  /** The record without its logs. */
  readonly record: ActivationRecord
}

/** Registers what to do when the caller goes away. */
export type CallerPresence = (onGone: () => void) => void

/** Gets the activation into a container, and records what came of it. Rejects with a Refusal when no place in any queue was free. */
export async function activate(
  activation: Activation,
  on: ActivateDeps,
  presence?: CallerPresence,
): Promise<Completed> {
  const { identity, action, receivedAt } = activation
  const result = await on.dispatcher.run(action, runRequest(activation), receivedAt + on.parkTimeoutMs, {
    onWait: presence,
  })
  const completion = completionOf(result, receivedAt, on.clock)
  const record = recordOf(activation, completion, on.clock.now())
  on.observe(identity, action, completion)
  // Once answered, the record is there to be read, even after a kill: so an answer waits for its run's last output, and for its record to be logged.
  await on.record(await withLogs(record, completion), identity, activation)
  return { completion, record }
}

/** What the dispatcher's result means for the activation. `receivedAt` in monotonic ms. */
export function completionOf(result: FinishedRun | ParkFailure, receivedAt: number, clock: Clock): Completion {
  return result.type === 'finished'
    ? { outcome: result.outcome, run: result, waitMs: result.beganAt - receivedAt }
    : { outcome: outcomeOf(result), run: undefined, waitMs: clock.monotonic() - receivedAt }
}

/** The record with the log of its run, once that is complete. */
export function withLogs(record: ActivationRecord, { run }: Completion): ActivationRecord | Promise<ActivationRecord> {
  if (run === undefined || run.log === EMPTY_LOG) return record
  return new Promise((resolve) => run.log.whenComplete((logsJson) => resolve({ ...record, logsJson })))
}

/** What the proxy is asked to do for one activation. */
export function runRequest({ activationId, transactionId, identity, action, args }: Activation): RunRequest {
  return {
    activationId,
    transactionId,
    program: action.program,
    namespace: identity.namespace,
    apiKey: action.providesApiKey ? apiKey(identity) : undefined,
    argumentBytes: args.bytes,
    initEnvironment: args.initEnvironment,
    resultLimitBytes: identity.limits.payloadBytes,
    truncationBytes: identity.limits.truncationBytes,
  }
}

function outcomeOf(failure: ParkFailure): Completion['outcome'] {
  switch (failure.type) {
    case 'failed':
      // Why a start failed is for the operator's log; what an action asks for and can never get, its developer has to know.
      return failure.failure === 'noCapacity'
        ? errorOutcome(DEVELOPER_ERROR, failure.message)
        : errorOutcome(WHISK_ERROR, 'Failed to provision resources to run the action.')
    case 'deadline':
      return errorOutcome(WHISK_ERROR, 'Failed to provision resources to run the action.')
    case 'withdrawn':
      return errorOutcome(WHISK_ERROR, 'The caller went away before the action was started.')
    case 'closed':
      return errorOutcome(WHISK_ERROR, 'The server stopped before the action was started.')
  }
}
