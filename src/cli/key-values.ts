/**
 * `-p KEY VALUE` and its relatives. They take two words, which option parsers do not know, so they are taken out of the arguments before those are
 * parsed; like this a value may also begin with a dash.
 */

import type { JsonObject, JsonValue } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'
import { messageOf, usageError } from './failure.ts'

/** What a key and its value are meant for: `parameter` is what every command with parameters takes, the last two tell a trigger's from its feed's. */
export type KeyValueTarget = 'parameter' | 'annotation' | 'feedParameter' | 'triggerParameter'

export type KeyValueArgument =
  | { readonly target: KeyValueTarget; readonly key: string; readonly value: string }
  | { readonly target: KeyValueTarget; readonly file: string }

const PAIR_OPTIONS: ReadonlyMap<string, KeyValueTarget> = new Map([
  ['-p', 'parameter'],
  ['--param', 'parameter'],
  ['-a', 'annotation'],
  ['--annotation', 'annotation'],
  ['-F', 'feedParameter'],
  ['--feed-param', 'feedParameter'],
  ['-T', 'triggerParameter'],
  ['--trigger-param', 'triggerParameter'],
])
const FILE_OPTIONS: ReadonlyMap<string, KeyValueTarget> = new Map([
  ['-P', 'parameter'],
  ['--param-file', 'parameter'],
  ['-A', 'annotation'],
  ['--annotation-file', 'annotation'],
])

const PARAMETERS: readonly KeyValueTarget[] = ['parameter']
const ENTITY: readonly KeyValueTarget[] = ['parameter', 'annotation']
const TRIGGER: readonly KeyValueTarget[] = [...ENTITY, 'feedParameter', 'triggerParameter']

/** Commands that take key-value options; to all others `-p` and `-a` are options of their own. */
const TAKERS: ReadonlyMap<string, readonly KeyValueTarget[]> = new Map([
  ['action create', ENTITY],
  ['action update', ENTITY],
  ['action invoke', PARAMETERS],
  ['package create', ENTITY],
  ['package update', ENTITY],
  ['package bind', ENTITY],
  ['trigger create', TRIGGER],
  ['trigger update', TRIGGER],
  ['trigger fire', PARAMETERS],
])

/** The key-value options of the command whose first words are given (`['action', 'create']`). */
export function keyValuesOf([group = '', command = '']: readonly string[]): readonly KeyValueTarget[] {
  return group === 'run' ? PARAMETERS : (TAKERS.get(`${group} ${command}`) ?? [])
}

/** Splits the key-value options for `targets` off; the rest keeps its order. Throws a usage error where a word is missing. */
export function takeKeyValues(
  args: readonly string[],
  targets: readonly KeyValueTarget[],
): {
  readonly rest: readonly string[]
  readonly keyValues: readonly KeyValueArgument[]
} {
  const rest: string[] = []
  const keyValues: KeyValueArgument[] = []
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? ''
    const pair = optionFor(PAIR_OPTIONS, word, targets)
    const file = optionFor(FILE_OPTIONS, word, targets)
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

function optionFor(
  options: ReadonlyMap<string, KeyValueTarget>,
  word: string,
  targets: readonly KeyValueTarget[],
): KeyValueTarget | undefined {
  const target = options.get(word)
  return target !== undefined && targets.includes(target) ? target : undefined
}

/** True where at least one argument is for `target`. */
export function hasAny(keyValues: readonly KeyValueArgument[], target: KeyValueTarget): boolean {
  return keyValues.some((argument) => argument.target === target)
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
  if (!hasAny(keyValues, target)) return undefined
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
