/** What a web action is told about its request: `__ow_method`, `__ow_headers`, `__ow_path`, `__ow_user`. */

import type { Identity } from '../../model/identity.ts'
import type { WebTarget } from './target.ts'

/** Names that neither query nor body may define. */
export const RESERVED: ReadonlySet<string> = new Set([
  '__ow_method',
  '__ow_headers',
  '__ow_path',
  '__ow_user',
  '__ow_query',
  '__ow_body',
])

/** Of the request as a message, or of this server alone: not for the action. */
const WITHHELD: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'x-ow-extra-logging'])

/** A request as far as an action sees it. */
export interface WebRequest {
  readonly method: string
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
}

/** The members that every web action is given, as JSON text without braces, in bytes of UTF-8 in a latin1 string. */
export function contextMembers(request: WebRequest, target: WebTarget, caller: Identity | undefined): string {
  const user = caller === undefined ? '' : `,"__ow_user":${JSON.stringify(caller.namespace)}`
  return (
    `"__ow_method":"${request.method.toLowerCase()}","__ow_headers":{${headerMembers(request.rawHeaders)}}` +
    `,"__ow_path":${utf8Json(target.path)}${user}`
  )
}

/** Of equal names the last one counts. */
function headerMembers(rawHeaders: readonly string[]): string {
  const values = new Map<string, string>()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? ''
    if (!WITHHELD.has(name)) values.set(name, rawHeaders[at + 1] ?? '')
  }
  let members = ''
  // Names are tokens, in which nothing needs an escape.
  for (const [name, value] of values) members += `${members === '' ? '' : ','}"${name}":${utf8Json(value)}`
  return members
}

/** A string as JSON in bytes of UTF-8 in a latin1 string. */
export function utf8Json(text: string): string {
  const json = JSON.stringify(text)
  return isAsciiText(json) ? json : Buffer.from(json, 'utf8').toString('latin1')
}

function isAsciiText(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false
  return true
}
