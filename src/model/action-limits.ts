/** The `limits` part of an action's PUT body: parsed, checked against what its namespace may have, completed. */

import type { ActionLimits } from './action.ts'
import { malformedContent, refusal, requirementFailed } from './errors.ts'
import type { JsonValue } from './json.ts'
import { isJsonObject } from './json.ts'
import type { EffectiveLimits, LimitRange } from './limits.ts'

/** The limits that a body sets; the others stay, or become the defaults. */
export type LimitsChange = Partial<ActionLimits>

/** Parses `limits`; throws 400. */
export function parseLimitsChange(value: JsonValue): LimitsChange {
  if (!isJsonObject(value)) throw malformedContent("Object expected in field 'timeout'")
  const timeoutMs = whole(value['timeout'], 'time limit', 'time limit')
  const memoryMb = whole(value['memory'], 'memory limit', 'memory limit')
  const logsMb = whole(value['logs'], 'log limit', 'log limit')
  const concurrency = whole(value['concurrency'], 'concurrency limit', 'intra concurrency limit')
  const instances = whole(value['instances'], 'instance concurrency limit', 'instance concurrency limit')
  if (instances !== undefined && instances < 0) {
    throw malformedContent('requirement failed: Action container concurrency must be greater than or equal to 0.')
  }
  return {
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(memoryMb !== undefined && { memoryMb }),
    ...(logsMb !== undefined && { logsMb }),
    ...(concurrency !== undefined && { concurrency }),
    ...(instances !== undefined && { instances }),
  }
}

function whole(value: JsonValue | undefined, name: string, nameIfFractional: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number') throw malformedContent(`${name} malformed`)
  if (!Number.isInteger(value)) throw malformedContent(`requirement failed: ${nameIfFractional} must be whole number`)
  return value
}

/** Throws 400 when a limit is outside of the namespace's range. `instances` is not looked at: see `checkInstances`. */
export function checkLimitsChange(change: LimitsChange, allowed: EffectiveLimits): void {
  check('duration', change.timeoutMs, ' milliseconds', allowed.timeoutMs)
  check('memory size', change.memoryMb, ' MB', allowed.memoryMb)
  check('log size', change.logsMb, ' MB', allowed.logsMb)
  check('concurrency', change.concurrency, '', allowed.concurrency)
}

function check(what: string, value: number | undefined, unit: string, { min, max }: LimitRange): void {
  if (value === undefined) return
  if (value > max) throw requirementFailed(`${what} ${value}${unit} exceeds allowed threshold of ${max}${unit}`)
  if (value < min) throw requirementFailed(`${what} ${value}${unit} below allowed threshold of ${min}${unit}`)
}

/** Throws 400 when more containers are asked for than the namespace may run at once. */
export function checkInstances(change: LimitsChange, allowed: EffectiveLimits): void {
  if (change.instances === undefined || change.instances <= allowed.concurrentInvocations) return
  const most = allowed.concurrentInvocations
  throw refusal(
    'BAD_REQUEST',
    400,
    `Max action instance concurrency must not exceed your namespace concurrency of ${most}.`,
  )
}

/** A new action's limits: the namespace's defaults where the body sets none. */
export function defaultedLimits(change: LimitsChange, allowed: EffectiveLimits): ActionLimits {
  return {
    timeoutMs: allowed.timeoutMs.std,
    memoryMb: allowed.memoryMb.std,
    logsMb: allowed.logsMb.std,
    concurrency: allowed.concurrency.std,
    ...change,
  }
}
