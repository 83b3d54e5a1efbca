/**
 * One configuration key as data: its default, how a value is parsed, and what the reference says about it. The builders below are all that
 * the sections use. Own table instead of a schema library: one object a key serves parsing, environment, flags and documentation, and every
 * text that the reference needs is a required property, so that the compiler refuses a key that is not explained.
 */

import { parseBytes, parseDurationMs } from './units.ts'

/** What a number counts. `ms`, `bytes` and `MB` also accept text with a unit (`10 minutes`, `48 MB`). */
export type Unit = 'ms' | 'bytes' | 'MB' | 'milliCPU' | 'percent' | 'a minute'

/** The reference's columns. Sentences without a full stop at the end of `constraint`. */
export interface FieldDoc {
  /** What the key decides. */
  readonly doc: string
  /** What a value must satisfy beyond its form; rules between keys are named here and enforced by rules.ts. */
  readonly constraint?: string
  /** What one sees when the value does not fit. */
  readonly failure: string
  /** Who has a reason to change it. */
  readonly whom: string
}

/** The form of a value, for the reference, for flags and for tests that make values. */
export type Form =
  | { readonly type: 'integer'; readonly min: number; readonly max: number }
  | { readonly type: 'text'; readonly optional: boolean }
  /** `isPath` tells apart values that are no path where a key takes both; absent: every value but `''` is one. */
  | { readonly type: 'path'; readonly isPath?: (value: string) => boolean }
  | { readonly type: 'flag' }
  | { readonly type: 'choice'; readonly choices: readonly string[] }
  | { readonly type: 'amounts' }
  | { readonly type: 'paths' }
  | { readonly type: 'list' }
  | { readonly type: 'lists' }

export interface Field<T> extends FieldDoc {
  readonly default: T
  readonly form: Form
  readonly unit?: Unit
  /** Never shown: printed as stars. */
  readonly secret: boolean
  /** The value of what a file, variable or flag gave (text, or what YAML made of it). Throws `BadValue`. */
  parse(raw: unknown): T
}

/** A value that does not fit its key; the message continues "KEY from SOURCE". */
export class BadValue extends Error {
  override readonly name = 'BadValue'
}

/** The longest delay in ms that a timer of Node takes; longer ones fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647

/** A whole number between `min` (default 0) and `max` (default 2^53 - 1; for times what a timer takes, 24.8 days). */
export function integer(
  fallback: number,
  doc: FieldDoc & { readonly min?: number; readonly max?: number; readonly unit?: Unit },
): Field<number> {
  const { min = 0, max = doc.unit === 'ms' ? LONGEST_TIMER_MS : Number.MAX_SAFE_INTEGER, ...rest } = doc
  const expected = `must be a whole number ${rangeText(min, max)}${unitHint(doc.unit)}`
  return {
    ...rest,
    default: fallback,
    form: { type: 'integer', min, max },
    secret: false,
    parse(raw) {
      const value = typeof raw === 'string' ? numberFrom(raw.trim(), doc.unit) : raw
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
        throw new BadValue(expected)
      return value
    },
  }
}

/** Text that `check` accepts (it returns what is wrong, or undefined). `''` is allowed only where the default is `''`. */
export function text(
  fallback: string,
  doc: FieldDoc & { readonly secret?: boolean; readonly check?: (value: string) => string | undefined },
): Field<string> {
  const { check, secret = false, ...rest } = doc
  return {
    ...rest,
    default: fallback,
    form: { type: 'text', optional: fallback === '' },
    secret,
    parse(raw) {
      if (typeof raw !== 'string') throw new BadValue('must be text (put it in quotes)')
      const value = raw.trim()
      if (value === '' && fallback !== '') throw new BadValue('must not be empty')
      const fault = value === '' ? undefined : check?.(value)
      if (fault !== undefined) throw new BadValue(fault)
      return value
    },
  }
}

/** A directory or file of the host: `~/` and paths relative to the working directory are made absolute by the loader. Else as `text`. */
export function path(
  fallback: string,
  doc: FieldDoc & {
    readonly isPath?: (value: string) => boolean
    readonly check?: (value: string) => string | undefined
  },
): Field<string> {
  const { isPath, check, ...rest } = doc
  const asText = text(fallback, {
    ...rest,
    check: (value) => (value.includes('\0') ? 'must not contain NUL' : check?.(value)),
  })
  return { ...asText, form: { type: 'path', ...(isPath !== undefined && { isPath }) } }
}

/** True or false; in text also `1`/`0`, `yes`/`no`, `on`/`off` in any case. */
export function flag(fallback: boolean, doc: FieldDoc): Field<boolean> {
  return {
    ...doc,
    default: fallback,
    form: { type: 'flag' },
    secret: false,
    parse(raw) {
      if (typeof raw === 'boolean') return raw
      const word = String(raw).trim().toLowerCase()
      if (['true', '1', 'yes', 'on'].includes(word)) return true
      if (['false', '0', 'no', 'off'].includes(word)) return false
      throw new BadValue('must be true or false')
    },
  }
}

/** One of a few words. */
export function choice<const Choice extends string>(
  choices: readonly Choice[],
  fallback: NoInfer<Choice>,
  doc: FieldDoc,
): Field<Choice> {
  return {
    ...doc,
    default: fallback,
    form: { type: 'choice', choices },
    secret: false,
    parse(raw) {
      const word = typeof raw === 'string' ? raw.trim() : raw
      const found = choices.find((entry) => entry === word)
      if (found === undefined) throw new BadValue(`must be one of ${choices.join(', ')}`)
      return found
    },
  }
}

/** An object of whole numbers by name, in text as JSON. It replaces the default as a whole. */
export function amounts(
  fallback: Readonly<Record<string, number>>,
  doc: FieldDoc & { readonly name: RegExp },
): Field<Readonly<Record<string, number>>> {
  const { name, ...rest } = doc
  const expected = 'must be an object of whole numbers from 0, for example {"name": 1}'
  const field: Field<Readonly<Record<string, number>>> = {
    ...rest,
    default: fallback,
    form: { type: 'amounts' },
    secret: false,
    parse: (raw) =>
      objectFrom(raw, name, expected, (value): value is number => Number.isSafeInteger(value) && Number(value) >= 0),
  }
  return field
}

/** An object of absolute paths by name, in text as JSON. It replaces the default as a whole. */
export function paths(
  fallback: Readonly<Record<string, string>>,
  doc: FieldDoc & { readonly name: RegExp },
): Field<Readonly<Record<string, string>>> {
  const { name, ...rest } = doc
  const expected = 'must be an object of absolute paths, for example {"name": "/usr/bin/name"}'
  const field: Field<Readonly<Record<string, string>>> = {
    ...rest,
    default: fallback,
    form: { type: 'paths' },
    secret: false,
    parse: (raw) =>
      objectFrom(
        raw,
        name,
        expected,
        (value): value is string => typeof value === 'string' && value.startsWith('/') && !value.includes('\0'),
      ),
  }
  return field
}

/** Texts in order: an array, or in text its items separated by commas, or JSON where an item has a comma. It replaces the default as a whole. */
export function list(
  fallback: readonly string[],
  doc: FieldDoc & { readonly check?: (item: string) => string | undefined },
): Field<readonly string[]> {
  const { check, ...rest } = doc
  return {
    ...rest,
    default: fallback,
    form: { type: 'list' },
    secret: false,
    parse: (raw) => listFrom(raw, check),
  }
}

/** An object of lists of texts by name, in text as JSON; a single text stands for a list of one. It replaces the default as a whole. */
export function lists(
  fallback: Readonly<Record<string, readonly string[]>>,
  doc: FieldDoc & { readonly name: RegExp },
): Field<Readonly<Record<string, readonly string[]>>> {
  const { name, ...rest } = doc
  const expected = 'must be an object of lists of texts, for example {"name": ["a", "b"]}'
  return {
    ...rest,
    default: fallback,
    form: { type: 'lists' },
    secret: false,
    parse: (raw) => {
      const byName = objectFrom(raw, name, expected, isTextOrTexts)
      return Object.fromEntries(
        Object.entries(byName).map(([key, value]) => [key, Array.isArray(value) ? value.map(String) : [String(value)]]),
      )
    },
  }
}

/** `from 0`, `from 1 to 65535`: the range as the reference and error messages write it. */
export function rangeText(min: number, max: number): string {
  return max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`
}

function unitHint(unit: Unit | undefined): string {
  if (unit === 'ms') return ' (ms, or with a unit such as 10 s)'
  if (unit === 'bytes' || unit === 'MB') return ` (${unit}, or with a unit such as 512 MB)`
  return ''
}

function numberFrom(raw: string, unit: Unit | undefined): number | undefined {
  if (/^-?\d+$/.test(raw)) return Number(raw)
  if (unit === 'ms') return parseDurationMs(raw)
  const bytes = unit === 'bytes' || unit === 'MB' ? parseBytes(raw) : undefined
  return bytes === undefined || unit === 'bytes' ? bytes : bytes / 1024 ** 2
}

function objectFrom<T>(
  raw: unknown,
  name: RegExp,
  expected: string,
  accepts: (value: unknown) => value is T,
): Readonly<Record<string, T>> {
  const value = typeof raw === 'string' ? jsonFrom(raw, expected) : raw
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadValue(expected)
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]: [string, unknown]) => {
      if (!name.test(key)) throw new BadValue(`has a name that is not allowed: ${JSON.stringify(key)}`)
      if (!accepts(entry)) throw new BadValue(expected)
      return [key, entry]
    }),
  )
}

function listFrom(raw: unknown, check: ((item: string) => string | undefined) | undefined): readonly string[] {
  const expected = 'must be a list of texts, for example a,b or ["a", "b"]'
  const isJson = typeof raw === 'string' && raw.trim().startsWith('[')
  const value: unknown = isJson
    ? jsonFrom(raw, expected)
    : typeof raw === 'string'
      ? raw
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== '')
      : raw
  if (!Array.isArray(value) || !value.every(isScalar)) throw new BadValue(expected)
  const items = value.map(String)
  for (const item of items) {
    const fault = check?.(item)
    if (fault !== undefined) throw new BadValue(`${fault}, not ${JSON.stringify(item)}`)
  }
  return items
}

/** What YAML makes of a word that looks like a number or a truth value is text all the same where texts are expected. */
function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}

function isTextOrTexts(value: unknown): value is string | number | boolean | readonly (string | number | boolean)[] {
  return isScalar(value) || (Array.isArray(value) && value.every(isScalar))
}

function jsonFrom(raw: string, expected: string): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    throw new BadValue(`${expected} (it is not JSON)`)
  }
}
