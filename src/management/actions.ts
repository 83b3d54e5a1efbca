/** `/namespaces/NS/actions/[PKG/]A`: create, update, read and delete. */

import { booleanParameter } from '../api/query.ts'
import type { BodyLimits } from '../api/read-body.ts'
import { noRoute } from '../api/rejections.ts'
import { sendJson } from '../api/respond.ts'
import { requireAllowedKind } from '../entitlement/allowed-kind.ts'
import type { EntitlementProvider } from '../entitlement/entitlement-provider.ts'
import { requireRight } from '../entitlement/require-right.ts'
import type { Action } from '../model/action.ts'
import { actionJson, kindOf } from '../model/action.ts'
import { checkInstances, checkLimitsChange } from '../model/action-limits.ts'
import type { ActionPut } from '../model/action-put.ts'
import { createAction, parseActionPut, updateAction } from '../model/action-put.ts'
import type { Clock } from '../model/clock.ts'
import { notFound, refusal, wrongCollection } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { SystemLimits } from '../model/limits.ts'
import type { RuntimesManifest } from '../model/manifest.ts'
import { findKind } from '../model/manifest.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import { parseEntityName, resolveNamespace } from '../model/names.ts'
import type { ArtifactStore } from '../stores/artifact-store.ts'
import type { ParameterCipher } from '../stores/parameter-cipher.ts'
import type { ApiCall } from './api-call.ts'
import { readEntityBody } from './entity-body.ts'
import { findEntity, refuseConflict } from './find-entity.ts'
import { getAction } from './get-action.ts'
import type { Route } from './routes.ts'
import { checkSequence, requireReadableComponents } from './sequence-rules.ts'
import type { NotifyChange } from './store-change.ts'
import { codeOf } from './action-code.ts'

export interface ActionsDeps {
  readonly cipher: Pick<ParameterCipher, 'seal'>
  readonly artifacts: Pick<
    ArtifactStore,
    'getEntity' | 'putEntity' | 'deleteEntity' | 'listEntities' | 'countEntities' | 'getCode'
  >
  readonly entitlement: EntitlementProvider
  /** What others share may be called, not looked at. */
  readonly sharedPackagesExecuteOnly: boolean
  readonly manifest: RuntimesManifest
  readonly system: SystemLimits
  readonly body: BodyLimits
  readonly clock: Pick<Clock, 'now'>
  readonly changed: NotifyChange
}

/** Answers `GET`, `PUT` and `DELETE` of one action. */
export async function handleAction(
  call: ApiCall,
  route: Extract<Route, { type: 'action' }>,
  on: ActionsDeps,
): Promise<void> {
  const name: FullyQualifiedName = {
    namespace: resolveNamespace(route.namespace, call.identity.namespace), // -> 400
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

async function deleteAction(call: ApiCall, name: FullyQualifiedName, on: ActionsDeps): Promise<void> {
  await requireWritable(call.identity, 'DELETE', name, on) // -> 400, 403, 404, 409
  const found = await findEntity(on.artifacts, 'action', name) // -> 409
  if (found === undefined) throw notFound()
  const { document, revision } = found
  const code = await codeOf(document, on.artifacts)
  await on.artifacts.deleteEntity(name, revision).catch(refuseConflict) // -> 409
  on.changed({ type: 'entity', name })
  sendJson(call, 200, JSON.stringify(actionJson(document, code)))
}

/** Create and update. The order of the checks is OpenWhisk's: clients' tests see which of two faults is reported. */
async function putAction(call: ApiCall, name: FullyQualifiedName, on: ActionsDeps): Promise<void> {
  const { identity, query } = call
  await requireWritable(identity, 'PUT', name, on) // -> 400, 403, 404, 409
  const put = parseActionPut(await readEntityBody(call, on.body), rulesFor(identity, on)) // -> 400, 408, 413, 415
  const overwrite = booleanParameter(query, 'overwrite', false) // -> 400
  checkLimitsChange(put.limits, identity.limits) // -> 400
  const components = put.exec?.exec.type === 'sequence' ? put.exec.exec.components : undefined
  if (components !== undefined) await requireReadableComponents(identity, components, on) // -> 403, 404, 409
  if (put.exec !== undefined) requireAllowedKind(identity, kindOf(put.exec.exec)) // -> 403
  const stored = await findEntity(on.artifacts, 'action', name) // -> 409
  if (stored !== undefined && !overwrite) throw refusal('CONFLICT', 409, 'resource already exists')
  checkInstances(put.limits, identity.limits) // -> 400
  if (components !== undefined) await checkSequence(name, components, on.system.sequenceLength, on.artifacts) // -> 400
  checkDeprecation(put, stored?.document, on.manifest) // -> 400

  const now = on.clock.now()
  const action = on.cipher.seal(
    stored === undefined
      ? createAction(name, put, identity.limits, now) // -> 400
      : updateAction(stored.document, put, now),
  )
  await on.artifacts.putEntity(action, put.exec?.code, stored?.revision).catch(refuseConflict) // -> 409
  on.changed({ type: 'entity', name })
  const code = put.exec === undefined ? await codeOf(action, on.artifacts) : put.exec.code
  sendJson(call, 200, JSON.stringify(actionJson(action, code)))
}

function rulesFor(identity: Identity, on: ActionsDeps): Parameters<typeof parseActionPut>[1] {
  return {
    manifest: on.manifest,
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

/** Rejects unless the caller may write actions there: in its own namespace, and in a package that is one, not a binding. */
async function requireWritable(
  identity: Identity,
  right: 'PUT' | 'DELETE',
  name: FullyQualifiedName,
  on: ActionsDeps,
): Promise<void> {
  await requireRight(on.entitlement, identity, right, { collection: 'actions', ...name }) // -> 403
  if (name.package === undefined) return
  const found = await on.artifacts.getEntity({ namespace: name.namespace, name: name.package })
  if (found === undefined) throw notFound()
  if (found.document.entityType !== 'package') throw wrongCollection()
  if (found.document.binding !== undefined) {
    throw refusal('BAD_REQUEST', 400, 'Operation not permitted on package binding.')
  }
}
