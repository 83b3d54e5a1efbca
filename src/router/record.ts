/** The activation record of one call, put together from what was rendered when the action was resolved. */

import type { ActivationRecord } from '../model/activation.ts'
import type { Identity } from '../model/identity.ts'
import type { ActivationId } from '../model/ids.ts'
import type { Completion } from './call.ts'
import type { ResolvedAction } from './resolved-action.ts'

/** The record of a completed call, `logs` empty: they may still arrive. `now` in ms since the epoch, for calls that never ran. */
export function recordOf(
  activationId: ActivationId,
  identity: Identity,
  resolved: ResolvedAction,
  completion: Completion,
  now: number,
): ActivationRecord {
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
      `,{"key":"waitTime","value":${Math.round(waitMs)}}${initTime}]`,
  }
}
