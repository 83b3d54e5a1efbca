/** The arguments of a run: what is bound to the action, below what the caller sends. Bytes are spliced where nothing has to be changed. */

import { isAscii, isUtf8 } from 'node:buffer'
import type { Refusal } from '../model/errors.ts'
import { malformedContent, refusal } from '../model/errors.ts'
import type { JsonObject, JsonValue } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'
import type { BoundParameters } from './resolved-action.ts'
import { environmentValue, toBytes } from './resolved-action.ts'

/** A payload that was read and found to be a JSON object. */
export interface Payload {
  /** UTF-8 bytes in a latin1 string, without newlines; `{}` for an empty body. */
  readonly bytes: string
  readonly object: JsonObject
}

export interface Arguments {
  /** As `RunRequest.argumentBytes`. */
  readonly bytes: string
  readonly initEnvironment: Readonly<Record<string, string>>
}

const NOTHING: Payload = { bytes: '{}', object: {} }
const NEWLINE = 10

/** JSON that was read: the value, and its text as `Payload.bytes` has it. */
export interface JsonBytes {
  readonly bytes: string
  readonly value: JsonValue
}

/** Reads the body of an invocation: a JSON object, or nothing. Throws OpenWhisk's 400 texts. */
export function parsePayload(body: Buffer): Payload {
  if (body.length === 0) return NOTHING
  const { bytes, value } = readJson(body)
  if (!isJsonObject(value)) throw malformedContent('JSON object expected')
  return { bytes, object: value }
}

/** Reads JSON of any kind. Throws OpenWhisk's 400 texts. */
export function readJson(body: Buffer): JsonBytes {
  const ascii = isAscii(body)
  if (!ascii && !isUtf8(body)) throw malformedContent('the body is not valid UTF-8')
  const text = body.toString(ascii ? 'latin1' : 'utf8')
  let value: JsonValue
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw malformedContent(error instanceof Error ? error.message : String(error))
  }
  const bytes = ascii ? text : body.toString('latin1')
  // A newline would end the line that carries the message; outside of strings it is only white space, and inside of them JSON does not allow it.
  return { bytes: body.includes(NEWLINE) ? bytes.replaceAll('\n', ' ') : bytes, value }
}

/** Merges bound parameters and payload, the payload's keys winning; throws 400 where it sets a final parameter. */
export function mergeArguments(action: BoundParameters, payload: Payload): Arguments {
  const { bound, initKeys, finalKeys, initEnvironment } = action
  if (finalKeys !== undefined && Object.keys(payload.object).some((key) => finalKeys.has(key))) throw notAllowed()
  if (bound.size === 0 && initKeys.size === 0) return { bytes: payload.bytes, initEnvironment }
  return mergeAllowed(action, payload.bytes, Object.keys(payload.object), () => payload.object)
}

/** As `mergeArguments`, of a payload that may set what it sets. `keys` are those of the object in `bytes`; `parse` makes it out of them. */
export function mergeAllowed(
  action: BoundParameters,
  bytes: string,
  keys: readonly string[],
  parse: () => JsonObject,
): Arguments {
  const { bound, initKeys, initEnvironment } = action
  if (keys.some((key) => bound.has(key) || initKeys.has(key))) return mergeOverlapping(action, parse())
  return { bytes: splice(action.boundBytes, bytes, keys.length), initEnvironment }
}

/** 400 for a payload that sets a final parameter, or one that the platform sets. */
export function notAllowed(): Refusal {
  return refusal('BAD_REQUEST', 400, 'Request defines parameters that are not allowed (e.g., reserved properties).')
}

/** `{bound,payload}` without parsing or serialising either. */
export function splice(boundBytes: string, payloadBytes: string, payloadKeys: number): string {
  if (boundBytes === '') return payloadBytes
  return payloadKeys === 0 ? `{${boundBytes}}` : `{${boundBytes},${payloadBytes.slice(payloadBytes.indexOf('{') + 1)}`
}

function mergeOverlapping(action: BoundParameters, payload: JsonObject): Arguments {
  const merged = new Map<string, JsonValue>(action.bound)
  const environment: Record<string, string> = { ...action.initEnvironment }
  for (const [key, value = null] of Object.entries(payload)) {
    if (action.initKeys.has(key)) environment[key] = environmentValue(value)
    else merged.set(key, value)
  }
  try {
    const members = [...merged].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
    return { bytes: toBytes(`{${members.join(',')}}`), initEnvironment: environment }
  } catch {
    throw malformedContent('JSON input nested too deeply')
  }
}
