/** The record of a flow: the ids of its steps in place of logs, the sum of their durations, the largest memory among their limits. */

import type { ActivationRecord, Outcome } from '../model/activation.ts'
import { limitsJson } from '../model/action.ts'
import type { ActivationId } from '../model/ids.ts'
import type { Frame } from './flow-frame.ts'
import { CAUSED_BY } from './record.ts'

/** In whose name a flow runs. */
export type FlowOwner = Pick<ActivationRecord, 'namespace' | 'subject'>

/** The record of `frame` once it is over. `cause`: the flow that it is a step of. `now` in ms since the epoch. */
export function flowRecord(
  frame: Frame,
  outcome: Outcome,
  owner: FlowOwner,
  cause: ActivationId | undefined,
  now: number,
): ActivationRecord {
  const { head, memoryMb } = frame
  const { timeoutMs, logsMb } = head
  const limits =
    memoryMb === undefined
      ? ''
      : `,{"key":"limits","value":${JSON.stringify(limitsJson({ timeoutMs, memoryMb, logsMb, concurrency: 1 }))}}`
  return {
    activationId: frame.activationId,
    namespace: owner.namespace,
    subject: owner.subject,
    name: head.name,
    filter: head.filter,
    version: head.version,
    start: frame.startedAt,
    end: Math.max(now, frame.startedAt),
    duration: frame.durationMs,
    outcome,
    logsJson: JSON.stringify(frame.ids),
    annotationsJson:
      `${head.annotationsHead},{"key":"topmost","value":${cause === undefined}}${limits}` +
      `,{"key":"waitTime","value":${frame.waitMs}}${cause === undefined ? '' : CAUSED_BY}]`,
    ...(cause !== undefined && { cause }),
  }
}
