/** Lists of actions: those of a namespace, and those of a package, by its own name or through a binding. */

import { openPackage } from '../entitlement/open-package.ts'
import { requireRight } from '../entitlement/require-right.ts'
import { actionSummaryJson } from '../model/action.ts'
import { parseEntityName, resolveNamespace } from '../model/names.ts'
import type { ActionsDeps } from './actions.ts'
import type { ApiCall } from './api-call.ts'
import { sendList } from './entity-list.ts'
import type { Route } from './routes.ts'

/** Answers a list of a namespace's actions, those in packages included, or how many they are. */
export async function listActions(call: ApiCall, namespaceSegment: string, on: ActionsDeps): Promise<void> {
  const namespace = resolveNamespace(namespaceSegment, call.identity.namespace) // -> 400
  await requireRight(on.entitlement, call.identity, 'READ', { collection: 'actions', namespace }) // -> 403
  await sendList(call, { entityType: 'action', namespace }, actionSummaryJson, on) // -> 400
}

/** Answers the actions of a package; through a binding they are shown as they are called where they lie. */
export async function listPackageActions(
  call: ApiCall,
  route: Extract<Route, { type: 'packageActions' }>,
  on: ActionsDeps,
): Promise<void> {
  const { identity } = call
  const namespace = resolveNamespace(route.namespace, identity.namespace) // -> 400
  const use = { identity, right: 'READ', collection: 'packages' } as const
  const { provider } = await openPackage(namespace, parseEntityName(route.package), use, on) // -> 400, 403, 404, 409, 422
  const { namespace: owner, name } = provider.document
  await sendList(call, { entityType: 'action', namespace: owner, package: name }, actionSummaryJson, on) // -> 400
}
