/** A sequence made ready for being called by one namespace. Its components are resolved when their turn comes: they may change while it stays. */

import type { OpenedPackage } from '../entitlement/open-package.ts'
import type { Sequence } from '../model/action.ts'
import { kindOf } from '../model/action.ts'
import type { Identity } from '../model/identity.ts'
import type { JsonValue } from '../model/json.ts'
import { isTruthy } from '../model/json.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import { CALLERS_NAMESPACE, formatPath } from '../model/names.ts'
import { annotation, mergeByKey } from '../model/parameters.ts'
import type { BoundParameters, Observed, ResolvedAction } from './resolved-action.ts'
import type { WebExport } from './web/web-export.ts'
import { webExportOf } from './web/web-export.ts'

/** Nothing is bound to a sequence: what it is given goes to its first component as it is. */
export interface ResolvedSequence extends BoundParameters {
  readonly type: 'sequence'
  readonly action: Sequence
  readonly components: readonly FullyQualifiedName[]
  /** How it is called as a web action; undefined: it is not exported. What its components say of themselves does not matter. */
  readonly web: WebExport | undefined
  /** What the list filter `name` matches. */
  readonly filter: string
  readonly observed: Observed
  /** Leading members of the record's annotations, as JSON text without the closing bracket. */
  readonly annotationsHead: string
  /** A crash cuts off a component, never the sequence: that is for each component's own annotation to say. */
  readonly idempotent: false
}

/** Whatever can be called by its name. */
export type Invocable = ResolvedAction | ResolvedSequence

/** Computes what calls of a sequence by one namespace share. `opened` is the package that it lies in. */
export function resolveSequence(
  identity: Identity,
  action: Sequence,
  opened: OpenedPackage | undefined,
): ResolvedSequence {
  const binding = opened?.binding?.document
  const kind = kindOf(action.exec)
  const filter = action.package === undefined ? action.name : `${binding?.name ?? action.package}/${action.name}`
  const heads: [string, JsonValue][] = [
    ['path', formatPath(action)],
    ['kind', kind],
  ]
  if (binding !== undefined) heads.push(['binding', formatPath(binding)])
  const parameters = mergeByKey(opened?.parameters ?? [], action.parameters)
  return {
    type: 'sequence',
    action,
    // Documents that were written by others may still say `_`.
    components: action.exec.components.map((component) =>
      component.namespace === CALLERS_NAMESPACE ? { ...component, namespace: identity.namespace } : component,
    ),
    bound: new Map(),
    boundBytes: '',
    initEnvironment: {},
    initKeys: new Set(),
    finalKeys: isTruthy(annotation(action.annotations, 'final'))
      ? new Set(parameters.filter(({ value }) => value !== null).map(({ key }) => key))
      : undefined,
    web: webExportOf(action.annotations),
    filter,
    observed: { namespace: action.namespace, action: filter, kind, memoryMb: action.limits.memoryMb },
    annotationsHead: `[${heads.map(([key, value]) => JSON.stringify({ key, value })).join(',')}`,
    idempotent: false,
  }
}

/** True for what is run step by step: a sequence, or an action that conducts a composition. */
export function isFlow(action: Invocable): boolean {
  return action.type === 'sequence' || action.flowHead !== undefined
}
