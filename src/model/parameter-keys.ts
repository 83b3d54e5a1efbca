/** Keys that parameters are encrypted with at rest, as operators write them down: `BASE64`, or `ID:BASE64`, several with commas, the newest first. */

import { createHash } from 'node:crypto'

/** OpenWhisk's names; they stand in stored parameters. */
export type ParameterScheme = 'aes-128' | 'aes-256'
/** Bytes of a scheme's keys. */
export const KEY_BYTES: Readonly<Record<ParameterScheme, number>> = { 'aes-128': 16, 'aes-256': 32 }

export interface ParameterKey {
  readonly scheme: ParameterScheme
  /** Names the key in logs and to operators; says nothing about it. */
  readonly id: string
  readonly key: Buffer
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const ID = /^[\w.-]{1,32}$/

/** Keys of a scheme; none for an empty text. Throws what is wrong, without quoting any of it. A key without an id gets a fingerprint as one. */
export function parseParameterKeys(scheme: ParameterScheme, text: string): readonly ParameterKey[] {
  const keys = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => parseKey(scheme, part))
  if (new Set(keys.map(({ id }) => id)).size < keys.length) throw new Error('must not have the same key, or id, twice')
  return keys
}

function parseKey(scheme: ParameterScheme, part: string): ParameterKey {
  const colon = part.indexOf(':')
  const base64 = part.slice(colon + 1).trim()
  const key = Buffer.from(base64, 'base64')
  if (!BASE64.test(base64) || key.length !== KEY_BYTES[scheme]) {
    throw new Error(`must be keys of ${KEY_BYTES[scheme]} bytes in base64, with commas between them`)
  }
  const id = colon < 0 ? fingerprint(key) : part.slice(0, colon).trim()
  if (!ID.test(id)) throw new Error('must have ids of at most 32 letters, digits, dots and dashes')
  return { scheme, id, key }
}

function fingerprint(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8)
}
