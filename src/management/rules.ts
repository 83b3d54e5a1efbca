/** `/namespaces/NS/rules`: list, create, update, read, delete, enable and disable. Whether a rule is active is kept by its trigger. */

import { REST_CORS } from '../api/cors.ts'
import { booleanParameter } from '../api/query.ts'
import { noRoute } from '../api/rejections.ts'
import { sendJson, sendText } from '../api/respond.ts'
import { requireRight } from '../entitlement/require-right.ts'
import { notFound, refusal } from '../model/errors.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import { formatPath, parseEntityName, resolveNamespace } from '../model/names.ts'
import type { Rule } from '../model/rule.ts'
import { ruleJson, ruleStatus, ruleSummaryJson } from '../model/rule.ts'
import { createRule, parseRulePut, parseRuleStatus, updateRule } from '../model/rule-put.ts'
import type { RuleStatus } from '../model/trigger.ts'
import type { Stored } from '../stores/artifact-store.ts'
import type { ApiCall } from './api-call.ts'
import { readEntityBody } from './entity-body.ts'
import { sendList } from './entity-list.ts'
import { findEntity, refuseConflict } from './find-entity.ts'
import type { Route } from './routes.ts'
import { deactivateLink, linkToTrigger, readTrigger, unlinkFromTrigger, unlinkIfStray } from './rule-links.ts'
import { requireExisting, requireReadable } from './rule-references.ts'
import type { TriggersDeps } from './triggers.ts'
import { sizeRules } from './triggers.ts'

/** Rules need what triggers need: they are written together. */
export type RulesDeps = TriggersDeps

/** Answers a list of a namespace's rules, or how many they are. */
export async function listRules(call: ApiCall, namespaceSegment: string, on: RulesDeps): Promise<void> {
  const namespace = resolveNamespace(namespaceSegment, call.identity.namespace) // -> 400
  await requireRight(on.entitlement, call.identity, 'READ', { collection: 'rules', namespace }) // -> 403
  await sendList(call, { entityType: 'rule', namespace }, ruleSummaryJson, on) // -> 400
}

/** Answers `GET`, `PUT`, `DELETE` and `POST` of one rule. */
export async function handleRule(call: ApiCall, route: Extract<Route, { type: 'rule' }>, on: RulesDeps): Promise<void> {
  const name: FullyQualifiedName = {
    namespace: resolveNamespace(route.namespace, call.identity.namespace), // -> 400
    name: parseEntityName(route.name), // -> 400
  }
  switch (call.req.method ?? '') {
    case 'GET':
      return getRule(call, name, on)
    case 'PUT':
      return putRule(call, name, on)
    case 'DELETE':
      return deleteRule(call, name, on)
    case 'POST':
      return changeStatus(call, name, on)
    default:
      throw noRoute()
  }
}

async function getRule(call: ApiCall, name: FullyQualifiedName, on: RulesDeps): Promise<void> {
  await requireRight(on.entitlement, call.identity, 'READ', { collection: 'rules', ...name }) // -> 403
  const { document } = await find(name, on) // -> 404, 409
  answer(call, document, await statusOf(document, on))
}

async function putRule(call: ApiCall, name: FullyQualifiedName, on: RulesDeps): Promise<void> {
  const { identity, query } = call
  await requireRight(on.entitlement, identity, 'PUT', { collection: 'rules', ...name }) // -> 403
  const put = parseRulePut(await readEntityBody(call, on.body), sizeRules(identity, on.system), name.namespace) // -> 400, 408, 413, 415
  const overwrite = booleanParameter(query, 'overwrite', false) // -> 400
  await requireReadable(identity, put, on) // -> 403, 404, 409, 422
  const stored = await findEntity(on.artifacts, 'rule', name) // -> 409
  if (stored !== undefined && !overwrite) throw refusal('CONFLICT', 409, 'resource already exists')
  const rule =
    stored === undefined ? createRule(name, put, on.clock.now()) : updateRule(stored.document, put, on.clock.now()) // -> 400
  await requireExisting(identity, rule, on) // -> 400
  const status = stored === undefined ? await create(rule, on) : await update(rule, stored, on) // -> 409
  answer(call, rule, status)
}

/** The rule first, its link second: cut off in between, it is an inactive rule. */
async function create(rule: Rule, on: RulesDeps): Promise<RuleStatus> {
  const revision = await on.artifacts.putEntity(rule, undefined, undefined).catch(refuseConflict) // -> 409
  on.changed({ type: 'entity', name: rule })
  try {
    return (await linkToTrigger({ revision, document: rule }, 'active', on)) ? 'active' : 'inactive' // -> 409
  } catch (error) {
    // Who is told to try again must not find the name taken.
    await on.artifacts.deleteEntity(rule, revision).catch(() => undefined)
    on.changed({ type: 'entity', name: rule })
    throw error
  }
}

/**
 * Out of the old trigger first where it changes, so that no link is left to a rule that says something else; the status stays. Where it stays the same it
 * starts the old action until the new one is linked: a fire meanwhile must not miss the rule.
 */
async function update(rule: Rule, stored: Stored<Rule>, on: RulesDeps): Promise<RuleStatus> {
  const before = stored.document
  const status = await statusOf(before, on)
  const moves = formatPath(before.trigger) !== formatPath(rule.trigger)
  if (moves) await unlinkFromTrigger(before.trigger, formatPath(rule), on) // -> 409
  let revision
  try {
    revision = await on.artifacts.putEntity(rule, undefined, stored.revision)
  } catch (error) {
    if (moves) await relink(rule, status, on)
    return refuseConflict(error) // -> 409
  }
  on.changed({ type: 'entity', name: rule })
  if (moves) await unlinkIfStray(rule, before.trigger, on) // -> 409
  return (await linkToTrigger({ revision, document: rule }, status, on)) ? status : 'inactive' // -> 409
}

/** Out of its trigger first: cut off in between, it is an inactive rule. */
async function deleteRule(call: ApiCall, name: FullyQualifiedName, on: RulesDeps): Promise<void> {
  await requireRight(on.entitlement, call.identity, 'DELETE', { collection: 'rules', ...name }) // -> 403
  const { document, revision } = await find(name, on) // -> 404, 409
  const status = await statusOf(document, on)
  await unlinkFromTrigger(document.trigger, formatPath(name), on) // -> 409
  try {
    await on.artifacts.deleteEntity(name, revision)
  } catch (error) {
    await relink(name, status, on)
    refuseConflict(error) // -> 409
  }
  on.changed({ type: 'entity', name })
  await unlinkIfStray(name, document.trigger, on) // -> 409
  answer(call, document, 'inactive')
}

/** Gives the rule, as it is now, the link back that was taken from it for a write that failed. What fails here leaves it inactive. */
async function relink(name: FullyQualifiedName, status: RuleStatus, on: RulesDeps): Promise<void> {
  const rule = await findEntity(on.artifacts, 'rule', name).catch(() => undefined)
  if (rule !== undefined) await linkToTrigger(rule, status, on).catch(() => undefined)
}

/** Enables or disables. A rule whose trigger was made anew is linked to it by being enabled. */
async function changeStatus(call: ApiCall, name: FullyQualifiedName, on: RulesDeps): Promise<void> {
  await requireRight(on.entitlement, call.identity, 'ACTIVATE', { collection: 'rules', ...name }) // -> 403
  const status = parseRuleStatus(await readEntityBody(call, on.body)) // -> 400, 408, 413, 415
  const rule = await find(name, on) // -> 404, 409
  if (status === 'inactive') await deactivateLink(rule.document.trigger, formatPath(name), on) // -> 409
  else if (!(await linkToTrigger(rule, status, on))) {
    throw refusal('NOT_FOUND', 404, 'Only rules with existing triggers can be activated')
  }
  sendText(call, 200, 'OK', REST_CORS)
}

async function find(name: FullyQualifiedName, on: RulesDeps): Promise<Stored<Rule>> {
  const stored = await findEntity(on.artifacts, 'rule', name) // -> 409
  if (stored === undefined) throw notFound()
  return stored
}

async function statusOf(rule: Rule, on: RulesDeps): Promise<RuleStatus> {
  return ruleStatus(rule, (await readTrigger(rule.trigger, on))?.document)
}

function answer(call: ApiCall, rule: Rule, status: RuleStatus): void {
  sendJson(call, 200, JSON.stringify(ruleJson(rule, status)))
}
