/** Triggers as they are stored. The state of a rule is kept here, in the link, as OpenWhisk keeps it: a fire then reads one document. */

import type { FullyQualifiedName } from './names.ts'
import type { Annotation, Parameter } from './parameters.ts'
import type { Version } from './version.ts'

export type RuleStatus = 'active' | 'inactive'

/** What a rule tied to this trigger starts, and whether it does. */
export interface RuleLink {
  readonly action: FullyQualifiedName
  readonly status: RuleStatus
}

/** Triggers do not lie in packages. */
export interface Trigger extends FullyQualifiedName {
  readonly package?: never
  readonly entityType: 'trigger'
  readonly version: Version
  readonly publish: boolean
  readonly parameters: readonly Parameter[]
  readonly annotations: readonly Annotation[]
  /** By `NS/R`. Absent until a rule was linked for the first time; may be empty afterwards. */
  readonly rules?: Readonly<Record<string, RuleLink>>
  /** ms since the epoch, set by the server at each write. */
  readonly updated: number
}
