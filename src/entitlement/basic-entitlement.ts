/** OpenWhisk's own rules: everything in one's namespace; of others', their published packages and what is in them. */

import type { Identity, Right } from '../model/identity.ts'
import { isShared } from '../model/package.ts'
import type { EntitlementProvider, Resource } from './entitlement-provider.ts'

/** The rights that follow from owning and from sharing. */
export function basicEntitlement(): EntitlementProvider {
  return { permits }
}

function permits(identity: Identity, right: Right, resource: Resource): boolean {
  if (resource.namespace === identity.namespace) return true
  switch (resource.collection) {
    case 'packages':
      // Everybody may ask which packages somebody has published; the list holds no others.
      return right === 'READ' && (resource.name === undefined || isSharedPackage(resource))
    case 'actions':
      return (right === 'READ' || right === 'ACTIVATE') && resource.package !== undefined && isSharedPackage(resource)
    case 'triggers':
    case 'rules':
    case 'activations':
    case 'limits':
      return false
  }
}

function isSharedPackage({ stored }: Resource): boolean {
  return stored !== undefined && isShared(stored)
}
