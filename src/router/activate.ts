/** One activation, from its arguments to its record. Everybody who runs something comes through here: callers, rules, web actions. */

import type { ActivationRecord } from '../model/activation.ts'
import type { Clock } from '../model/clock.ts'
import type { Identity } from '../model/identity.ts'
import type { ActivationId, IdSource, TransactionId } from '../model/ids.ts'
import type { RecordOrigin } from '../model/storage-level.ts'
import type { Arguments } from './arguments.ts'
import type { Completion } from './call.ts'
import type { Dispatcher } from './dispatch.ts'
import { activateFlow } from './flow.ts'
import type { RecordKeeper } from './keep-records.ts'
import { recordOf } from './record.ts'
import type { Target } from './resolve.ts'
import type { Observed, ResolvedAction } from './resolved-action.ts'
import type { Invocable } from './resolved-sequence.ts'
import { completionOf, runRequest, withLogs } from './run-action.ts'

/** Told of each activation that came to its end in this process. */
export type ObserveCompletion = (
  identity: Identity,
  observed: Observed,
  completion: Completion,
  record: ActivationRecord,
) => void

/** An action, a sequence or a composition about to be run for somebody. */
export interface Activation extends RecordOrigin {
  readonly activationId: ActivationId
  readonly transactionId: TransactionId
  /** Whose limits, key and namespace it runs under. */
  readonly identity: Identity
  readonly action: Invocable
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
  /** Finds the steps of sequences and compositions. Throws or rejects with what the caller of a plain action would be told. */
  readonly resolve: (identity: Identity, target: Target) => Invocable | Promise<Invocable>
  readonly ids: Pick<IdSource, 'activationId'>
  /** Steps of a sequence or composition, at most. */
  readonly sequenceLength: number
}

/** An activation that has ended and is recorded. */
export interface Completed {
  readonly completion: Completion
  /** The record without its logs. */
  readonly record: ActivationRecord
}

/** Registers what to do when the caller goes away. */
export type CallerPresence = (onGone: () => void) => void

/**
 * Runs the activation to its end, and records what came of it. Rejects with a Refusal when no place in any queue was free; of a sequence or composition, its
 * first step's.
 */
export function activate(activation: Activation, on: ActivateDeps, presence?: CallerPresence): Promise<Completed> {
  const { action } = activation
  return action.type === 'action' && action.flowHead === undefined
    ? activateAction(activation, action, on, presence)
    : activateFlow(activation, on, presence)
}

async function activateAction(
  activation: Activation,
  action: ResolvedAction,
  on: ActivateDeps,
  presence: CallerPresence | undefined,
): Promise<Completed> {
  const { identity, receivedAt } = activation
  const result = await on.dispatcher.run(action, runRequest(activation, action), receivedAt + on.parkTimeoutMs, {
    onWait: presence,
  })
  const completion = completionOf(result, action, receivedAt, on.clock)
  const record = recordOf(activation, action, completion, on.clock.now())
  on.observe(identity, action.observed, completion, record)
  // Once answered, the record is there to be read, even after a kill: so an answer waits for its run's last output, and for its record to be logged.
  await on.record(await withLogs(record, completion), identity, activation)
  return { completion, record }
}
