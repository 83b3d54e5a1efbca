/** The body of a request, by its media type: fields that become arguments, or one value for `__ow_body`. */

import { malformedContent } from '../../model/errors.ts'
import type { JsonObject } from '../../model/json.ts'
import { isJsonObject } from '../../model/json.ts'
import { readJson } from '../arguments.ts'
import { utf8Json } from './context.ts'
import { parseFields } from './fields.ts'
import { isForm, OCTET_STREAM, parseMediaType } from './media-types.ts'

export type WebBody =
  | { readonly type: 'none' }
  /** A JSON object: its text as UTF-8 bytes in a latin1 string, and what it says. */
  | { readonly type: 'object'; readonly bytes: string; readonly object: JsonObject }
  | { readonly type: 'form'; readonly fields: ReadonlyMap<string, string> }
  /** Anything else, as the JSON text of `__ow_body`; in bytes as above. */
  | { readonly type: 'value'; readonly bytes: string }

const NOTHING: WebBody = { type: 'none' }
const BAD_ESCAPE = /%(?![0-9a-f]{2})/i

/** The body of a request to an action that takes arguments. Throws OpenWhisk's 400 texts. `contentType` is the header. */
export function decodeBody(body: Buffer, contentType: string | undefined): WebBody {
  if (body.length === 0) return NOTHING
  const mediaType = parseMediaType(contentType ?? '') ?? OCTET_STREAM
  if (mediaType.json) {
    const { bytes, value } = readJson(body)
    return isJsonObject(value) ? { type: 'object', bytes, object: value } : { type: 'value', bytes }
  }
  if (isForm(mediaType)) return { type: 'form', fields: parseForm(body.toString('utf8')) }
  return { type: 'value', bytes: mediaType.binary ? base64(body) : utf8Json(body.toString('utf8')) }
}

/** The same as JSON text for `__ow_body`, of an action that takes everything raw: empty text where there is no body. */
export function rawBody(body: Buffer, contentType: string | undefined): string {
  if (body.length === 0) return '""'
  const mediaType = parseMediaType(contentType ?? '') ?? OCTET_STREAM
  // Plain JSON is text, and encoded all the same, for clients of old.
  const encoded = mediaType.binary || (mediaType.type === 'application' && mediaType.subtype === 'json')
  return encoded ? base64(body) : utf8Json(body.toString('utf8'))
}

function base64(body: Buffer): string {
  return `"${body.toString('base64')}"`
}

function parseForm(text: string): ReadonlyMap<string, string> {
  if (BAD_ESCAPE.test(text)) throw malformedContent('The form has a percent sign that begins no escape.')
  return parseFields(text)
}
