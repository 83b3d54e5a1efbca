/** The name of an action as a conductor gives it. */

import type { EntityName, FullyQualifiedName, NamespaceName } from '../model/names.ts'
import { CALLERS_NAMESPACE, isLegalName } from '../model/names.ts'

/**
 * `/NS/A`, `/NS/PKG/A` or `NS/PKG/A`; `A` and `PKG/A` are the caller's, as is the namespace `_`. Undefined for what is no name.
 */
export function parseComponentName(value: unknown, caller: NamespaceName): FullyQualifiedName | undefined {
  if (typeof value !== 'string') return undefined
  const absolute = value.startsWith('/')
  const segments = (absolute ? value.slice(1) : value).split('/')
  if (!segments.every((segment) => isLegalName(segment))) return undefined
  if (!absolute && segments.length < 3) segments.unshift(CALLERS_NAMESPACE)
  const [namespace, second, third] = segments
  if (namespace === undefined || second === undefined || segments.length > 3) return undefined
  const owner = namespace === CALLERS_NAMESPACE ? caller : (namespace as NamespaceName)
  return third === undefined
    ? { namespace: owner, name: second as EntityName }
    : { namespace: owner, package: second as EntityName, name: third as EntityName }
}
