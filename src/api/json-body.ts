/** JSON request bodies: content type, UTF-8, syntax and depth, each refused in OpenWhisk's words. */

import { isUtf8 } from 'node:buffer'
import { malformedContent } from '../model/errors.ts'
import type { JsonObject, JsonValue } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'
import { unsupportedMediaType } from './rejections.ts'

/** Deeper values would overflow the stack of whatever walks or serialises them; the bound is spray-json's. */
const MAX_DEPTH = 1000

/** Throws 415 unless the header says `application/json` with any parameters. A body without a type counts as octets. */
export function requireJsonType(contentType: string | undefined): void {
  if (contentType === 'application/json') return
  const given = contentType === undefined || contentType.trim() === '' ? 'application/octet-stream' : contentType.trim()
  const mediaType = given.split(';', 1)[0]?.trim().toLowerCase()
  if (mediaType !== 'application/json') throw unsupportedMediaType(given, 'application/json')
}

/** The body as a JSON value. Throws 400 for an empty body, bad UTF-8, bad syntax and excessive depth. */
export function parseJson(body: Buffer): JsonValue {
  if (body.length === 0) {
    throw malformedContent('Unexpected end-of-input at input index 0 (line 1, position 1), expected JSON Value:\n\n^')
  }
  const value = syntax(utf8(body))
  if (isDeeperThan(value, MAX_DEPTH)) {
    const problem = 'JSON input nested too deeply:JSON input was nested more deeply than the set limit of maxNesting'
    throw malformedContent(`${problem} = ${MAX_DEPTH}`)
  }
  return value
}

/**
 * The body of an invocation: a JSON object, or undefined when there is none, whatever its type is said to be.
 * Throws 415 and 400 as the functions above, and 400 for a value of another kind.
 */
export function parseJsonObject(body: Buffer, contentType: string | undefined): JsonObject | undefined {
  if (body.length === 0) return undefined
  requireJsonType(contentType)
  const value = parseJson(body)
  if (!isJsonObject(value)) throw malformedContent('JSON object expected')
  return value
}

/** The body as text; throws 400 when it is not UTF-8. */
export function utf8(body: Buffer): string {
  if (!isUtf8(body)) throw malformedContent('The body is not valid UTF-8.')
  return body.toString('utf8')
}

function syntax(text: string): JsonValue {
  try {
    const value: JsonValue = JSON.parse(text)
    return value
  } catch (error) {
    throw malformedContent(error instanceof Error ? error.message : 'The body is not valid JSON.')
  }
}

function isDeeperThan(value: JsonValue | undefined, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  return Object.values(value).some((inner) => isDeeperThan(inner, levels - 1))
}
