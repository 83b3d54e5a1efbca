/** The check that every access goes through, and its refusal in OpenWhisk's words. */

import { notAuthorized } from '../model/errors.ts'
import type { Identity, Right } from '../model/identity.ts'
import type { EntitlementProvider, Resource } from './entitlement-provider.ts'

/**
 * Rejects with a 403 that names every one of the resources that the caller may not do that with: because its key lacks the right, or because the
 * provider says so.
 */
export async function requireRight(
  provider: EntitlementProvider,
  identity: Identity,
  right: Right,
  ...resources: readonly Resource[]
): Promise<void> {
  requireKeyRight(identity, right, ...resources)
  const denied: Resource[] = []
  for (const resource of resources) {
    if (!(await provider.permits(identity, right, resource))) denied.push(resource)
  }
  if (denied.length > 0) throw notAuthorized(describe(denied))
}

/** Throws that 403 when the caller's key does not carry the right, whatever it is wanted for. */
export function requireKeyRight(identity: Identity, right: Right, ...resources: readonly Resource[]): void {
  if (resources.length > 0 && !identity.rights.includes(right)) throw notAuthorized(describe(resources))
}

function describe(resources: readonly Resource[]): string {
  return [...new Set(resources.map(resourceName))].sort().join(', ')
}

/** A resource as refusals name it: `NS`, `NS/name`, or `NS/PKG` for what lies in a package. */
export function resourceName({ namespace, package: parent, name }: Resource): string {
  const shown = parent ?? name
  return shown === undefined ? namespace : `${namespace}/${shown}`
}
