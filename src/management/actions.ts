/** `/namespaces/NS/actions`: list, create, update, read and delete. */

import { booleanParameter, listRange } from '../api/query.ts'
import type { BodyLimits } from '../api/read-body.ts'
import { noRoute } from '../api/rejections.ts'
import { sendJson } from '../api/respond.ts'
import type { EntitlementProvider } from '../entitlement/entitlement-provider.ts'
import type { Action } from '../model/action.ts'
import { actionJson, actionSummaryJson, isRunnable, kindOf } from '../model/action.ts'
import { checkInstances, checkLimitsChange } from '../model/action-limits.ts'
import type { ActionPut } from '../model/action-put.ts'
import { createAction, parseActionPut, updateAction } from '../model/action-put.ts'
import type { Clock } from '../model/clock.ts'
import { concurrentModification, Fault, notAuthorized, notFound, refusal, wrongCollection } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { SystemLimits } from '../model/limits.ts'
import type { RuntimesManifest } from '../model/manifest.ts'
import { findKind } from '../model/manifest.ts'
import type { EntityName, FullyQualifiedName, NamespaceName } from '../model/names.ts'
import { parseEntityName } from '../model/names.ts'
import type { ArtifactStore, Stored } from '../stores/artifact-store.ts'
import { RevisionConflict } from '../stores/artifact-store.ts'
import type { ApiCall } from './api-call.ts'
import { namespaceFor, requireAllowedKind, requireOwnEntity, requireOwnNamespace } from './entitlement.ts'
import { readEntityBody } from './entity-body.ts'
import type { Route } from './routes.ts'
import { checkSequence, requireReadableComponents } from './sequence-rules.ts'
import type { NotifyChange } from './store-change.ts'

export interface ActionsDeps {
  readonly artifacts: Pick<
    ArtifactStore,
    'getEntity' | 'putEntity' | 'deleteEntity' | 'listEntities' | 'countEntities' | 'getCode'
  >
  readonly manifest: RuntimesManifest
  /** The container provider runs images: actions may be images of their own. */
  readonly blackboxAllowed: boolean
  readonly system: SystemLimits
  readonly body: BodyLimits
  readonly entitlement: EntitlementProvider
  readonly clock: Pick<Clock, 'now'>
  readonly changed: NotifyChange
}

/** Answers a list of a namespace's actions, or how many they are. */
export async function listActions(call: ApiCall, namespaceSegment: string, on: ActionsDeps): Promise<void> {
  const namespace = namespaceFor(call.identity, namespaceSegment)
  requireOwnNamespace(call.identity, 'READ', namespace) // -> 403
  const { skip, limit, count } = listRange(call.query, 'actions', on.system.listStd, on.system.listMax) // -> 400
  if (count) {
    const total = await on.artifacts.countEntities({ entityType: 'action', namespace })
    sendJson(call, 200, JSON.stringify({ actions: Math.max(0, total - skip) }))
    return
  }
  const actions = await on.artifacts.listEntities({ entityType: 'action', namespace, skip, limit })
  sendJson(call, 200, JSON.stringify(actions.map(actionSummaryJson)))
}

/** Answers the actions of a package. */
export async function listPackageActions(
  call: ApiCall,
  route: Extract<Route, { type: 'packageActions' }>,
  on: ActionsDeps,
): Promise<void> {
  const namespace = namespaceFor(call.identity, route.namespace)
  await requirePackage(call.identity, namespace, parseEntityName(route.package), on) // -> 403, 404, 409
}

/** Answers `GET`, `PUT` and `DELETE` of one action. */
export async function handleAction(
  call: ApiCall,
  route: Extract<Route, { type: 'action' }>,
  on: ActionsDeps,
): Promise<void> {
  const name: FullyQualifiedName = {
    namespace: namespaceFor(call.identity, route.namespace),
    ...(route.package !== undefined && { package: parseEntityName(route.package) }),
    name: parseEntityName(route.name),
  }
  switch (call.req.method ?? '') {
    case 'GET':
      return getAction(call, name, on)
    case 'PUT':
      return putAction(call, name, on)
    case 'DELETE':
      return deleteAction(call, name, on)
    default:
      throw noRoute()
  }
}

async function getAction(call: ApiCall, name: FullyQualifiedName, on: ActionsDeps): Promise<void> {
  requireOwnEntity(call.identity, 'READ', name) // -> 403
  await requirePackageOf(call.identity, name, on) // -> 404, 409
  const withCode = booleanParameter(call.query, 'code', true) // -> 400
  const { document } = (await find(name, on)) ?? missing()
  sendJson(call, 200, JSON.stringify(actionJson(document, withCode ? await codeOf(document, on) : undefined)))
}

async function deleteAction(call: ApiCall, name: FullyQualifiedName, on: ActionsDeps): Promise<void> {
  requireOwnEntity(call.identity, 'DELETE', name) // -> 403
  await requirePackageOf(call.identity, name, on) // -> 404, 409
  const { document, revision } = (await find(name, on)) ?? missing()
  const code = await codeOf(document, on)
  await on.artifacts.deleteEntity(name, revision).catch(refuseConflict) // -> 409
  on.changed({ type: 'entity', name })
  sendJson(call, 200, JSON.stringify(actionJson(document, code)))
}

/** Create and update. The order of the checks is OpenWhisk's: clients' tests see which of two faults is reported. */
async function putAction(call: ApiCall, name: FullyQualifiedName, on: ActionsDeps): Promise<void> {
  const { identity, query } = call
  requireOwnEntity(identity, 'PUT', name) // -> 403
  await requirePackageOf(identity, name, on) // -> 404, 409
  const put = parseActionPut(await readEntityBody(call, on.body), rulesFor(identity, on)) // -> 400, 408, 413, 415
  const overwrite = booleanParameter(query, 'overwrite', false) // -> 400
  checkLimitsChange(put.limits, identity.limits) // -> 400
  const components = put.exec?.exec.type === 'sequence' ? put.exec.exec.components : undefined
  if (components !== undefined) await requireReadableComponents(identity, components, on) // -> 403, 404, 409
  if (put.exec !== undefined) requireAllowedKind(identity, kindOf(put.exec.exec)) // -> 403
  const stored = await find(name, on) // -> 409
  if (stored !== undefined && !overwrite) throw refusal('CONFLICT', 409, 'resource already exists')
  checkInstances(put.limits, identity.limits) // -> 400
  if (components !== undefined) await checkSequence(name, components, on.system.sequenceLength, on.artifacts) // -> 400
  checkDeprecation(put, stored?.document, on.manifest) // -> 400

  const now = on.clock.now()
  const action =
    stored === undefined
      ? createAction(name, put, identity.limits, now) // -> 400
      : updateAction(stored.document, put, now)
  await on.artifacts.putEntity(action, put.exec?.code, stored?.revision).catch(refuseConflict) // -> 409
  on.changed({ type: 'entity', name })
  const code = put.exec === undefined ? await codeOf(action, on) : put.exec.code
  sendJson(call, 200, JSON.stringify(actionJson(action, code)))
}

function rulesFor(identity: Identity, on: ActionsDeps): Parameters<typeof parseActionPut>[1] {
  return {
    manifest: on.manifest,
    blackboxAllowed: on.blackboxAllowed,
    namespace: identity.namespace,
    codeBytes: on.system.codeBytes,
    parametersBytes: identity.limits.parametersBytes,
    annotationsBytes: on.system.parametersBytes,
  }
}

function checkDeprecation(put: ActionPut, stored: Action | undefined, manifest: RuntimesManifest): void {
  const exec = put.exec?.exec ?? stored?.exec
  if (exec?.type !== 'code' || findKind(manifest, exec.kind)?.deprecated !== true) return
  throw refusal(
    'BAD_REQUEST',
    400,
    `The '${exec.kind}' runtime is no longer supported. You may read and delete but not update or invoke this action.`,
  )
}

/** The action of that name; undefined when the name is free. Throws 409 when something else has it. */
async function find(name: FullyQualifiedName, on: ActionsDeps): Promise<Stored<Action> | undefined> {
  const found = await on.artifacts.getEntity(name)
  if (found === undefined) return undefined
  const { revision, document } = found
  if (document.entityType !== 'action') throw wrongCollection()
  return { revision, document }
}

async function requirePackageOf(identity: Identity, name: FullyQualifiedName, on: ActionsDeps): Promise<void> {
  if (name.package !== undefined) await requirePackage(identity, name.namespace, name.package, on)
}

/** Throws unless the package can be read: 403 for all of other people's, 404 for an own one that is missing, 409 where the name is an action's. */
async function requirePackage(
  identity: Identity,
  namespace: NamespaceName,
  packageName: EntityName,
  on: ActionsDeps,
): Promise<never> {
  if (namespace !== identity.namespace) throw notAuthorized(`${namespace}/${packageName}`)
  const found = await on.artifacts.getEntity({ namespace, name: packageName })
  throw found === undefined ? notFound() : wrongCollection()
}

/** The action's code as uploaded; undefined for a sequence, and for an image that brings its own. */
async function codeOf(action: Action, on: ActionsDeps): Promise<string | undefined> {
  if (!isRunnable(action) || action.exec.code === undefined) return undefined
  const code = await on.artifacts.getCode(action.exec.code)
  if (code === undefined)
    throw new Fault(`the store has no code ${action.exec.code} of ${action.namespace}/${action.name}`)
  return code
}

function missing(): never {
  throw notFound()
}

function refuseConflict(error: unknown): never {
  throw error instanceof RevisionConflict ? concurrentModification() : error
}
