/** Subjects and limits in the form in which OpenWhisk keeps them (its databases' documents): dumped for backups, taken from a deployment that is moved here. */

import { malformedContent } from '../model/errors.ts'
import type { NamespaceKey, Subject } from '../model/identity.ts'
import type { JsonObject, JsonValue } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'
import type { NamespaceLimits } from '../model/limits.ts'
import type { NamespaceName } from '../model/names.ts'
import { parseNamespaceName } from '../model/names.ts'
import { parseAuthorizationPair, parseSubjectName } from '../model/subject-input.ts'

/** The document of a subject. Without `withKeys` the secrets are left out, so that it can be shown around. */
export function subjectDocument({ subject, namespaces, blocked }: Subject, withKeys: boolean): Record<string, unknown> {
  return {
    _id: subject,
    subject,
    namespaces: namespaces.map(({ name, uuid, key }) => ({ name, uuid, ...(withKeys && { key }) })),
    ...(blocked && { blocked }),
  }
}

/** The document of a namespace's limits. */
export function limitsDocumentOf(namespace: NamespaceName, limits: NamespaceLimits): Record<string, unknown> {
  return { _id: `${namespace}/limits`, ...limits }
}

/** A subject out of its document; fields that it has besides (`_rev`) are ignored. `expected` is the subject that the URL names. Throws 400. */
export function parseSubjectDocument(document: JsonObject, expected: string): Subject {
  const { subject = document['_id'], namespaces, blocked = false } = document
  if (subject !== expected) throw malformedContent(`'subject' must be "${expected}", as in the path`)
  if (!Array.isArray(namespaces)) throw malformedContent("'namespaces' must be an array")
  if (typeof blocked !== 'boolean') throw malformedContent("'blocked' must be true or false")
  const keys = namespaces.map(parseKey)
  if (new Set(keys.map(({ name }) => name)).size < keys.length) throw malformedContent("'namespaces' has one twice")
  if (new Set(keys.map(({ uuid }) => uuid)).size < keys.length) throw malformedContent("'namespaces' has a uuid twice")
  return { subject: parseSubjectName(expected), namespaces: keys, blocked }
}

function parseKey(value: JsonValue): NamespaceKey {
  if (!isJsonObject(value)) throw malformedContent("each of 'namespaces' must be an object")
  const { name, uuid, key } = value
  if (typeof name !== 'string' || typeof uuid !== 'string' || typeof key !== 'string') {
    throw malformedContent("each of 'namespaces' must have 'name', 'uuid' and 'key'")
  }
  return { name: parseNamespaceName(name), ...parseAuthorizationPair(`${uuid}:${key}`) }
}
