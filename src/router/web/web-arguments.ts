/** The arguments of a web action: what is bound to it, below what its request says of itself, below query, below body. Bytes are spliced. */

import type { JsonObject } from '../../model/json.ts'
import type { Arguments } from '../arguments.ts'
import { mergeAllowed, notAllowed } from '../arguments.ts'
import type { BoundParameters } from '../resolved-action.ts'
import { RESERVED, utf8Json } from './context.ts'
import type { WebBody } from './decode-body.ts'
import { decodeBody, rawBody } from './decode-body.ts'
import { parseFields } from './fields.ts'

/** What a request carries, apart from its context. */
export interface WebPayload {
  /** As it was sent, without the question mark. */
  readonly query: string
  readonly body: Buffer
  readonly contentType: string | undefined
}

const NO_KEYS: readonly string[] = []

/** Query and body become arguments. Throws 400 where they cannot be read, or define what they may not. `context` as `contextMembers` makes it. */
export function webArguments(action: BoundParameters, context: string, payload: WebPayload): Arguments {
  const body = decodeBody(payload.body, payload.contentType)
  const query = payload.query === '' ? undefined : parseFields(payload.query)
  const bodyKeys = keysOf(body)
  for (const key of query?.keys() ?? NO_KEYS) checkAllowed(action, key)
  for (const key of bodyKeys) checkAllowed(action, key)

  let members = context
  for (const [name, value] of query ?? []) {
    if (!definesKey(body, name)) members += `,${utf8Json(name)}:${utf8Json(value)}`
  }
  const bytes = `{${members}${bodyMembers(body, bodyKeys.length)}}`
  if (!bindsAnything(action)) return { bytes, initEnvironment: action.initEnvironment }
  return mergeAllowed(action, bytes, [...RESERVED, ...(query?.keys() ?? NO_KEYS), ...bodyKeys], () => parsed(bytes))
}

/** Query and body go into `__ow_query` and `__ow_body`: nothing of them becomes an argument, so that there is nothing to be checked. */
export function rawArguments(action: BoundParameters, context: string, payload: WebPayload): Arguments {
  const body = rawBody(payload.body, payload.contentType)
  const bytes = `{${context},"__ow_query":${utf8Json(payload.query)},"__ow_body":${body}}`
  return mergeAllowed(action, bytes, [...RESERVED], () => parsed(bytes))
}

function bindsAnything({ bound, initKeys }: BoundParameters): boolean {
  return bound.size > 0 || initKeys.size > 0
}

function checkAllowed({ finalKeys }: BoundParameters, key: string): void {
  if (RESERVED.has(key) || finalKeys?.has(key) === true) throw notAllowed()
}

function keysOf(body: WebBody): readonly string[] {
  if (body.type === 'object') return Object.keys(body.object)
  return body.type === 'form' ? [...body.fields.keys()] : NO_KEYS
}

function definesKey(body: WebBody, key: string): boolean {
  if (body.type === 'object') return Object.hasOwn(body.object, key)
  return body.type === 'form' && body.fields.has(key)
}

/** Members for the end of the arguments, with a comma in front of each. */
function bodyMembers(body: WebBody, keys: number): string {
  switch (body.type) {
    case 'none':
      return ''
    case 'object':
      return keys === 0 ? '' : `,${body.bytes.slice(body.bytes.indexOf('{') + 1, body.bytes.lastIndexOf('}'))}`
    case 'form':
      return [...body.fields].map(([name, value]) => `,${utf8Json(name)}:${utf8Json(value)}`).join('')
    case 'value':
      return `,"__ow_body":${body.bytes}`
  }
}

/** The object in UTF-8 bytes of our own making. */
function parsed(bytes: string): JsonObject {
  const object: JsonObject = JSON.parse(Buffer.from(bytes, 'latin1').toString('utf8'))
  return object
}
