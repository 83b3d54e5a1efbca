/** `/namespaces` and what is directly below a namespace: its name, its limits, the collections of which it holds nothing. */

import { listRange } from '../api/query.ts'
import { sendJson } from '../api/respond.ts'
import { refusal } from '../model/errors.ts'
import type { SystemLimits } from '../model/limits.ts'
import { limitsDocument } from '../model/limits.ts'
import type { ApiCall } from './api-call.ts'
import { namespaceFor, requireOwnNamespace } from './entitlement.ts'
import type { Route } from './routes.ts'

/** Answers the one namespace of the caller's key, whatever else its subject owns. */
export function listNamespaces(call: ApiCall): void {
  sendJson(call, 200, JSON.stringify([call.identity.namespace]))
}

/** Answers the limits that hold for the caller. */
export function getLimits(call: ApiCall, namespaceSegment: string): void {
  const { identity } = call
  requireOwnNamespace(identity, 'READ', namespaceFor(identity, namespaceSegment)) // -> 403
  sendJson(call, 200, JSON.stringify(limitsDocument(identity.limits, identity.ownLimits)))
}

/** 400 for anything below a namespace's limits. */
export function insideLimits(): never {
  throw refusal('BAD_REQUEST', 400, 'Inner entity level routes for limits are not yet implemented.')
}

/** Answers a collection that has no entities. Other people's published packages may be listed by all, their triggers and rules not. */
export function listNothing(
  call: ApiCall,
  { namespace, collection }: Extract<Route, { type: 'emptyCollection' }>,
  system: Pick<SystemLimits, 'listStd' | 'listMax'>,
): void {
  const wanted = namespaceFor(call.identity, namespace)
  if (collection !== 'packages') requireOwnNamespace(call.identity, 'READ', wanted) // -> 403
  const { count } = listRange(call.query, collection, system.listStd, system.listMax) // -> 400
  sendJson(call, 200, count ? JSON.stringify({ [collection]: 0 }) : '[]')
}
