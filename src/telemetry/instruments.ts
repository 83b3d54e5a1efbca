/**
 * What hot code counts with: plain objects whose methods allocate nothing. Who reads them is the registry's business (metrics.ts).
 */

/** Only grows. */
export class Counter {
  value = 0

  inc(n = 1): void {
    this.value += n
  }
}

/** Goes up and down. */
export class Gauge {
  value = 0

  set(value: number): void {
    this.value = value
  }

  add(n: number): void {
    this.value += n
  }
}

/** Upper bounds in seconds for waits and runs, from a warm call in a millisecond to the longest action. */
export const SECONDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
]

/** Upper bounds in bytes for messages, up to a little above the largest payload by default. */
export const BYTES: readonly number[] = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304]

/** A distribution over fixed buckets. */
export class Histogram {
  /** Upper bounds, ascending; the last bucket, above them all, is implied. */
  readonly bounds: readonly number[]
  /** Observations a bucket, not cumulated; one more than bounds. */
  readonly counts: Float64Array
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  /** Adds one observation, in the unit of the bounds. What is not a finite number is left out: it would spoil the sum for good. */
  observe(value: number): void {
    if (!Number.isFinite(value)) return
    const { bounds, counts } = this
    let index = 0
    while (index < bounds.length && value > (bounds[index] ?? 0)) index++
    counts[index] = (counts[index] ?? 0) + 1
    this.sum += value
  }
}

/** The value that takes the place of every label where a family is full. */
export const OTHER = 'other'

/** Instruments of one metric, one for each set of label values, bounded: users choose names, and a metrics store pays for each. */
export class Family<Instrument> {
  readonly labelNames: readonly string[]
  readonly maxSeries: number
  readonly #create: () => Instrument
  readonly #series = new Map<string, { readonly values: readonly string[]; readonly instrument: Instrument }>()
  #overflow: Instrument | undefined

  constructor(labelNames: readonly string[], maxSeries: number, create: () => Instrument) {
    this.labelNames = labelNames
    this.maxSeries = maxSeries
    this.#create = create
  }

  /** The instrument of these label values, in the order of `labelNames`; when the family is full, the one that all further ones share. */
  with(...values: readonly string[]): Instrument {
    // No name, kind or status that reaches here can contain a line break: their parsers do not let it through.
    const key = values.length === 1 ? (values[0] ?? '') : values.join('\n')
    const known = this.#series.get(key)
    if (known !== undefined) return known.instrument
    if (values.length !== this.labelNames.length)
      throw new TypeError(`expected the labels ${this.labelNames.join(', ')}, got ${values.length} values`)
    if (this.#series.size >= this.maxSeries) return (this.#overflow ??= this.#create())
    const instrument = this.#create()
    this.#series.set(key, { values, instrument })
    return instrument
  }

  /** Forgets the series whose label values satisfy the predicate; returns how many went. Their room can be used again. */
  remove(matches: (values: readonly string[]) => boolean): number {
    let removed = 0
    for (const [key, { values }] of this.#series) if (matches(values) && this.#series.delete(key)) removed++
    return removed
  }

  get size(): number {
    return this.#series.size
  }

  /** Every series with its label values; the shared one has `other` for each. */
  *entries(): Generator<readonly [values: readonly string[], instrument: Instrument]> {
    for (const { values, instrument } of this.#series.values()) yield [values, instrument]
    if (this.#overflow !== undefined) yield [this.labelNames.map(() => OTHER), this.#overflow]
  }
}
