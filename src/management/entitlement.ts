/** Who may do what with which resource. Refusals name the resource as OpenWhisk does: the package, not the action in it. */

import { notAuthorized, refusal } from '../model/errors.ts'
import type { Identity, Right } from '../model/identity.ts'
import type { FullyQualifiedName, NamespaceName } from '../model/names.ts'
import { CALLERS_NAMESPACE, parseNamespaceName } from '../model/names.ts'

/** The namespace that a path segment (decoded) means for the caller: `_` is its own. Throws 400. */
export function namespaceFor(identity: Identity, segment: string): NamespaceName {
  return segment === CALLERS_NAMESPACE ? identity.namespace : parseNamespaceName(segment)
}

/** Throws 403 unless the namespace is the caller's own and its key carries the right. For collections. */
export function requireOwnNamespace(identity: Identity, right: Right, namespace: NamespaceName): void {
  if (namespace !== identity.namespace || !identity.rights.includes(right)) throw notAuthorized(namespace)
}

/** Throws 403 unless the entity is in the caller's own namespace and its key carries the right. */
export function requireOwnEntity(identity: Identity, right: Right, name: FullyQualifiedName): void {
  if (name.namespace === identity.namespace && identity.rights.includes(right)) return
  throw notAuthorized(`${name.namespace}/${name.package ?? name.name}`)
}

/** Throws 403 when the namespace is limited to kinds of which this is none. `kind` may be `blackbox` or `sequence`. */
export function requireAllowedKind(identity: Identity, kind: string): void {
  const { allowedKinds } = identity.limits
  if (allowedKinds === undefined || allowedKinds.includes(kind)) return
  throw refusal('FORBIDDEN', 403, `The supplied authentication is not authorized to access actions of kind '${kind}'.`)
}
