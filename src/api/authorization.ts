/** The `Authorization` header of HTTP Basic: user is the uuid of a namespace key, password its secret. */

import { looksLikeUuid, SECRET_LENGTH } from '../model/subject-input.ts'

/** What the header holds: a pair fit to be looked up, nothing for us, or something that cannot be a key of ours. */
export type BasicAuthorization = { readonly uuid: string; readonly key: string } | 'missing' | 'malformed'

/** A pair of ours is 101 characters, 136 in base64; anything far longer is not worth decoding. */
const MAX_HEADER_LENGTH = 256

/** Reads the header. Another scheme than Basic counts as missing. Never throws. */
export function parseBasicAuthorization(header: string | undefined): BasicAuthorization {
  if (header === undefined || !/^basic(?: |$)/i.test(header)) return 'missing'
  if (header.length > MAX_HEADER_LENGTH) return 'malformed'
  const pair = Buffer.from(header.slice('basic '.length).trim(), 'base64').toString('latin1')
  const colon = pair.indexOf(':')
  const uuid = pair.slice(0, colon)
  const key = pair.slice(colon + 1)
  if (colon < 0 || key.length !== SECRET_LENGTH || !looksLikeUuid(uuid)) return 'malformed'
  return { uuid, key }
}
