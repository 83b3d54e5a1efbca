/**
 * Arguments that `docker run` has, as parts of the body that the Engine API takes for creating a container. The table has every argument that changes what
 * a container is; those that say how the command line behaves (`rm`, `detach`, `name` …) are refused with the reason.
 */

import { closest, distance } from 'fastest-levenshtein'
import type { CreateBody } from './create-body.ts'
import type { ReadArgument } from './read-arguments.ts'
import { READERS } from './read-arguments.ts'
import { REFUSED } from './refused-arguments.ts'

/** An argument that is not known, must not be set, or cannot be read. The message names the argument and what would be right. */
export class BadArgument extends Error {
  override readonly name = 'BadArgument'
}

/** Names of `docker run` with one letter, and older spellings. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['c', 'cpu-shares'],
  ['e', 'env'],
  ['h', 'hostname'],
  ['l', 'label'],
  ['m', 'memory'],
  ['u', 'user'],
  ['v', 'volume'],
  ['w', 'workdir'],
  ['net', 'network'],
  ['dns-opt', 'dns-option'],
])

/** Names of all arguments that are taken, sorted. */
export const EXTRA_ARGUMENTS: readonly string[] = Object.keys(READERS).toSorted()

/** How far a name may be from a known one for that to be suggested. */
const NEAR = 4

/**
 * The parts of a create body that `docker run` would have made of the same arguments; a name with no value counts as a switch that is on. Lists are
 * in the order of the values. Throws `BadArgument`.
 */
export function readExtraArguments(given: Readonly<Record<string, readonly string[]>>): CreateBody {
  let body: CreateBody = {}
  for (const [name, values] of Object.entries(given)) {
    const { argument, read } = readerOf(name)
    try {
      body = merge(body, read(values.length === 0 ? ['true'] : values))
    } catch (error) {
      if (error instanceof BadArgument) throw error
      const reason = error instanceof Error ? error.message : String(error)
      throw new BadArgument(`docker.extraArgs: ${argument}: ${reason}`, { cause: error })
    }
  }
  return body
}

function readerOf(name: string): { readonly argument: string; readonly read: ReadArgument } {
  const plain = name.replace(/^--?/, '')
  const argument = ALIASES.get(plain) ?? plain
  const read = Object.hasOwn(READERS, argument) ? READERS[argument] : undefined
  if (read !== undefined) return { argument, read }
  const reason = Object.hasOwn(REFUSED, argument) ? REFUSED[argument] : undefined
  if (reason !== undefined) throw new BadArgument(`docker.extraArgs: ${argument} cannot be set: ${reason}`)
  const nearest = closest(argument, EXTRA_ARGUMENTS)
  const hint = distance(argument, nearest) <= NEAR ? `; the nearest is ${nearest}` : ''
  throw new BadArgument(`docker.extraArgs: there is no argument ${argument}${hint}`)
}

/**
 * Both bodies in one, as `docker run` would have it: objects are merged, lists joined (of resource limits, the later one of a name wins), of other values
 * the later one wins. Options of logs belong to their driver and go with it.
 */
export function merge(one: CreateBody, other: CreateBody): CreateBody {
  const [mine, theirs] = [one.HostConfig, other.HostConfig]
  const driver = theirs?.LogConfig?.Type
  const replaced = driver !== undefined && driver !== mine?.LogConfig?.Type
  const base = replaced ? { ...one, HostConfig: { ...mine, LogConfig: {} } } : one
  const merged = mergeObjects(base, other)
  const limits = merged.HostConfig?.Ulimits
  if (limits === undefined) return merged
  // The engine passes on what it gets, and a limit that is set twice keeps the container from starting.
  const byName = new Map(limits.map((limit) => [limit.Name, limit]))
  return { ...merged, HostConfig: { ...merged.HostConfig, Ulimits: [...byName.values()] } }
}

function mergeObjects<T extends object>(one: T, other: object): T {
  const merged = Object.entries(other).map(([key, value]: [string, unknown]) => [
    key,
    mergeValues(Reflect.get(one, key), value),
  ])
  return { ...one, ...other, ...Object.fromEntries(merged) }
}

function mergeValues(one: unknown, other: unknown): unknown {
  if (Array.isArray(one) && Array.isArray(other)) return [...one, ...other]
  return isPlainObject(one) && isPlainObject(other) ? mergeObjects(one, other) : other
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
