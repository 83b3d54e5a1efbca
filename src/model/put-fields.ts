/** What the bodies of all `PUT`s of entities have in common: optional fields, and sizes that are checked before most of the decoding. */

import { malformedContent } from './errors.ts'
import type { JsonObject, JsonValue } from './json.ts'
import type { Annotation, Parameter } from './parameters.ts'
import { checkSize, parseAnnotations, parseParameters } from './parameters.ts'
import type { Version } from './version.ts'
import { parseVersion } from './version.ts'

/** Bounds in bytes. */
export interface SizeRules {
  readonly parametersBytes: number
  readonly annotationsBytes: number
}

/** The parts of a body that have a size. */
export interface SizedFields {
  readonly parameters?: readonly Parameter[]
  readonly annotations?: readonly Annotation[]
}

/** `version` and `publish`, which every entity has. */
export interface CommonFields {
  readonly version?: Version
  readonly publish?: boolean
}

/** A field's value as `parse` reads it; undefined where it is absent, for which null stands, too. */
export function optional<Parsed>(
  value: JsonValue | undefined,
  parse: (value: JsonValue) => Parsed,
): Parsed | undefined {
  return value === undefined || value === null ? undefined : parse(value)
}

/** Decodes `parameters` and `annotations` (400) and checks their sizes (413): OpenWhisk does both before it looks at anything else. */
export function parseSizedFields(body: JsonObject, rules: SizeRules): SizedFields {
  const parameters = optional(body['parameters'], parseParameters)
  const annotations = optional(body['annotations'], parseAnnotations)
  if (parameters !== undefined) checkSize('parameters', parameters, rules.parametersBytes)
  if (annotations !== undefined) checkSize('annotations', annotations, rules.annotationsBytes)
  return { ...(parameters !== undefined && { parameters }), ...(annotations !== undefined && { annotations }) }
}

/** Decodes `version` and `publish`; throws 400. */
export function parseCommonFields(body: JsonObject): CommonFields {
  const version = optional(body['version'], parseVersion)
  const publish = optional(body['publish'], parseBoolean)
  return { ...(version !== undefined && { version }), ...(publish !== undefined && { publish }) }
}

/** Throws 400 for anything but true and false. */
export function parseBoolean(value: JsonValue): boolean {
  if (typeof value === 'boolean') return value
  throw malformedContent(`Expected JsTrue or JsFalse, but got ${JSON.stringify(value)}`)
}
