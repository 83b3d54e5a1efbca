/** A result as an HTTP answer of the action's own making: `statusCode`, `headers` and `body`, each optional. */

import { isBinary } from '../../model/exec.ts'
import type { JsonValue } from '../../model/json.ts'
import { contentTypeMismatch, invalidFor, unknownContentType } from './invalid-response.ts'
import { membersOf, stringIn } from './json-text.ts'
import type { MediaType } from './media-types.ts'
import { APPLICATION_JSON, parseMediaType, TEXT_HTML } from './media-types.ts'
import { prettyJson } from './pretty-json.ts'
import { readHeaders } from './result-headers.ts'
import type { WebAnswer, WebContent } from './web-answer.ts'

const OK = 200
const NO_CONTENT = 204
const MESSAGE_HTTP = { type: 'message', subtype: 'http' }

/** The answer that the JSON text describes. Throws the refusals of invalid-response.ts. */
export function projectHttp(result: string): WebAnswer {
  const members = membersOf(result)
  if (members === undefined) throw invalidFor(MESSAGE_HTTP)
  const given = members.get('headers')
  const headers = given === undefined ? readHeaders({}) : readHeaders(valueOf(given))
  if (headers === undefined) throw invalidFor(MESSAGE_HTTP)
  const status = statusOf(members.get('statusCode'))
  const body = members.get('body')
  const text = body === undefined ? undefined : stringIn(body)
  if (body === undefined || body === 'null' || text === '') {
    return { status: status ?? NO_CONTENT, headers: headers.lines }
  }
  const { contentType, lines } = headers
  const content = text === undefined ? jsonContent(body, contentType) : textContent(text, contentType)
  return { status: status ?? OK, headers: lines, content }
}

/** Undefined where none is given. */
function statusOf(json: string | undefined): number | undefined {
  if (json === undefined) return undefined
  const value = valueOf(json)
  const status = typeof value === 'string' && /^[+-]?\d{1,10}$/.test(value) ? Number(value) : value
  // 100 to 199 would announce another answer, which never comes.
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599) {
    throw invalidFor(MESSAGE_HTTP)
  }
  return status
}

function textContent(text: string, contentType: string | undefined): WebContent {
  const mediaType = contentType === undefined ? TEXT_HTML : parseMediaType(contentType)
  if (mediaType === undefined) throw unknownContentType()
  // JSON that looks like base64 is decoded: actions of old encoded all JSON.
  if (mediaType.binary || (mediaType.json && isBinary(text))) return { mediaType, data: decodeBase64(text) }
  return { mediaType, data: text }
}

function jsonContent(json: string, contentType: string | undefined): WebContent {
  const mediaType = contentType === undefined ? APPLICATION_JSON : parseMediaType(contentType)
  if (mediaType === undefined || !mediaType.json) throw contentTypeMismatch()
  return { mediaType: bare(mediaType), data: prettyJson(json) }
}

/** JSON is UTF-8 by itself: its types leave without parameters. */
function bare(mediaType: MediaType): WebContent['mediaType'] {
  const { type, subtype } = mediaType
  return { type, subtype, contentType: `${type}/${subtype}` }
}

/** Strict base64, padded or not; throws what OpenWhisk says of anything else. */
function decodeBase64(text: string): Buffer {
  const padded = text.endsWith('=')
  const digits = text.replace(/={1,2}$/, '').length
  // The rest of the alphabet is checked by padding it: `isBinary` is that of whole groups of four.
  const whole = padded ? text : text + '='.repeat((4 - (digits % 4)) % 4)
  if (digits % 4 === 1 || whole !== whole.trim() || !isBinary(whole)) throw contentTypeMismatch()
  return Buffer.from(text, 'base64')
}

function valueOf(json: string): JsonValue {
  const value: JsonValue = JSON.parse(json)
  return value
}
