/** Amounts with a unit, as people and OpenWhisk's configuration write them: `10 minutes`, `1 m`, `512 MB`, `1024 m`. */

const AMOUNT = /^(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]*)$/i

/** Names as in Scala's `Duration`, which OpenWhisk's files use; `m` is minutes here and megabytes in sizes. */
const DURATIONS: ReadonlyMap<string, number> = new Map([
  ...names(['ms', 'milli', 'millis', 'millisecond', 'milliseconds'], 1),
  ...names(['s', 'sec', 'secs', 'second', 'seconds'], 1000),
  ...names(['m', 'min', 'mins', 'minute', 'minutes'], 60_000),
  ...names(['h', 'hr', 'hour', 'hours'], 3_600_000),
  ...names(['d', 'day', 'days'], 86_400_000),
])

/** Powers of 1024, as OpenWhisk's `ByteSize` has them, whichever way they are spelt. */
const SIZES: ReadonlyMap<string, number> = new Map([
  ...names(['b', 'byte', 'bytes'], 1),
  ...names(['k', 'kb', 'kib'], 1024),
  ...names(['m', 'mb', 'mib'], 1024 ** 2),
  ...names(['g', 'gb', 'gib'], 1024 ** 3),
])

function names(spellings: readonly string[], factor: number): [string, number][] {
  return spellings.map((spelling) => [spelling, factor])
}

/** Milliseconds of a duration that names its unit; undefined when the text is none. */
export function parseDurationMs(text: string): number | undefined {
  return parseAmount(text, DURATIONS)
}

/** Bytes of a size that names its unit; undefined when the text is none. */
export function parseBytes(text: string): number | undefined {
  return parseAmount(text, SIZES)
}

function parseAmount(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const match = AMOUNT.exec(text.trim())
  const factor = units.get((match?.[2] ?? '').toLowerCase())
  return match === null || factor === undefined ? undefined : Number(match[1]) * factor
}
