/** From a URL to an exported action, in the words that web actions have for what is not there: they tell strangers less than the REST API tells callers. */

import { notAuthorized, notFound, Refusal } from '../../model/errors.ts'
import type { Identity } from '../../model/identity.ts'
import type { FullyQualifiedName, NamespaceName } from '../../model/names.ts'
import { formatPath, parseEntityName } from '../../model/names.ts'
import type { Entity, Stored } from '../../stores/artifact-store.ts'
import type { Limits } from '../admission.ts'
import type { Invocable } from '../resolved-sequence.ts'
import type { Target } from '../resolve.ts'
import type { WebExport } from './web-export.ts'

export interface LookUpDeps {
  /** Whom calls of a namespace's web actions are charged to. */
  readonly ownerOf: (namespace: NamespaceName) => Identity | undefined | Promise<Identity | undefined>
  readonly resolve: (identity: Identity, target: Target) => Invocable | Promise<Invocable>
  readonly getEntity: (name: FullyQualifiedName) => Promise<Stored<Entity> | undefined>
  readonly limits: Limits
}

/** A web action, and who pays for it. */
export interface WebAction {
  readonly owner: Identity
  readonly action: Invocable
  readonly web: WebExport
}

/**
 * Finds the action. Rejects with 404 for everything that is not there or not exported, and with 403 where a binding leads to a package that is
 * somebody else's and not shared any more: that costs the owner one of its calls, as an invocation does that is refused after the limits.
 */
export async function lookUp(target: Target, on: LookUpDeps): Promise<WebAction> {
  const owner = await on.ownerOf(target.namespace as NamespaceName)
  if (owner === undefined) throw notFound()
  const action = await resolveAs(owner, target, on)
  if (action.web === undefined) throw notFound()
  return { owner, action, web: action.web }
}

async function resolveAs(owner: Identity, target: Target, on: LookUpDeps): Promise<Invocable> {
  try {
    return await on.resolve(owner, target)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    if (error.status === 409) throw notFound()
    if (error.status !== 403) throw error
    const provider = await withheldProvider(error, owner, target, on)
    if (provider === 'gone') throw notFound()
    on.limits.enter(owner).release() // -> 429
    throw provider === undefined ? error : notAuthorized(formatPath(provider))
  }
}

/** The package behind the binding that was refused: its name, or `gone`; undefined where something else was the reason. */
async function withheldProvider(
  { message }: Refusal,
  { namespace }: Identity,
  target: Target,
  on: LookUpDeps,
): Promise<FullyQualifiedName | 'gone' | undefined> {
  if (target.package === undefined) return undefined
  const asked = { namespace, name: parseEntityName(target.package) }
  if (message !== notAuthorized(formatPath(asked)).message) return undefined
  const binding = await on.getEntity(asked)
  const provider = binding?.document.entityType === 'package' ? binding.document.binding : undefined
  if (provider === undefined) return undefined
  return (await on.getEntity(provider)) === undefined ? 'gone' : provider
}
