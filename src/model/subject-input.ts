/** What operators type about subjects, parsed: names, `uuid:key` pairs. The messages are those of OpenWhisk's `wskadmin`. */

import { refusal } from './errors.ts'
import type { NamespaceKey, SubjectName } from './identity.ts'
import type { NamespaceName } from './names.ts'
import { isLegalName, parseNamespaceName } from './names.ts'

const MIN_SUBJECT_LENGTH = 5
/** Secrets of any other length never authenticate. */
export const SECRET_LENGTH = 64
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** True for the dashed form of a UUID of any version. */
export function looksLikeUuid(text: string): boolean {
  return UUID.test(text)
}

/** Parses a subject's name; throws 400. */
export function parseSubjectName(text: string): SubjectName {
  if (text.length < MIN_SUBJECT_LENGTH) {
    throw refusal('BAD_REQUEST', 400, `Subject name must be at least ${MIN_SUBJECT_LENGTH} characters`)
  }
  if (!isLegalName(text)) throw refusal('BAD_REQUEST', 400, 'Subject name contains illegal characters')
  return text as SubjectName
}

/** The namespace that is meant: the one named, else the one that has the subject's name. Throws 400. */
export function namespaceOf(subject: SubjectName, namespace: string | undefined): NamespaceName {
  return parseNamespaceName(namespace ?? subject)
}

/** Parses `uuid:key` for a key that is to be stored; throws 400. Longer secrets are taken, as `wskadmin` takes them, though they never authenticate. */
export function parseAuthorizationPair(text: string): Pick<NamespaceKey, 'uuid' | 'key'> {
  const colon = text.indexOf(':')
  const uuid = colon < 0 ? text : text.slice(0, colon)
  const key = colon < 0 ? '' : text.slice(colon + 1)
  if (!looksLikeUuid(uuid)) throw refusal('BAD_REQUEST', 400, 'authorization id is not a valid UUID')
  if (key.length < SECRET_LENGTH) {
    throw refusal('BAD_REQUEST', 400, `authorization key must be at least ${SECRET_LENGTH} characters long`)
  }
  if (!/^[\x21-\x7e]{1,256}$/.test(key)) {
    throw refusal('BAD_REQUEST', 400, 'authorization key must be of at most 256 printable ASCII characters')
  }
  return { uuid, key }
}
