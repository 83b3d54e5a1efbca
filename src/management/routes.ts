/** Paths below `/api/v1` and what they mean. Matching is exact on slashes: `/actions/P` is the action P, `/actions/P/` lists the package P. */

import { decodeSegment } from '../api/request-target.ts'

/** Namespaces and names are decoded, not yet validated. */
export type Route =
  | { readonly type: 'namespaces' }
  | { readonly type: 'limits'; readonly namespace: string }
  | { readonly type: 'insideLimits' }
  | { readonly type: 'actions'; readonly namespace: string }
  | { readonly type: 'packageActions'; readonly namespace: string; readonly package: string }
  | {
      readonly type: 'action'
      readonly namespace: string
      readonly package: string | undefined
      readonly name: string
    }
  | { readonly type: 'packages'; readonly namespace: string }
  | { readonly type: 'package'; readonly namespace: string; readonly name: string }
  | { readonly type: 'activations'; readonly namespace: string }
  | {
      readonly type: 'activation'
      readonly namespace: string
      readonly id: string
      readonly part: 'record' | 'result' | 'logs'
    }
  | { readonly type: 'triggers'; readonly namespace: string }
  | { readonly type: 'trigger'; readonly namespace: string; readonly name: string }
  | { readonly type: 'rules'; readonly namespace: string }
  | { readonly type: 'rule'; readonly namespace: string; readonly name: string }

/** The route of a path whose `/api/v1` is cut off, or undefined. */
export function matchRoute(path: string): Route | undefined {
  const segments = path.split('/').map(decodeSegment)
  const [root, first, namespace = '', collection, ...rest] = segments
  if (root !== '' || first !== 'namespaces') return undefined
  if (namespace === '') return segments.length <= 3 ? { type: 'namespaces' } : undefined
  // A single slash at the end of a collection means the collection.
  const inside = rest.length === 1 && rest[0] === '' ? [] : rest
  switch (collection ?? '') {
    case 'actions':
      return matchActions(namespace, inside)
    case 'activations':
      return matchActivations(namespace, inside)
    case 'limits':
      return inside.length === 0 ? { type: 'limits', namespace } : { type: 'insideLimits' }
    case 'packages':
      return matchFlat(inside, { type: 'packages', namespace }, (name) => ({ type: 'package', namespace, name }))
    case 'triggers':
      return matchFlat(inside, { type: 'triggers', namespace }, (name) => ({ type: 'trigger', namespace, name }))
    case 'rules':
      return matchFlat(inside, { type: 'rules', namespace }, (name) => ({ type: 'rule', namespace, name }))
    default:
      return undefined
  }
}

/** A collection whose entities lie in no packages. */
function matchFlat(inside: readonly string[], collection: Route, entity: (name: string) => Route): Route | undefined {
  const [name, more] = inside
  if (name === undefined) return collection
  return name === '' || more !== undefined ? undefined : entity(name)
}

function matchActions(namespace: string, inside: readonly string[]): Route | undefined {
  const [first, second, more] = inside
  if (first === undefined) return { type: 'actions', namespace }
  if (first === '' || more !== undefined) return undefined
  if (second === undefined) return { type: 'action', namespace, package: undefined, name: first }
  if (second === '') return { type: 'packageActions', namespace, package: first }
  return { type: 'action', namespace, package: first, name: second }
}

function matchActivations(namespace: string, inside: readonly string[]): Route | undefined {
  const [id, part, more] = inside
  if (id === undefined) return { type: 'activations', namespace }
  if (id === '' || more !== undefined) return undefined
  if (part === undefined || part === '') return { type: 'activation', namespace, id, part: 'record' }
  return part === 'result' || part === 'logs' ? { type: 'activation', namespace, id, part } : undefined
}
