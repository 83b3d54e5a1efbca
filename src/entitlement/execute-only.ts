/** The mode in which what others share may be called but not looked at: sources and parameters stay with their owner. */

import type { Refusal } from '../model/errors.ts'
import { refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import { formatNamespace, formatPath } from '../model/names.ts'
import type { OpenedPackage } from './open-package.ts'

/** Throws 403 when the action lies in a package of somebody else, whether it was asked for there or through a binding. */
export function requireOwnAction(
  identity: Identity,
  name: FullyQualifiedName,
  opened: OpenedPackage | undefined,
): void {
  if (name.namespace !== identity.namespace) {
    throw forbidden(`GET not permitted for '${formatNamespace(name)}' since it's an action in a shared package`)
  }
  if (opened !== undefined && opened.provider.document.namespace !== identity.namespace) {
    const reason = 'Resource does not exist or is an action in a shared package binding.'
    throw forbidden(`GET not permitted for '${formatPath(name)}'. ${reason}`)
  }
}

/** Throws 403 when the package, or what it is bound to, is somebody else's. */
export function requireOwnPackage(
  identity: Identity,
  name: FullyQualifiedName,
  { provider }: Pick<OpenedPackage, 'provider'>,
): void {
  if (name.namespace !== identity.namespace) {
    throw forbidden(`GET not permitted for '${formatPath(name)}' since it's a shared package`)
  }
  if (provider.document.namespace !== identity.namespace) {
    throw forbidden(`GET not permitted since ${name.name} is a binding of a shared package`)
  }
}

function forbidden(text: string): Refusal {
  return refusal('FORBIDDEN', 403, text)
}
