/** `/namespaces` and what is directly below a namespace that is no collection: its name and its limits. */

import { sendJson } from '../api/respond.ts'
import type { EntitlementProvider } from '../entitlement/entitlement-provider.ts'
import { requireRight } from '../entitlement/require-right.ts'
import { refusal } from '../model/errors.ts'
import { limitsDocument } from '../model/limits.ts'
import { resolveNamespace } from '../model/names.ts'
import type { ApiCall } from './api-call.ts'

export interface NamespacesDeps {
  readonly entitlement: EntitlementProvider
}

/** Answers the one namespace of the caller's key, whatever else its subject owns. */
export function listNamespaces(call: ApiCall): void {
  sendJson(call, 200, JSON.stringify([call.identity.namespace]))
}

/** Answers the limits that hold for the caller. */
export async function getLimits(call: ApiCall, namespaceSegment: string, on: NamespacesDeps): Promise<void> {
  const { identity } = call
  const namespace = resolveNamespace(namespaceSegment, identity.namespace) // -> 400
  await requireRight(on.entitlement, identity, 'READ', { collection: 'limits', namespace }) // -> 403
  sendJson(call, 200, JSON.stringify(limitsDocument(identity.limits, identity.ownLimits)))
}

/** 400 for anything below a namespace's limits. */
export function insideLimits(): never {
  throw refusal('BAD_REQUEST', 400, 'Inner entity level routes for limits are not yet implemented.')
}
