/** The body of `PUT /actions/A`, and the action that it makes: new, or out of the one that is stored. */

import type { Action, SequenceExec } from './action.ts'
import { kindOf } from './action.ts'
import type { LimitsChange } from './action-limits.ts'
import { defaultedLimits, parseLimitsChange } from './action-limits.ts'
import { malformedContent, partTooLarge, refusal } from './errors.ts'
import type { ExecRules, NewExec } from './exec.ts'
import { parseExec } from './exec.ts'
import type { JsonValue } from './json.ts'
import { isJsonObject } from './json.ts'
import type { EffectiveLimits } from './limits.ts'
import type { FullyQualifiedName } from './names.ts'
import { formatPath } from './names.ts'
import type { Annotation, Parameter } from './parameters.ts'
import { annotation, checkSize, mergeByKey, parseAnnotations, parseParameters } from './parameters.ts'
import { optional, parseBoolean } from './put-fields.ts'
import type { Version } from './version.ts'
import { FIRST_VERSION, nextPatch, parseVersion } from './version.ts'

/** What a body sets; everything is optional. */
export interface ActionPut {
  readonly exec?: NewExec
  readonly parameters?: readonly Parameter[]
  readonly annotations?: readonly Annotation[]
  readonly limits: LimitsChange
  readonly version?: Version
  readonly publish?: boolean
  /** Keys of annotations to remove before `annotations` are added. */
  readonly delAnnotations: readonly string[]
}

/** Bounds in bytes, and the kinds that can be had. */
export interface ActionPutRules extends ExecRules {
  readonly codeBytes: number
  readonly parametersBytes: number
  readonly annotationsBytes: number
}

/**
 * Parses a body. In OpenWhisk's order: exec, parameters and annotations are decoded (400), their sizes checked (413), only then the rest is decoded
 * (400). null stands for an absent field.
 */
export function parseActionPut(body: JsonValue, rules: ActionPutRules): ActionPut {
  if (!isJsonObject(body)) throw malformedContent("Object expected in field 'exec'")
  const exec = optional(body['exec'], (value) => parseExec(value, rules))
  const parameters = optional(body['parameters'], parseParameters)
  const annotations = optional(body['annotations'], parseAnnotations)

  const codeBytes = exec === undefined || exec.exec.type === 'sequence' ? 0 : exec.exec.codeBytes
  if (codeBytes > rules.codeBytes) throw partTooLarge('exec', codeBytes, rules.codeBytes)
  if (parameters !== undefined) checkSize('parameters', parameters, rules.parametersBytes)
  if (annotations !== undefined) checkSize('annotations', annotations, rules.annotationsBytes)

  const limits = optional(body['limits'], parseLimitsChange) ?? {}
  const version = optional(body['version'], parseVersion)
  const publish = optional(body['publish'], parseBoolean)
  const delAnnotations = optional(body['delAnnotations'], parseTexts) ?? []
  return {
    limits,
    delAnnotations,
    ...(exec !== undefined && { exec }),
    ...(parameters !== undefined && { parameters }),
    ...(annotations !== undefined && { annotations }),
    ...(version !== undefined && { version }),
    ...(publish !== undefined && { publish }),
  }
}

function parseTexts(value: JsonValue): readonly string[] {
  if (!Array.isArray(value)) throw malformedContent(`Expected List as JsArray, but got ${JSON.stringify(value)}`)
  return value.map((entry: JsonValue) => {
    if (typeof entry === 'string') return entry
    throw malformedContent(`Expected String as JsString, but got ${JSON.stringify(entry)}`)
  })
}

/** The action that a body creates. Throws 400 when it has no `exec`. */
export function createAction(
  name: FullyQualifiedName,
  put: ActionPut,
  allowed: EffectiveLimits,
  nowMs: number,
): Action {
  if (put.exec === undefined) throw refusal('BAD_REQUEST', 400, 'exec undefined')
  const { exec } = put.exec
  const given = put.annotations ?? []
  const key = annotation(given, 'provide-api-key') === undefined ? [{ key: 'provide-api-key', value: false }] : []
  return {
    ...name,
    entityType: 'action',
    version: put.version ?? FIRST_VERSION,
    publish: put.publish ?? false,
    parameters: exec.type === 'sequence' ? sequenceParameters(exec) : (put.parameters ?? []),
    annotations: withKind([...given, ...key], kindOf(exec)),
    limits: defaultedLimits(put.limits, allowed),
    exec,
    updated: nowMs,
  }
}

/** `stored` as a body changes it: annotations are merged, parameters replaced as a whole, all that is absent stays. */
export function updateAction(stored: Action, put: ActionPut, nowMs: number): Action {
  const exec = put.exec?.exec ?? stored.exec
  // OpenWhisk forgets the list where the body makes a sequence.
  const removed = put.exec?.exec.type === 'sequence' ? [] : put.delAnnotations
  const kept = stored.annotations.filter(({ key }) => !removed.includes(key))
  return {
    ...stored,
    version: put.version ?? nextPatch(stored.version),
    publish: put.publish ?? stored.publish,
    parameters: exec.type === 'sequence' ? sequenceParameters(exec) : (put.parameters ?? inherited(stored)),
    annotations: withKind(mergeByKey(kept, put.annotations ?? []), kindOf(exec)),
    limits: { ...stored.limits, ...put.limits },
    exec,
    updated: nowMs,
  }
}

/** A sequence has no parameters but the list of its components, whatever the body says. */
function sequenceParameters({ components }: SequenceExec): readonly Parameter[] {
  return [{ key: '_actions', value: components.map((component) => `/${formatPath(component)}`) }]
}

/** What stays of the parameters where a body sets none: the list of a sequence's components is of no use to code. */
function inherited(stored: Action): readonly Parameter[] {
  return stored.exec.type === 'sequence' ? [] : stored.parameters
}

/** The `exec` annotation says the kind, whatever the client wrote there. */
function withKind(annotations: readonly Annotation[], kind: string): readonly Annotation[] {
  return mergeByKey(annotations, [{ key: 'exec', value: kind }])
}
