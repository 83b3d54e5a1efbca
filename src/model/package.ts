/** Packages and bindings as they are stored. A binding is another name, with parameters of its own, for a package. */

import type { Action } from './action.ts'
import type { EntityName, FullyQualifiedName, NamespaceName } from './names.ts'
import type { Annotation, Parameter } from './parameters.ts'
import { annotation } from './parameters.ts'
import type { Version } from './version.ts'

/** The package that stands for "no package" in URLs of web actions; nobody can create one of that name. */
export const DEFAULT_PACKAGE = 'default'

/** The annotation that says what a binding refers to; what clients write there is dropped. */
export const BINDING = 'binding'

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

/** True for a package proper that everybody may read: bindings are their owner's alone. */
export function isShared({ publish, binding }: Package): boolean {
  return publish && binding === undefined
}

/** The package's JSON form in PUT and DELETE answers. */
export function packageJson(document: Package): Record<string, unknown> {
  const { namespace, name, binding, parameters, version, publish, updated } = document
  const annotations = shownAnnotations(document)
  return { namespace, name, binding: binding ?? {}, parameters, version, publish, annotations, updated }
}

/** The package's JSON form in GET answers. `parameters` are the merged ones, `actions` are those of the provider. */
export function packageWithActionsJson(
  document: Package,
  parameters: readonly Parameter[],
  actions: readonly Action[],
): Record<string, unknown> {
  return {
    ...packageJson({ ...document, parameters }),
    actions: actions.filter((action) => !isFeed(action)).map(contentJson),
    feeds: actions.filter(isFeed).map(contentJson),
  }
}

/** The package's JSON form in lists, where "no binding" is false. */
export function packageSummaryJson(document: Package): Record<string, unknown> {
  const { namespace, name, version, publish, binding, updated } = document
  const annotations = shownAnnotations(document)
  return { namespace, name, version, publish, annotations, binding: binding ?? false, updated }
}

function isFeed({ annotations }: Action): boolean {
  return annotation(annotations, 'feed') !== undefined
}

function contentJson({ name, version, annotations }: Action): Record<string, unknown> {
  return { name, version, annotations }
}

/** Clients that see lists alone tell by an annotation what is a binding, and of what. */
function shownAnnotations({ annotations, binding }: Package): readonly Annotation[] {
  if (binding === undefined) return annotations
  return [...annotations, { key: BINDING, value: { namespace: binding.namespace, name: binding.name } }]
}
