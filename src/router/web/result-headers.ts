/** The headers that a result asks for, made fit to be sent: nothing that an action returns can end a line or change how the answer is framed. */

import type { JsonValue } from '../../model/json.ts'
import { isJsonObject } from '../../model/json.ts'

export interface ResultHeaders {
  /** Value of the first `content-type`. */
  readonly contentType: string | undefined
  /** Names and values in turn, all others. */
  readonly lines: readonly string[]
}

/** Headers that belong to the connection or are the server's to say: dropped. */
const DROPPED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-connection',
  'server',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
/** Everything but line ends, other control characters than tabs, and characters beyond Latin-1. */
const SENDABLE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/
// oxlint-disable-next-line no-control-regex -- what must not get into a header
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/

/** Undefined where they are no headers: not an object, a value that is neither text, number nor Boolean, a name or value that HTTP does not allow. */
export function readHeaders(value: JsonValue): ResultHeaders | undefined {
  if (!isJsonObject(value)) return undefined
  const lines: string[] = []
  let contentType: string | undefined
  for (const [name, given] of Object.entries(value)) {
    const values = flatten(given ?? null)
    if (values === undefined || !TOKEN.test(name)) return undefined
    const lower = name.toLowerCase()
    for (const text of values) {
      const sendable = latin1(text)
      if (sendable === undefined) return undefined
      if (lower === 'content-type') contentType ??= sendable
      else if (!DROPPED.has(lower)) lines.push(name, sendable)
    }
  }
  return { contentType, lines }
}

/** The texts in a value, those in arrays of arrays included, in order; undefined when one is none. */
function flatten(value: JsonValue): readonly string[] | undefined {
  if (typeof value === 'string') return [value]
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)]
  if (!Array.isArray(value)) return undefined
  const texts: string[] = []
  // Not by recursion: arrays can be nested more deeply than the stack allows.
  const rest: JsonValue[] = value.toReversed()
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (typeof next === 'string') texts.push(next)
    else if (typeof next === 'number' || typeof next === 'boolean') texts.push(String(next))
    else if (Array.isArray(next)) for (const inner of next.toReversed()) rest.push(inner)
    else return undefined
  }
  return texts
}

/** Characters beyond Latin-1 have no place in a header and become question marks; undefined for text that would break the line. */
function latin1(text: string): string | undefined {
  if (SENDABLE.test(text)) return text
  return CONTROL.test(text) ? undefined : text.replaceAll(/[\u0100-\u{10ffff}]/gu, '?')
}
