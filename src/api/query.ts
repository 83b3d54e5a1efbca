/** Query parameters: found by scanning, read as OpenWhisk reads them, refused in its words. Unknown ones are ignored; of repeated ones the first counts. */

import { malformedQuery } from '../model/errors.ts'
import { decodeQueryPart } from './request-target.ts'

/** The decoded value of a parameter: `''` when it is present without one, undefined when it is absent. */
export function queryValue(query: string, name: string): string | undefined {
  for (let at = 0; at < query.length;) {
    const amp = query.indexOf('&', at)
    const end = amp < 0 ? query.length : amp
    const equals = query.indexOf('=', at)
    const keyEnd = equals < 0 || equals > end ? end : equals
    if (decodeQueryPart(query.slice(at, keyEnd)) === name) {
      return keyEnd === end ? '' : decodeQueryPart(query.slice(keyEnd + 1, end))
    }
    at = end + 1
  }
  return undefined
}

/** A Boolean parameter; absent or empty is `fallback`. Throws 400. */
export function booleanParameter(query: string, name: string, fallback: boolean): boolean {
  const text = queryValue(query, name)?.toLowerCase()
  switch (text) {
    case undefined:
    case '':
      return fallback
    case 'true':
    case 'yes':
    case 'on':
    case '1':
      return true
    case 'false':
    case 'no':
    case 'off':
    case '0':
      return false
    default:
      throw malformedQuery(name, `'${text}' is not a valid Boolean value`)
  }
}

/** Which rows of a collection are asked for. */
export interface ListRange {
  readonly skip: number
  /** 1 to the system's maximum: `limit=0` asks for as many as there may be. */
  readonly limit: number
  /** Only their number is asked for. */
  readonly count: boolean
}

/** `skip`, `limit` and `count` of a list, in OpenWhisk's order of complaint. `std` and `max` are the system's list limits. Throws 400. */
export function listRange(query: string, collection: string, std: number, max: number): ListRange {
  const skip = int32Parameter(query, 'skip', collection) ?? 0
  if (skip < 0) throw malformedQuery('skip', `The value '${skip}' is not greater than or equal to 0 for ${collection}.`)
  const limit = int32Parameter(query, 'limit', collection) ?? std
  if (limit < 0 || limit > max) {
    throw malformedQuery('limit', `The value '${limit}' is not in the range of 0 to ${max} for ${collection}.`)
  }
  return { skip, limit: limit === 0 ? max : limit, count: booleanParameter(query, 'count', false) }
}

function int32Parameter(query: string, name: string, collection: string): number | undefined {
  const text = queryValue(query, name)
  if (text === undefined) return undefined
  const value = parseInteger(text)
  if (value === undefined || value < -(2 ** 31) || value >= 2 ** 31) {
    throw malformedQuery(name, `The value '${text}' is not an integer for ${collection}.`)
  }
  return value
}

/** A decimal integer with an optional sign, or undefined. Beyond 2^53 it is the nearest number. */
export function parseInteger(text: string): number | undefined {
  return /^[+-]?\d{1,19}$/.test(text) ? Number(text) + 0 : undefined
}

/** How a caller wants to be answered. */
export interface InvokeQuery {
  readonly blocking: boolean
  readonly result: boolean
  /** ms that a blocking caller is willing to wait. */
  readonly timeoutMs: number
}

/** The query of `POST /actions/A`. `maxWaitMs` is the system's longest blocking wait and the default. Throws 400. */
export function parseInvokeQuery(query: string, maxWaitMs: number): InvokeQuery {
  if (query === '') return { blocking: false, result: false, timeoutMs: maxWaitMs }
  const blocking = booleanParameter(query, 'blocking', false)
  const result = booleanParameter(query, 'result', false)
  const text = queryValue(query, 'timeout')
  const timeoutMs = text === undefined ? maxWaitMs : parseInteger(text)
  if (timeoutMs === undefined || timeoutMs < 1 || timeoutMs > maxWaitMs) {
    throw malformedQuery('timeout', `Timeout must be number of milliseconds up to ${maxWaitMs}.`)
  }
  return { blocking, result, timeoutMs }
}
