/** Media types of requests and results: parsed, and told apart into JSON, text and bytes. */

import { MIMEType } from 'node:util'
import { REGISTRY } from './media-type-registry.ts'

export interface MediaType {
  readonly type: string
  readonly subtype: string
  /** Its content is bytes, not text. */
  readonly binary: boolean
  /** `application/json`, or a type whose name ends in `+json`. */
  readonly json: boolean
  /** As a `Content-Type` under which content of it leaves: text as UTF-8 whatever was asked for, said where the type leaves it open. */
  readonly contentType: string
}

export const APPLICATION_JSON: MediaType = {
  type: 'application',
  subtype: 'json',
  binary: false,
  json: true,
  contentType: 'application/json',
}

export const TEXT_HTML: MediaType = {
  type: 'text',
  subtype: 'html',
  binary: false,
  json: false,
  contentType: 'text/html; charset=UTF-8',
}

export const TEXT_PLAIN: MediaType = { ...TEXT_HTML, subtype: 'plain', contentType: 'text/plain; charset=UTF-8' }

export const IMAGE_SVG: MediaType = {
  type: 'image',
  subtype: 'svg+xml',
  binary: true,
  json: false,
  contentType: 'image/svg+xml',
}

/** What a body is taken for whose type is not told, or cannot be read. */
export const OCTET_STREAM: MediaType = {
  type: 'application',
  subtype: 'octet-stream',
  binary: true,
  json: false,
  contentType: 'application/octet-stream',
}

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/

/** Parses the value of a `Content-Type`; undefined when it is none. */
export function parseMediaType(value: string): MediaType | undefined {
  if (value === 'application/json') return APPLICATION_JSON
  let parsed: MIMEType
  try {
    parsed = new MIMEType(value)
  } catch {
    return undefined
  }
  const { type, subtype, params } = parsed
  const registered = type === 'multipart' ? 'binary' : REGISTRY.get(`${type}/${subtype}`)
  // A type that nobody knows is bytes, unless it says by naming a character set that it is text.
  const kind = registered ?? (params.has('charset') ? 'openText' : 'binary')
  let contentType = `${type}/${subtype}`
  for (const [name, parameter] of params) {
    if (name !== 'charset') contentType += `; ${name}=${TOKEN.test(parameter) ? parameter : quoted(parameter)}`
  }
  if (kind === 'openText') contentType += '; charset=UTF-8'
  return {
    type,
    subtype,
    binary: kind === 'binary',
    json: (type === 'application' && subtype === 'json') || subtype.endsWith('+json'),
    contentType,
  }
}

/** True for forms as browsers send them. */
export function isForm({ type, subtype }: MediaType): boolean {
  return type === 'application' && subtype === 'x-www-form-urlencoded'
}

function quoted(parameter: string): string {
  return `"${parameter.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
