/** What a source of configuration yields: values not yet parsed, each with where it came from, and what is wrong or odd about the source. */

import type { Key } from './keys.ts'

/** Where a value came from. `name` is the file, the variable or the flag. */
export type Origin =
  | { readonly source: 'default' }
  | { readonly source: 'file' | 'openwhisk' | 'environment' | 'flag'; readonly name: string }

export interface Setting {
  readonly key: Key
  readonly raw: unknown
  readonly origin: Origin
}

/** Something that keeps the configuration from being used. */
export interface Problem {
  readonly message: string
  /** A name that nobody knows: the nearest of the candidates is suggested. */
  readonly unknown?: { readonly name: string; readonly candidates: readonly string[] }
}

export interface Reading {
  readonly settings: readonly Setting[]
  readonly problems: readonly Problem[]
  readonly warnings: readonly string[]
}

/** Text of a file as UTF-8; throws what `readFileSync` throws. */
export type ReadFile = (path: string) => string

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The origin as error messages name it. */
export function formatOrigin(origin: Origin): string {
  return origin.source === 'default' ? 'default' : origin.source === 'flag' ? `--${origin.name}` : origin.name
}

/** The message of whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
