/** The schema as a flat list, each key with its name in every source. */

import type { Field } from './field.ts'
import { isField, schema } from './schema.ts'
import type { Section } from './schema.ts'

export interface Key {
  /** Path in the file and in `Config`, for example `limits.timeout.max`. */
  readonly name: string
  /** `STAVE_LIMITS_TIMEOUT_MAX`; with `_FILE` behind it the name of a file that holds the value. */
  readonly variable: string
  /** `limits-timeout-max`: the flag without its dashes. */
  readonly flag: string
  readonly field: Field<unknown>
}

/** Flags that are not the kebab form of their key. */
const FIXED_FLAGS: Readonly<Record<string, string>> = { 'containers.provider': 'containers' }

/** Every key, in the order of the schema. */
export const KEYS: readonly Key[] = keysOf(schema, [])

function keysOf(section: Section, path: readonly string[]): Key[] {
  return Object.entries(section).flatMap(([part, node]) => {
    const here = [...path, part]
    return isField(node) ? [keyAt(here, node)] : keysOf(node, here)
  })
}

function keyAt(path: readonly string[], field: Field<unknown>): Key {
  const name = path.join('.')
  const kebab = path.map((part) => part.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)).join('-')
  return {
    name,
    variable: `STAVE_${kebab.replaceAll('-', '_').toUpperCase()}`,
    flag: FIXED_FLAGS[name] ?? kebab,
    field,
  }
}
