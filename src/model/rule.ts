/** Rules as they are stored: which trigger starts which action. Whether a rule is active is kept by its trigger. */

import type { FullyQualifiedName } from './names.ts'
import { formatPath } from './names.ts'
import type { Annotation } from './parameters.ts'
import type { RuleStatus, Trigger } from './trigger.ts'
import { referenceJson } from './trigger.ts'
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

/** What `trigger` says of the rule: inactive, too, where the trigger is gone or has no link to it. */
export function ruleStatus(rule: FullyQualifiedName, trigger: Trigger | undefined): RuleStatus {
  return trigger?.rules?.[formatPath(rule)]?.status ?? 'inactive'
}

/** The rule's JSON form in PUT, GET and DELETE answers. */
export function ruleJson(rule: Rule, status: RuleStatus): Record<string, unknown> {
  return { ...ruleSummaryJson(rule), status }
}

/** The rule's JSON form in lists: the status would take a look into each trigger. */
export function ruleSummaryJson(rule: Rule): Record<string, unknown> {
  return {
    namespace: rule.namespace,
    name: rule.name,
    version: rule.version,
    publish: rule.publish,
    annotations: rule.annotations,
    trigger: referenceJson(rule.trigger),
    action: referenceJson(rule.action),
    updated: rule.updated,
  }
}
