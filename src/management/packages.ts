/** `/namespaces/NS/packages`: list and read; the way to what changes one. */

import type { BodyLimits } from '../api/read-body.ts'
import { noRoute } from '../api/rejections.ts'
import { sendJson } from '../api/respond.ts'
import type { EntitlementProvider } from '../entitlement/entitlement-provider.ts'
import { requireOwnPackage } from '../entitlement/execute-only.ts'
import { openPackage } from '../entitlement/open-package.ts'
import { requireRight } from '../entitlement/require-right.ts'
import type { Action } from '../model/action.ts'
import type { Clock } from '../model/clock.ts'
import { Refusal, refusal } from '../model/errors.ts'
import type { SystemLimits } from '../model/limits.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import { formatPath, parseEntityName, resolveNamespace } from '../model/names.ts'
import type { Package } from '../model/package.ts'
import { packageSummaryJson, packageWithActionsJson } from '../model/package.ts'
import type { ArtifactStore } from '../stores/artifact-store.ts'
import type { ParameterCipher } from '../stores/parameter-cipher.ts'
import type { ApiCall } from './api-call.ts'
import { deletePackage } from './delete-package.ts'
import { sendList } from './entity-list.ts'
import { putPackage } from './put-package.ts'
import type { Route } from './routes.ts'
import type { NotifyChange } from './store-change.ts'

export interface PackagesDeps {
  readonly cipher: Pick<ParameterCipher, 'seal'>
  readonly artifacts: Pick<ArtifactStore, 'getEntity' | 'putEntity' | 'deleteEntity' | 'listEntities' | 'countEntities'>
  readonly entitlement: EntitlementProvider
  /** What others share may be called, not looked at. */
  readonly sharedPackagesExecuteOnly: boolean
  readonly system: SystemLimits
  readonly body: BodyLimits
  readonly clock: Pick<Clock, 'now'>
  readonly changed: NotifyChange
}

/** Answers the packages and bindings of the caller's namespace; of another one, which may not exist, the packages that it shares. */
export async function listPackages(call: ApiCall, namespaceSegment: string, on: PackagesDeps): Promise<void> {
  const { identity } = call
  const namespace = resolveNamespace(namespaceSegment, identity.namespace) // -> 400
  await requireRight(on.entitlement, identity, 'READ', { collection: 'packages', namespace }) // -> 403
  const scope = { entityType: 'package', namespace, shared: namespace !== identity.namespace } as const
  await sendList(call, scope, packageSummaryJson, on) // -> 400
}

/** Answers `GET`, `PUT` and `DELETE` of one package or binding. */
export async function handlePackage(
  call: ApiCall,
  route: Extract<Route, { type: 'package' }>,
  on: PackagesDeps,
): Promise<void> {
  const name: FullyQualifiedName = {
    namespace: resolveNamespace(route.namespace, call.identity.namespace), // -> 400
    name: parseEntityName(route.name), // -> 400
  }
  switch (call.req.method ?? '') {
    case 'GET':
      return getPackage(call, name, on)
    case 'PUT':
      return putPackage(call, name, on)
    case 'DELETE':
      return deletePackage(call, name, on)
    default:
      throw noRoute()
  }
}

async function getPackage(call: ApiCall, name: FullyQualifiedName, on: PackagesDeps): Promise<void> {
  const use = { identity: call.identity, right: 'READ', collection: 'packages' } as const
  const opened = await openPackage(name.namespace, name.name, use, on).catch((error: unknown) => {
    // Only here, OpenWhisk says what it is that does not exist.
    throw error instanceof Refusal && error.code === 'NOT_FOUND' ? missing(name) : error
  }) // -> 403, 404, 409, 422
  const { provider, binding = provider, parameters } = opened
  if (on.sharedPackagesExecuteOnly) requireOwnPackage(call.identity, name, opened) // -> 403
  const actions = await contentsOf(provider.document, on)
  sendJson(call, 200, JSON.stringify(packageWithActionsJson(binding.document, parameters, actions)))
}

function missing(name: FullyQualifiedName): Refusal {
  return refusal('NOT_FOUND', 404, `The requested resource '${formatPath(name)}' does not exist.`)
}

/** All actions of a package: its JSON form has no pages. */
async function contentsOf({ namespace, name }: Package, on: PackagesDeps): Promise<readonly Action[]> {
  const actions: Action[] = []
  for (;;) {
    const page = await on.artifacts.listEntities({
      entityType: 'action',
      namespace,
      package: name,
      skip: actions.length,
      limit: on.system.listMax,
    })
    actions.push(...page)
    if (page.length === 0) return actions
  }
}
