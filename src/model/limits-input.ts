/** Changes of a namespace's limits as operators send them: checked field by field, then as a whole. */

import { closest } from 'fastest-levenshtein'
import { refusal } from './errors.ts'
import type { JsonObject, JsonValue } from './json.ts'
import type { NamespaceLimits } from './limits.ts'
import { parseSize } from './limits.ts'

const DURATION = /^\d{1,9}\s*(?:ms|milliseconds?|s|seconds?|m|minutes?|h|hours?|d|days?)$/

const isWhole = (value: JsonValue): boolean => Number.isSafeInteger(value) && Number(value) >= 0
const isSize = (value: JsonValue): boolean => typeof value === 'string' && parseSize(value) !== undefined
const isTexts = (value: JsonValue): boolean =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'string' && entry !== '')

type Check = readonly [accepts: (value: JsonValue) => boolean, what: string]
const WHOLE: Check = [isWhole, 'a whole number of at least 0']
const SIZE: Check = [isSize, 'a size with a unit, for example "1 MB"']

const CHECKS: Readonly<Record<keyof NamespaceLimits, Check>> = {
  invocationsPerMinute: WHOLE,
  concurrentInvocations: WHOLE,
  firesPerMinute: WHOLE,
  allowedKinds: [isTexts, 'a list of kinds'],
  storeActivations: [(value) => typeof value === 'boolean', 'true or false'],
  minActionMemory: WHOLE,
  maxActionMemory: WHOLE,
  minActionLogs: WHOLE,
  maxActionLogs: WHOLE,
  minActionTimeout: WHOLE,
  maxActionTimeout: WHOLE,
  minActionConcurrency: WHOLE,
  maxActionConcurrency: WHOLE,
  maxParameterSize: SIZE,
  maxPayloadSize: SIZE,
  truncationSize: SIZE,
  maxActionInstances: WHOLE,
  warmedContainerKeepingCount: WHOLE,
  warmedContainerKeepingTimeout: [
    (value) => typeof value === 'string' && DURATION.test(value),
    'a duration, for example "24 hours"',
  ],
}

/** The names of all limits that a namespace may have of its own. */
export const LIMIT_NAMES: readonly string[] = Object.keys(CHECKS)

const PAIRS = [
  ['minActionMemory', 'maxActionMemory'],
  ['minActionLogs', 'maxActionLogs'],
  ['minActionTimeout', 'maxActionTimeout'],
  ['minActionConcurrency', 'maxActionConcurrency'],
] as const

/**
 * `current` with the fields of `change` in place of its own; null removes one. Throws 400 for an unknown name, a value of the wrong kind,
 * and a minimum above its maximum.
 */
export function changeLimits(current: NamespaceLimits, change: JsonObject): NamespaceLimits {
  const fields = new Map<string, JsonValue>(Object.entries(current))
  for (const [name, value] of Object.entries(change)) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name as keyof NamespaceLimits] : undefined
    if (check === undefined) {
      const meant = closest(name, LIMIT_NAMES)
      const text = `There is no limit '${name}'. Did you mean '${meant}'? Valid names are: ${LIMIT_NAMES.join(', ')}.`
      throw refusal('BAD_REQUEST', 400, text)
    }
    if (value === undefined || value === null) fields.delete(name)
    else if (check[0](value)) fields.set(name, value)
    else throw refusal('BAD_REQUEST', 400, `The limit '${name}' must be ${check[1]}.`)
  }
  // Each field passed its own check just now or when it was stored.
  const limits = Object.fromEntries(fields) as NamespaceLimits
  for (const [min, max] of PAIRS) {
    const [low, high] = [limits[min], limits[max]]
    if (low !== undefined && high !== undefined && low > high) {
      throw refusal('BAD_REQUEST', 400, `The limit '${min}' (${low}) must not exceed '${max}' (${high}).`)
    }
  }
  return limits
}
