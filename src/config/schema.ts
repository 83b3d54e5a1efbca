/**
 * The one schema: every configuration key, from which the type `Config`, defaults, environment names, flags and the reference follow.
 * To add a key, add it to its section; nothing else has to know.
 */

import type { Field } from './field.ts'
import { containers, runtimes } from './sections/containers.ts'
import { activations, collector, journal, placement, router } from './sections/data-plane.ts'
import { docker } from './sections/docker.ts'
import { entitlement } from './sections/entitlement.ts'
import { limits } from './sections/limits.ts'
import {
  authentication,
  controller,
  http,
  internal,
  invokers,
  log,
  parameterStorage,
  server,
  shutdown,
} from './sections/server.ts'

/** Keys and groups of keys by name. */
export interface Section {
  readonly [name: string]: Field<unknown> | Section
}

export const schema = {
  ...server,
  containers,
  docker,
  runtimes,
  limits,
  authentication,
  entitlement,
  parameterStorage,
  router,
  journal,
  activations,
  collector,
  placement,
  internal,
  invokers,
  controller,
  http,
  log,
  shutdown,
} satisfies Section

/** The values that a section's keys take. */
export type ValuesOf<S> = S extends Field<infer T> ? T : { readonly [Name in keyof S]: ValuesOf<S[Name]> }

/** The whole configuration: complete, checked, never changed after it was loaded. */
export type Config = ValuesOf<typeof schema>

/** True for a key, false for a group. */
export function isField(node: Field<unknown> | Section): node is Field<unknown> {
  return typeof node['parse'] === 'function'
}
