/** Who may do what with which resource, as an interface. Every implementation passes test/conformance/entitlement-provider.ts. */

import type { Identity, Right } from '../model/identity.ts'
import type { EntityName, NamespaceName } from '../model/names.ts'
import type { Package } from '../model/package.ts'

export type Collection = 'actions' | 'packages' | 'triggers' | 'rules' | 'activations' | 'limits'

/** What somebody wants to do something with: a collection of a namespace, or one thing of it. */
export interface Resource {
  readonly collection: Collection
  readonly namespace: NamespaceName
  /** Package that the thing lies in. Sharing goes by packages: refusals name the package, not what is in it. */
  readonly package?: EntityName
  /** Absent: the collection as a whole. An entity's name, or the id of an activation. */
  readonly name?: string
  /** The package that the thing is or lies in, as it is stored; absent where none of that name is. */
  readonly stored?: Package
}

/** Decides about resources by the caller and by what is said of them; keeps nothing of what is asked, and changes nothing. */
export interface EntitlementProvider {
  /**
   * Whether the caller may do that. That the caller's key carries `right` was found before. Existence is no matter of rights: what is missing is asked
   * for without `stored`. Must answer within a second; may reject, which the caller sees as 500.
   *
   * Of a binding, both are asked for: the binding, and the package that it is bound to. Answers about invocations are kept with the resolved action
   * until one of the entities concerned changes, for all subjects of the namespace alike.
   */
  permits(identity: Identity, right: Right, resource: Resource): boolean | Promise<boolean>
}
