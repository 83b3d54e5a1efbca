/** Semantic versions of entities, parsed as leniently as OpenWhisk does. */

import type { Brand } from './brand.ts'
import { malformedContent } from './errors.ts'

/** `major.minor.patch` of non-negative integers, at least one of them not 0. */
export type Version = Brand<string, 'Version'>

export const FIRST_VERSION = '0.0.1' as Version

/** Parses a version from a body: missing parts are 0, a fourth and later part is dropped. Throws 400 `semantic version malformed`. */
export function parseVersion(value: unknown): Version {
  if (typeof value !== 'string' || value === '') throw malformedContent('semantic version malformed')
  const parts = value.split('.').slice(0, 3)
  if (!parts.every((part) => /^\d{1,9}$/.test(part))) throw malformedContent('semantic version malformed')
  const numbers = [0, 1, 2].map((index) => Number(parts[index] ?? 0))
  if (numbers.every((number) => number === 0)) throw malformedContent('semantic version malformed')
  return numbers.join('.') as Version
}

/** The next patch version. */
export function nextPatch(version: Version): Version {
  const [major, minor, patch] = version.split('.')
  return `${major}.${minor}.${Number(patch) + 1}` as Version
}
