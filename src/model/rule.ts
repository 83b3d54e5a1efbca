/** Rules as they are stored: which trigger starts which action. Whether a rule is active is kept by its trigger. */

import type { FullyQualifiedName } from './names.ts'
import type { Annotation } from './parameters.ts'
import type { Version } from './version.ts'

/** Rules do not lie in packages. */
export interface Rule extends FullyQualifiedName {
  readonly package?: never
  readonly entityType: 'rule'
  readonly version: Version
  readonly publish: boolean
  readonly trigger: FullyQualifiedName
  readonly action: FullyQualifiedName
  readonly annotations: readonly Annotation[]
  /** ms since the epoch, set by the server at each write. */
  readonly updated: number
}
