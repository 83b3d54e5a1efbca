/** The run of one action in a container: what is asked for, and what the answer means for the activation and its record. */

import type { ActivationRecord } from '../model/activation.ts'
import { DEVELOPER_ERROR, WHISK_ERROR, errorOutcome } from '../model/activation.ts'
import type { Clock } from '../model/clock.ts'
import { apiKey } from '../model/identity.ts'
import { EMPTY_LOG } from '../proxy/activation-log.ts'
import type { FinishedRun, RunRequest } from '../proxy/run-request.ts'
import type { Activation } from './activate.ts'
import type { Completion } from './call.ts'
import type { Unrun } from './dispatch.ts'
import type { ResolvedAction } from './resolved-action.ts'
import { imageMissing } from './unrunnable.ts'

/** What the dispatcher's result means for the activation. `receivedAt` in monotonic ms. */
export function completionOf(
  result: FinishedRun | Unrun,
  { requirements }: ResolvedAction,
  receivedAt: number,
  clock: Clock,
): Completion {
  return result.type === 'finished'
    ? { outcome: result.outcome, run: result, waitMs: result.beganAt - receivedAt }
    : { outcome: outcomeOf(result, requirements), run: undefined, waitMs: clock.monotonic() - receivedAt }
}

/** The record with the log of its run, once that is complete. */
export function withLogs(record: ActivationRecord, { run }: Completion): ActivationRecord | Promise<ActivationRecord> {
  if (run === undefined || run.log === EMPTY_LOG) return record
  return new Promise((resolve) => run.log.whenComplete((logsJson) => resolve({ ...record, logsJson })))
}

/** What the proxy is asked to do for one activation. */
export function runRequest(activation: Activation, { program, providesApiKey }: ResolvedAction): RunRequest {
  const { activationId, transactionId, identity, args } = activation
  return {
    activationId,
    transactionId,
    program,
    namespace: identity.namespace,
    apiKey: providesApiKey ? apiKey(identity) : undefined,
    argumentBytes: args.bytes,
    initEnvironment: args.initEnvironment,
    resultLimitBytes: identity.limits.payloadBytes,
    truncationBytes: identity.limits.truncationBytes,
  }
}

function outcomeOf(failure: Unrun, { kind, image }: ResolvedAction['requirements']): Completion['outcome'] {
  switch (failure.type) {
    case 'unrunnable':
      return failure.outcome
    case 'failed':
      if (failure.failure === 'imageNotFound' && kind === 'blackbox') return imageMissing(image)
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
