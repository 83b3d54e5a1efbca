/** What a rule refers to: may its maker read it, and is it there. */

import type { EntitlementProvider, Resource } from '../entitlement/entitlement-provider.ts'
import { openPackage } from '../entitlement/open-package.ts'
import { requireRight } from '../entitlement/require-right.ts'
import { refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import { formatPath } from '../model/names.ts'
import type { Rule } from '../model/rule.ts'
import type { ArtifactStore, EntityType } from '../stores/artifact-store.ts'

export interface RuleReferencesDeps {
  readonly artifacts: Pick<ArtifactStore, 'getEntity'>
  readonly entitlement: EntitlementProvider
}

/** Rejects with 403 unless the caller may read both (an absent one is not asked for), and as `openPackage` for an action in a package. */
export async function requireReadable(
  identity: Identity,
  { trigger, action }: Partial<Pick<Rule, 'trigger' | 'action'>>,
  on: RuleReferencesDeps,
): Promise<void> {
  const resources: Resource[] = []
  if (trigger !== undefined) resources.push({ collection: 'triggers', ...trigger })
  if (action !== undefined && action.package === undefined) resources.push({ collection: 'actions', ...action })
  await requireRight(on.entitlement, identity, 'READ', ...resources) // -> 403
  if (action !== undefined) await actualName(identity, action, on) // -> 403, 404, 409, 422
}

/** Rejects with 400 unless both are there, the trigger being looked for first. */
export async function requireExisting(
  identity: Identity,
  { trigger, action }: Pick<Rule, 'trigger' | 'action'>,
  on: RuleReferencesDeps,
): Promise<void> {
  await requireEntity('trigger', trigger, trigger, on)
  await requireEntity('action', action, await actualName(identity, action, on), on)
}

async function requireEntity(
  entityType: EntityType,
  shown: FullyQualifiedName,
  name: FullyQualifiedName,
  on: RuleReferencesDeps,
): Promise<void> {
  const found = await on.artifacts.getEntity(name)
  if (found === undefined) throw refusal('BAD_REQUEST', 400, `${entityType} /${formatPath(shown)} does not exist`)
  const { entityType: actual } = found.document
  if (actual === entityType) return
  throw refusal('BAD_REQUEST', 400, `document type ${actual} did not match expected type ${entityType}.`)
}

/** Where the action lies: under the name of the package that a binding leads to. */
async function actualName(
  identity: Identity,
  action: FullyQualifiedName,
  on: RuleReferencesDeps,
): Promise<FullyQualifiedName> {
  if (action.package === undefined) return action
  const use = { identity, right: 'READ', collection: 'actions', name: action.name } as const
  const { provider } = await openPackage(action.namespace, action.package, use, on)
  return { namespace: provider.document.namespace, package: provider.document.name, name: action.name }
}
