/** The activation record of one call, put together from what was rendered when the action was resolved. */

import type { ActivationRecord } from '../model/activation.ts'
import type { Activation } from './activate.ts'
import type { Completion } from './call.ts'
import type { ResolvedAction } from './resolved-action.ts'

/** OpenWhisk says `sequence` for parts of compositions, too. */
export const CAUSED_BY = ',{"key":"causedBy","value":"sequence"}'

/** The record of an activation that has ended, `logs` empty: they may still arrive. `now` in ms since the epoch, for those that never ran. */
export function recordOf(
  activation: Activation,
  resolved: ResolvedAction,
  completion: Completion,
  now: number,
): ActivationRecord {
  const { activationId, identity, cause } = activation
  const { run, outcome, waitMs } = completion
  const { action } = resolved
  const initMs = run?.initMs === undefined ? undefined : Math.round(run.initMs)
  const duration = run === undefined ? 0 : Math.round(run.runMs) + (initMs ?? 0)
  const start = run?.startedAt ?? now
  const initTime = initMs === undefined ? '' : `,{"key":"initTime","value":${initMs}}`
  return {
    activationId,
    namespace: identity.namespace,
    subject: identity.subject,
    name: action.name,
    filter: resolved.filter,
    version: action.version,
    start,
    end: start + duration,
    duration,
    outcome,
    logsJson: '[]',
    annotationsJson:
      `${resolved.annotationsHead},{"key":"timeout","value":${run?.timedOut ?? false}}` +
      `,{"key":"waitTime","value":${Math.round(waitMs)}}${initTime}${cause === undefined ? '' : CAUSED_BY}]`,
    ...(cause !== undefined && { cause }),
  }
}
