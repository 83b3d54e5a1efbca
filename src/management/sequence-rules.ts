/** What a sequence may consist of: components that its author may read, that are there, not too many of them, and never the sequence itself. */

import type { EntitlementProvider, Resource } from '../entitlement/entitlement-provider.ts'
import { openPackage } from '../entitlement/open-package.ts'
import { resourceName } from '../entitlement/require-right.ts'
import { isSequence } from '../model/action.ts'
import { notAuthorized, Refusal, refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import { formatPath } from '../model/names.ts'
import type { BindingTarget } from '../model/package.ts'
import type { ArtifactStore } from '../stores/artifact-store.ts'

export interface SequenceRulesDeps {
  readonly artifacts: Pick<ArtifactStore, 'getEntity'>
  readonly entitlement: EntitlementProvider
}

/**
 * Rejects with a 403 that names every component, or its package, that the author may not read; 404 where a package of the author's own is missing, 409
 * where it is no package. Whether the components themselves exist is not asked.
 */
export async function requireReadableComponents(
  identity: Identity,
  components: readonly FullyQualifiedName[],
  on: SequenceRulesDeps,
): Promise<void> {
  const denied = new Set<string>()
  for (const component of distinct(components)) {
    const resource: Resource = { collection: 'actions', ...component }
    if (component.package === undefined) {
      const allowed = identity.rights.includes('READ') && (await on.entitlement.permits(identity, 'READ', resource))
      if (!allowed) denied.add(resourceName(resource))
      continue
    }
    const use = { identity, right: 'READ', collection: 'actions', name: component.name } as const
    try {
      await openPackage(component.namespace, component.package, use, on)
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 403) throw error
      denied.add(resourceName(resource))
    }
  }
  if (denied.size > 0) throw notAuthorized([...denied].join(', '))
}

/**
 * Rejects with the 400 for the first component, in order, that makes the sequence `name` impossible. `max`: atomic actions that it may have when its inner
 * sequences are written out.
 */
export async function checkSequence(
  name: FullyQualifiedName,
  components: readonly FullyQualifiedName[],
  max: number,
  artifacts: SequenceRulesDeps['artifacts'],
): Promise<void> {
  if (components.length > max) throw tooMany()
  if (components.length === 0) throw refusal('BAD_REQUEST', 400, 'No component specified for the sequence.')
  const own = formatPath((await withoutBindings(name, artifacts)) ?? name)
  /** Atomic actions of each component that was looked at, by its path. */
  const counts = new Map<string, number>()
  const open = new Set<string>()

  async function count(parts: readonly FullyQualifiedName[]): Promise<number> {
    if (parts.length > max) throw tooMany()
    let sum = 0
    for (const part of parts) {
      sum += await atomicActions(part)
      // At once: what has been written out so far bounds what has to be read.
      if (sum > max) throw tooMany()
    }
    return sum
  }

  async function atomicActions(component: FullyQualifiedName): Promise<number> {
    const real = await withoutBindings(component, artifacts)
    const path = real === undefined ? undefined : formatPath(real)
    // The sequence may not exist yet: that it is itself is found before that it is missing.
    if (path === own) throw refusal('BAD_REQUEST', 400, 'Sequence may not refer to itself.')
    if (real === undefined || path === undefined) throw missing()
    // A ring of others that came about by changes since: it never ends.
    if (open.has(path)) throw tooMany()
    const known = counts.get(path)
    if (known !== undefined) return known
    const found = (await artifacts.getEntity(real))?.document
    if (found?.entityType !== 'action') throw missing()
    open.add(path)
    const atoms = isSequence(found) ? await count(found.exec.components) : 1
    open.delete(path)
    counts.set(path, atoms)
    return atoms
  }

  await count(components)
}

/** The name under which an action is stored when it is called by `name`; undefined when its package is missing. */
async function withoutBindings(
  name: FullyQualifiedName,
  artifacts: SequenceRulesDeps['artifacts'],
): Promise<FullyQualifiedName | undefined> {
  if (name.package === undefined) return name
  const seen = new Set<string>()
  for (let at: BindingTarget = { namespace: name.namespace, name: name.package }; !seen.has(formatPath(at));) {
    seen.add(formatPath(at))
    const found = (await artifacts.getEntity(at))?.document
    if (found?.entityType !== 'package') return undefined
    if (found.binding === undefined) return { namespace: at.namespace, package: at.name, name: name.name }
    at = found.binding
  }
  return undefined
}

function distinct(names: readonly FullyQualifiedName[]): readonly FullyQualifiedName[] {
  return [...new Map(names.map((name) => [formatPath(name), name])).values()]
}

function missing(): Refusal {
  return refusal('BAD_REQUEST', 400, 'Sequence component does not exist.')
}

function tooMany(): Refusal {
  return refusal('BAD_REQUEST', 400, 'Too many actions in the sequence.')
}
