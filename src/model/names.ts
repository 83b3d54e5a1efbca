/** Names of namespaces and entities, and the fully qualified names built from them: OpenWhisk's grammar (regex `\w` is ASCII there, as here). */

import type { Brand } from './brand.ts'
import { malformedContent, refusal } from './errors.ts'
import type { JsonValue } from './json.ts'
import { isJsonObject } from './json.ts'

export type NamespaceName = Brand<string, 'NamespaceName'>
export type EntityName = Brand<string, 'EntityName'>

/** `/NS/A` or `/NS/PKG/A`, parsed. */
export interface FullyQualifiedName {
  readonly namespace: NamespaceName
  readonly package?: EntityName
  readonly name: EntityName
}

/** 1 to 256 characters; the first a word character, the last no space. */
const NAME = /^(?:\w|\w[\w@ .&-]{0,254}[\w@.&-])$/
const MAX_LENGTH = 256

/** The path segment that stands for the caller's own namespace. */
export const CALLERS_NAMESPACE = '_'

/** Parses one path segment as an entity name; throws the 400 that OpenWhisk answers. */
export function parseEntityName(text: string): EntityName {
  if (text.length > MAX_LENGTH) {
    // The misspelling is OpenWhisk's and clients match on it.
    throw refusal('BAD_REQUEST', 400, `Name segement longer than allowed: ${text.length} > ${MAX_LENGTH}.`)
  }
  if (!NAME.test(text)) {
    throw refusal('BAD_REQUEST', 400, 'The name of the entity contains illegal characters.')
  }
  return text as EntityName
}

/** Parses one path segment as a namespace name; throws the 400 that OpenWhisk answers. */
export function parseNamespaceName(text: string): NamespaceName {
  if (text.length > MAX_LENGTH) {
    throw refusal('BAD_REQUEST', 400, `Namespace longer than allowed: ${text.length} > ${MAX_LENGTH}.`)
  }
  if (!NAME.test(text)) {
    throw refusal('BAD_REQUEST', 400, 'The namespace contains illegal characters.')
  }
  return text as NamespaceName
}

/** The namespace that a path segment (decoded) means for a caller of namespace `caller`: `_` is its own. Throws as `parseNamespaceName`. */
export function resolveNamespace(segment: string, caller: NamespaceName): NamespaceName {
  return segment === CALLERS_NAMESPACE ? caller : parseNamespaceName(segment)
}

/** True when `text` is a legal name; never throws. */
export function isLegalName(text: string): boolean {
  return text.length <= MAX_LENGTH && NAME.test(text)
}

/**
 * Parses a fully qualified name from a JSON body: `/`-separated segments, empty ones dropped, `_` replaced by `caller`. More than three are the name of
 * nothing: that is found out where it is looked for. Throws the 400 texts that OpenWhisk gives for fewer than two segments and for illegal ones.
 */
export function parseFullyQualifiedName(text: string, caller: NamespaceName): FullyQualifiedName {
  const segments = text.split('/').filter((segment) => segment !== '')
  if (segments.length < 2) {
    throw malformedContent(
      'requirement failed: The fully qualified name of the entity must contain at least the namespace and the name of the entity.',
    )
  }
  if (!segments.every((segment) => isLegalName(segment))) {
    throw malformedContent(`requirement failed: path contains invalid parts '${text}'`)
  }
  const [namespace, ...path] = segments
  const name = path.pop() as EntityName
  const owner = namespace === CALLERS_NAMESPACE ? caller : (namespace as NamespaceName)
  if (path.length === 0) return { namespace: owner, name }
  // Of more than one segment where nothing can lie: no package is called so.
  return { namespace: owner, package: path.join('/') as EntityName, name }
}

/** A fully qualified name where a JSON body refers to an entity: the text, or the `{path, name}` that rules are answered with. Throws 400. */
export function parseNameReference(value: JsonValue, caller: NamespaceName): FullyQualifiedName {
  if (typeof value === 'string') return parseFullyQualifiedName(value, caller)
  if (isJsonObject(value) && typeof value['path'] === 'string' && typeof value['name'] === 'string') {
    return parseFullyQualifiedName(`${value['path']}/${value['name']}`, caller)
  }
  throw malformedContent('fully qualified name malformed')
}

/** `NS/A` or `NS/PKG/A`, without a leading slash: the `path` annotation and store keys use it. */
export function formatPath(name: FullyQualifiedName): string {
  return name.package === undefined
    ? `${name.namespace}/${name.name}`
    : `${name.namespace}/${name.package}/${name.name}`
}

/** `NS` or `NS/PKG`: the `namespace` field of an entity's JSON form. */
export function formatNamespace(name: FullyQualifiedName): string {
  return name.package === undefined ? name.namespace : `${name.namespace}/${name.package}`
}
