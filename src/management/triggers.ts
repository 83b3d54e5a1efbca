/** `/namespaces/NS/triggers`: list, create, update, read and delete. */

import { booleanParameter } from '../api/query.ts'
import type { BodyLimits } from '../api/read-body.ts'
import { noRoute } from '../api/rejections.ts'
import { sendJson } from '../api/respond.ts'
import type { EntitlementProvider } from '../entitlement/entitlement-provider.ts'
import { requireRight } from '../entitlement/require-right.ts'
import type { Clock } from '../model/clock.ts'
import { notFound, refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { SystemLimits } from '../model/limits.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import { parseEntityName, resolveNamespace } from '../model/names.ts'
import type { SizeRules } from '../model/put-fields.ts'
import type { Trigger } from '../model/trigger.ts'
import { triggerJson, triggerSummaryJson } from '../model/trigger.ts'
import { createTrigger, parseTriggerPut, updateTrigger } from '../model/trigger-put.ts'
import type { ArtifactStore } from '../stores/artifact-store.ts'
import type { ParameterCipher } from '../stores/parameter-cipher.ts'
import type { ApiCall } from './api-call.ts'
import { readEntityBody } from './entity-body.ts'
import { sendList } from './entity-list.ts'
import { findEntity, refuseConflict } from './find-entity.ts'
import type { Route } from './routes.ts'
import type { NotifyChange } from './store-change.ts'

export interface TriggersDeps {
  readonly cipher: Pick<ParameterCipher, 'seal'>
  readonly artifacts: Pick<ArtifactStore, 'getEntity' | 'putEntity' | 'deleteEntity' | 'listEntities' | 'countEntities'>
  readonly entitlement: EntitlementProvider
  readonly system: SystemLimits
  readonly body: BodyLimits
  readonly clock: Pick<Clock, 'now'>
  readonly changed: NotifyChange
}

/** Answers a list of a namespace's triggers, or how many they are. */
export async function listTriggers(call: ApiCall, namespaceSegment: string, on: TriggersDeps): Promise<void> {
  const namespace = resolveNamespace(namespaceSegment, call.identity.namespace) // -> 400
  await requireRight(on.entitlement, call.identity, 'READ', { collection: 'triggers', namespace }) // -> 403
  await sendList(call, { entityType: 'trigger', namespace }, triggerSummaryJson, on) // -> 400
}

/** Answers `GET`, `PUT` and `DELETE` of one trigger; it is fired elsewhere. */
export async function handleTrigger(
  call: ApiCall,
  route: Extract<Route, { type: 'trigger' }>,
  on: TriggersDeps,
): Promise<void> {
  const name: FullyQualifiedName = {
    namespace: resolveNamespace(route.namespace, call.identity.namespace), // -> 400
    name: parseEntityName(route.name), // -> 400
  }
  switch (call.req.method ?? '') {
    case 'GET':
      return getTrigger(call, name, on)
    case 'PUT':
      return putTrigger(call, name, on)
    case 'DELETE':
      return deleteTrigger(call, name, on)
    default:
      throw noRoute()
  }
}

/** What the parts of a trigger or rule may be large. */
export function sizeRules(identity: Identity, system: SystemLimits): SizeRules {
  return { parametersBytes: identity.limits.parametersBytes, annotationsBytes: system.parametersBytes }
}

async function getTrigger(call: ApiCall, name: FullyQualifiedName, on: TriggersDeps): Promise<void> {
  await requireRight(on.entitlement, call.identity, 'READ', { collection: 'triggers', ...name }) // -> 403
  const stored = await findEntity(on.artifacts, 'trigger', name) // -> 409
  if (stored === undefined) throw notFound()
  answer(call, stored.document)
}

/** Create and update. The links of rules stay with a trigger while it exists, and are not made again for a new one of an old name. */
async function putTrigger(call: ApiCall, name: FullyQualifiedName, on: TriggersDeps): Promise<void> {
  const { identity, query } = call
  await requireRight(on.entitlement, identity, 'PUT', { collection: 'triggers', ...name }) // -> 403
  const put = parseTriggerPut(await readEntityBody(call, on.body), sizeRules(identity, on.system)) // -> 400, 408, 413, 415
  const overwrite = booleanParameter(query, 'overwrite', false) // -> 400
  const stored = await findEntity(on.artifacts, 'trigger', name) // -> 409
  if (stored !== undefined && !overwrite) throw refusal('CONFLICT', 409, 'resource already exists')
  const now = on.clock.now()
  const trigger = on.cipher.seal(
    stored === undefined ? createTrigger(name, put, now) : updateTrigger(stored.document, put, now), // -> 400
  )
  await on.artifacts.putEntity(trigger, undefined, stored?.revision).catch(refuseConflict) // -> 409
  on.changed({ type: 'entity', name })
  answer(call, trigger)
}

/** Its rules are left as they are: without their trigger they are inactive. */
async function deleteTrigger(call: ApiCall, name: FullyQualifiedName, on: TriggersDeps): Promise<void> {
  await requireRight(on.entitlement, call.identity, 'DELETE', { collection: 'triggers', ...name }) // -> 403
  const stored = await findEntity(on.artifacts, 'trigger', name) // -> 409
  if (stored === undefined) throw notFound()
  await on.artifacts.deleteEntity(name, stored.revision).catch(refuseConflict) // -> 409
  on.changed({ type: 'entity', name })
  answer(call, stored.document)
}

function answer(call: ApiCall, trigger: Trigger): void {
  sendJson(call, 200, JSON.stringify(triggerJson(trigger)))
}
