/** The body of `PUT /triggers/T`, and the trigger that it makes: new, or out of the one that is stored. */

import { malformedContent, refusal } from './errors.ts'
import type { JsonValue } from './json.ts'
import { isJsonObject } from './json.ts'
import type { FullyQualifiedName } from './names.ts'
import { isLegalName } from './names.ts'
import { annotation } from './parameters.ts'
import type { CommonFields, SizedFields, SizeRules } from './put-fields.ts'
import { optional, parseCommonFields, parseSizedFields } from './put-fields.ts'
import type { Trigger } from './trigger.ts'
import { FIRST_VERSION, nextPatch } from './version.ts'

/** What a body sets; everything is optional. */
export interface TriggerPut extends SizedFields, CommonFields {}

/**
 * Parses a body. In OpenWhisk's order: parameters and annotations are decoded (400), their sizes checked (413), only then the rest is decoded (400).
 * `limits` of triggers are an object of which nothing is known.
 */
export function parseTriggerPut(body: JsonValue, rules: SizeRules): TriggerPut {
  if (!isJsonObject(body)) throw malformedContent("Object expected in field 'parameters'")
  const sized = parseSizedFields(body, rules)
  optional(body['limits'], (limits) => {
    if (!isJsonObject(limits)) throw malformedContent('Object expected')
  })
  return { ...sized, ...parseCommonFields(body) }
}

/** The trigger that a body creates. No rules are linked to it, also none that name it. Throws 400 for an annotation `feed` that is no path. */
export function createTrigger(
  { namespace, name }: FullyQualifiedName,
  { parameters = [], annotations = [], version = FIRST_VERSION, publish = false }: TriggerPut,
  nowMs: number,
): Trigger {
  const feed = annotation(annotations, 'feed')
  if (feed !== undefined && !isPath(feed)) throw refusal('BAD_REQUEST', 400, 'Feed name is not valid')
  return { namespace, name, entityType: 'trigger', version, publish, parameters, annotations, updated: nowMs }
}

/** `stored` as a body changes it: parameters and annotations are replaced as a whole, all that is absent stays, and so do the links of rules. */
export function updateTrigger(stored: Trigger, put: TriggerPut, nowMs: number): Trigger {
  return {
    ...stored,
    version: put.version ?? nextPatch(stored.version),
    publish: put.publish ?? stored.publish,
    parameters: put.parameters ?? stored.parameters,
    annotations: put.annotations ?? stored.annotations,
    updated: nowMs,
  }
}

/** `/NS/PKG/A`, `/NS/A` or `A`, any number of segments: whether there is such an action is for the client that speaks to it. */
function isPath(value: JsonValue): boolean {
  if (typeof value !== 'string') return false
  const segments = value.split('/').filter((segment) => segment !== '')
  return segments.length > 0 && segments.every((segment) => isLegalName(segment))
}
