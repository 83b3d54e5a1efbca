/** Triggers as they are stored. The state of a rule is kept here, in the link, as OpenWhisk keeps it: a fire then reads one document. */

import type { FullyQualifiedName } from './names.ts'
import { formatNamespace } from './names.ts'
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

/** The trigger with the rule `path` (`NS/R`) linked so, in place of an earlier link. Neither version nor `updated` change. */
export function linkRule(trigger: Trigger, path: string, link: RuleLink): Trigger {
  return { ...trigger, rules: { ...trigger.rules, [path]: link } }
}

/** The trigger without the rule `path`; `rules` stays even when it becomes empty. */
export function unlinkRule(trigger: Trigger, path: string): Trigger {
  if (trigger.rules === undefined) return trigger
  const { [path]: _link, ...rules } = trigger.rules
  return { ...trigger, rules }
}

/** A fully qualified name in the JSON form of references: `{path: "NS[/PKG]", name}`. */
export function referenceJson(name: FullyQualifiedName): { readonly path: string; readonly name: string } {
  return { path: formatNamespace(name), name: name.name }
}

/** The trigger's JSON form in PUT, GET and DELETE answers. `rules` only where one was ever linked. */
export function triggerJson(trigger: Trigger): Record<string, unknown> {
  const { rules } = trigger
  return {
    ...triggerSummaryJson(trigger),
    parameters: trigger.parameters,
    limits: {},
    ...(rules !== undefined && {
      rules: Object.fromEntries(
        Object.entries(rules).map(([path, { action, status }]) => [path, { action: referenceJson(action), status }]),
      ),
    }),
  }
}

/** The trigger's JSON form in lists. */
export function triggerSummaryJson(trigger: Trigger): Record<string, unknown> {
  return {
    namespace: trigger.namespace,
    name: trigger.name,
    version: trigger.version,
    publish: trigger.publish,
    annotations: trigger.annotations,
    updated: trigger.updated,
  }
}
