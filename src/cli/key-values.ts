/**
 * `-p KEY VALUE` and its relatives. They take two words, which option parsers do not know, so they are taken out of the arguments before those are
 * parsed; like this a value may also begin with a dash.
 */

import type { JsonObject, JsonValue } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'
import { messageOf, usageError } from './failure.ts'

export type KeyValueTarget = 'parameter' | 'annotation'

export type KeyValueArgument =
  | { readonly target: KeyValueTarget; readonly key: string; readonly value: string }
  | { readonly target: KeyValueTarget; readonly file: string }

const PAIR_OPTIONS: ReadonlyMap<string, KeyValueTarget> = new Map([
  ['-p', 'parameter'],
  ['--param', 'parameter'],
  ['-a', 'annotation'],
  ['--annotation', 'annotation'],
])
const FILE_OPTIONS: ReadonlyMap<string, KeyValueTarget> = new Map([
  ['-P', 'parameter'],
  ['--param-file', 'parameter'],
  ['-A', 'annotation'],
  ['--annotation-file', 'annotation'],
])

/** Splits the key-value options off; the rest keeps its order. Throws a usage error where a word is missing. */
export function takeKeyValues(args: readonly string[]): {
  readonly rest: readonly string[]
  readonly keyValues: readonly KeyValueArgument[]
} {
  const rest: string[] = []
  const keyValues: KeyValueArgument[] = []
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? ''
    const pair = PAIR_OPTIONS.get(word)
    const file = FILE_OPTIONS.get(word)
    if (word === '--') {
      rest.push(...args.slice(index))
      break
    }
    if (pair !== undefined) {
      const [key, value] = [args[index + 1], args[index + 2]]
      if (key === undefined || value === undefined) {
        throw usageError(`Arguments for '${word}' must be a key/value pair, for example ${word} name World.`)
      }
      keyValues.push({ target: pair, key, value })
      index += 2
    } else if (file !== undefined) {
      const path = args[index + 1]
      if (path === undefined) throw usageError(`An argument must be provided for '${word}': the path of a JSON file.`)
      keyValues.push({ target: file, file: path })
      index += 1
    } else {
      rest.push(word)
    }
  }
  return { rest, keyValues }
}

/**
 * The arguments of one target as an object, later keys winning. A value that is JSON is taken as such, anything else is a string.
 * `readFile` gives a file's text and throws where it cannot.
 */
export function toObject(
  keyValues: readonly KeyValueArgument[],
  target: KeyValueTarget,
  readFile: (path: string) => string,
): Readonly<Record<string, JsonValue>> {
  const merged = new Map<string, JsonValue>()
  for (const argument of keyValues) {
    if (argument.target !== target) continue
    if ('file' in argument) {
      for (const [key, value] of Object.entries(objectFrom(argument.file, readFile))) {
        if (value !== undefined) merged.set(key, value)
      }
    } else {
      merged.set(argument.key, jsonOrText(argument.value))
    }
  }
  return Object.fromEntries(merged)
}

/** The same as OpenWhisk's list of `{key, value}`; undefined where none was given, so that an update leaves what is there. */
export function toEntries(
  keyValues: readonly KeyValueArgument[],
  target: KeyValueTarget,
  readFile: (path: string) => string,
): readonly { readonly key: string; readonly value: JsonValue }[] | undefined {
  if (!keyValues.some((argument) => argument.target === target)) return undefined
  return Object.entries(toObject(keyValues, target, readFile)).map(([key, value]) => ({ key, value }))
}

/** JSON where the text is some, else the text itself. */
export function jsonOrText(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return text
  }
}

function objectFrom(path: string, readFile: (path: string) => string): JsonObject {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFile(path))
  } catch (error) {
    throw usageError(`Cannot read '${path}' as JSON: ${messageOf(error)}.`)
  }
  if (!isJsonObject(parsed)) throw usageError(`'${path}' must hold a JSON object, for example {"name": "World"}.`)
  return parsed
}
