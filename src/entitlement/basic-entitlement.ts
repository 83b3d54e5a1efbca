/** OpenWhisk's own rules: everything in one's namespace; of others', their published packages and what is in them. */

import type { Identity, Right } from '../model/identity.ts'
import type { Package } from '../model/package.ts'
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
      return right === 'READ' && (resource.name === undefined || isShared(resource.stored))
    case 'actions':
      return (right === 'READ' || right === 'ACTIVATE') && resource.package !== undefined && isShared(resource.stored)
    case 'triggers':
    case 'rules':
    case 'activations':
    case 'limits':
      return false
  }
}

/** A binding is its owner's alone, published or not. */
function isShared(stored: Package | undefined): boolean {
  return stored !== undefined && stored.publish && stored.binding === undefined
}
