/** The kinds that a namespace is limited to, if it is. */

import { refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'

/** Throws 403 when the caller's namespace is limited to kinds of which this is none. `kind` may be `blackbox` or `sequence`. */
export function requireAllowedKind(identity: Identity, kind: string): void {
  const { allowedKinds } = identity.limits
  if (allowedKinds === undefined || allowedKinds.includes(kind)) return
  throw refusal('FORBIDDEN', 403, `The supplied authentication is not authorized to access actions of kind '${kind}'.`)
}
