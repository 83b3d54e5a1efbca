/** Packages and bindings as they are stored. A binding is another name, with parameters of its own, for a package. */

import type { EntityName, FullyQualifiedName, NamespaceName } from './names.ts'
import type { Annotation, Parameter } from './parameters.ts'
import type { Version } from './version.ts'

/** The package that stands for "no package" in URLs of web actions; nobody can create one of that name. */
export const DEFAULT_PACKAGE = 'default'

/** What a binding refers to. */
export interface BindingTarget {
  readonly namespace: NamespaceName
  readonly name: EntityName
}

/** Packages do not lie in packages. */
export interface Package extends FullyQualifiedName {
  readonly package?: never
  readonly entityType: 'package'
  readonly version: Version
  /** True: everybody may read it and call what is in it. Of no effect on a binding. */
  readonly publish: boolean
  readonly parameters: readonly Parameter[]
  /** Without `binding`, which is derived from the field of that name. */
  readonly annotations: readonly Annotation[]
  /** Absent on a package proper. */
  readonly binding?: BindingTarget
  /** ms since the epoch, set by the server at each write. */
  readonly updated: number
}
