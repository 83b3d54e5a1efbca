/** The forms of values that arguments of `docker run` have. Each reader throws what is wrong with the value. */

import type { Ulimit } from './create-body.ts'

/** Names that setrlimit(2) has; the engine takes no others. */
const ULIMITS = new Set(
  'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' '),
)

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

/** Of an argument that is given once, the last value counts, as on a command line. */
export function last(values: readonly string[]): string {
  const value = values.at(-1)
  if (value === undefined || value === '') throw new Error('a value is needed')
  return value
}

export function bool(value: string): boolean {
  const word = value.toLowerCase()
  if (word === 'true' || word === '1' || word === 't') return true
  if (word === 'false' || word === '0' || word === 'f') return false
  throw new Error(`${JSON.stringify(value)} is neither true nor false`)
}

/** A whole number. */
export function integer(value: string): number {
  return integerFrom(Number.MIN_SAFE_INTEGER)(value)
}

/** A whole number within bounds. */
export function integerFrom(min: number, max: number = Number.MAX_SAFE_INTEGER): (value: string) => number {
  return (value) => {
    const number = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN
    if (!Number.isSafeInteger(number) || number < min || number > max) {
      const bound =
        max === Number.MAX_SAFE_INTEGER
          ? min === Number.MIN_SAFE_INTEGER
            ? ''
            : ` from ${min}`
          : ` from ${min} to ${max}`
      throw new Error(`${JSON.stringify(value)} is not a whole number${bound}`)
    }
    return number
  }
}

/** Bytes of `64m`, `1.5g`, `1024`. */
export function bytes(value: string): number {
  const [, amount = '', unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?) ?([bkmgt]?)(?:i?b)?$/i.exec(value) ?? []
  const factor = UNITS[unit.toLowerCase()]
  if (amount === '' || factor === undefined) throw new Error(`${JSON.stringify(value)} is no size such as 64m or 1g`)
  return Math.floor(Number(amount) * factor)
}

/** Billionths of a CPU of `1.5`. */
export function nanoCpus(value: string): number {
  const cpus = /^\d{1,6}(?:\.\d{1,9})?$/.test(value) ? Number(value) : Number.NaN
  if (!(cpus > 0)) throw new Error(`${JSON.stringify(value)} is no number of CPUs such as 1.5`)
  return Math.round(cpus * 1e9)
}

/** Whole seconds. */
export function timeSeconds(value: string): number {
  return integerFrom(-1)(value)
}

/** `key=value` pairs as an object; a later one with the same key wins. */
export function pairs(values: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    values.map((value) => {
      const equals = value.indexOf('=')
      if (equals <= 0) throw new Error(`${JSON.stringify(value)} is not of the form key=value`)
      return [value.slice(0, equals), value.slice(equals + 1)]
    }),
  )
}

/** `nofile=1024:2048`; one number is both bounds, -1 none. */
export function ulimit(value: string): Ulimit {
  const [, name = '', soft = '', hard = soft] = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(value) ?? []
  if (soft === '') throw new Error(`${JSON.stringify(value)} is not of the form nofile=1024:2048`)
  if (!ULIMITS.has(name)) throw new Error(`there is no limit ${name}; there are ${[...ULIMITS].join(', ')}`)
  const [Soft, Hard] = [integerFrom(-1)(soft), integerFrom(-1)(hard)]
  if (Hard !== -1 && (Soft === -1 || Soft > Hard))
    throw new Error(`${JSON.stringify(value)} has a soft limit above the hard one`)
  return { Name: name, Soft, Hard }
}

/** The fields of a line of comma separated values; a field in quotes may have commas in it. */
export function csv(value: string): readonly string[] {
  const fields: string[] = []
  const pattern = /(?:"((?:[^"]|"")*)"|([^,"]*))(?:,|$)/y
  while (pattern.lastIndex < value.length) {
    const match = pattern.exec(value)
    if (match === null) throw new Error(`${JSON.stringify(value)} has a quotation mark in the wrong place`)
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
  }
  return fields
}
