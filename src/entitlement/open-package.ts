/** From the name of a package or binding to the package itself, with every right on the way checked. */

import { notAuthorized, refusal, wrongCollection } from '../model/errors.ts'
import type { Identity, Right } from '../model/identity.ts'
import type { EntityName, NamespaceName } from '../model/names.ts'
import { formatPath, isLegalName } from '../model/names.ts'
import type { BindingTarget, Package } from '../model/package.ts'
import type { Parameter } from '../model/parameters.ts'
import { mergeByKey } from '../model/parameters.ts'
import type { ArtifactStore, Entity, Stored } from '../stores/artifact-store.ts'
import type { Collection, EntitlementProvider, Resource } from './entitlement-provider.ts'
import { requireKeyRight, resourceName } from './require-right.ts'

export interface OpenPackageDeps {
  readonly entitlement: EntitlementProvider
  readonly artifacts: Pick<ArtifactStore, 'getEntity'>
}

/** What a package is wanted for. */
export interface PackageUse {
  readonly identity: Identity
  readonly right: Right
  /** `packages`: the package itself. `actions`: what lies in it. */
  readonly collection: Extract<Collection, 'actions' | 'packages'>
  /** Name of what is wanted in it. */
  readonly name?: EntityName
}

/** A package, and the way to it. */
export interface OpenedPackage {
  /** The package that the actions lie in. */
  readonly provider: Stored<Package>
  /** The binding that was asked for; absent where a package was. */
  readonly binding?: Stored<Package>
  /** All that was read: what was asked for first, the provider last. */
  readonly chain: readonly Stored<Package>[]
  /** The provider's parameters, overridden by those of the bindings on the way. */
  readonly parameters: readonly Parameter[]
}

/**
 * Opens a package for a use. Rejects with 403 naming what was asked for when it, or what it is bound to, may not be used so, or is somebody else's
 * and missing; 404 when it is missing and the caller's own, 409 when it is no package, 422 when bindings lead back to themselves.
 */
export async function openPackage(
  namespace: NamespaceName,
  name: EntityName,
  use: PackageUse,
  on: OpenPackageDeps,
): Promise<OpenedPackage> {
  const { identity, right } = use
  const asked = resourceOf({ namespace, name }, undefined, use)
  requireKeyRight(identity, right, asked) // -> 403
  const chain: Stored<Package>[] = []
  for (let at: BindingTarget = { namespace, name }; ;) {
    // Of a name with too many segments, what would be a package's part is several: it may not be taken for an action in a package.
    const found = isLegalName(at.name) ? await on.artifacts.getEntity(at) : undefined
    const stored = found === undefined ? undefined : asPackage(found)
    const resource = resourceOf(at, stored?.document, use)
    if (!(await on.entitlement.permits(identity, right, resource))) throw notAuthorized(resourceName(asked))
    if (found === undefined) throw refusal('NOT_FOUND', 404, '', { missing: 'package' })
    if (stored === undefined) throw wrongCollection()
    chain.push(stored)
    const { binding } = stored.document
    if (binding === undefined) return opened(stored, chain)
    if (chain.some(({ document }) => formatPath(document) === formatPath(binding))) throw circular(binding)
    at = binding
  }
}

function resourceOf(at: BindingTarget, stored: Package | undefined, { collection, name }: PackageUse): Resource {
  return {
    collection,
    namespace: at.namespace,
    ...(collection === 'packages' ? { name: at.name } : { package: at.name, ...(name !== undefined && { name }) }),
    ...(stored !== undefined && { stored }),
  }
}

function asPackage({ revision, document }: Stored<Entity>): Stored<Package> | undefined {
  return document.entityType === 'package' ? { revision, document } : undefined
}

function opened(provider: Stored<Package>, chain: readonly Stored<Package>[]): OpenedPackage {
  const [first] = chain
  const parameters = chain
    .toReversed()
    .reduce<readonly Parameter[]>((merged, { document }) => mergeByKey(merged, document.parameters), [])
  return { provider, chain, parameters, ...(first !== undefined && first !== provider && { binding: first }) }
}

function circular(binding: BindingTarget): Error {
  return refusal('CONFLICT', 422, `Package binding '${formatPath(binding)}' contains a circular reference.`)
}
