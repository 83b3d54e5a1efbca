/**
 * All metrics of a process, and their Prometheus text. Nothing is computed until somebody scrapes. An own renderer, because prom-client costs
 * 10 MB of memory on import and would hold every value a second time, for a text format that takes a page (prometheus-text.ts).
 */

import { Counter, Family, Gauge, Histogram } from './instruments.ts'
import { headerLines, histogramLines, labelText, sampleLine } from './prometheus-text.ts'

/** `Content-Type` of `render()`. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Text that `chunks` yields at once: a fraction of a millisecond of work. */
const CHUNK_CHARACTERS = 65_536

/** Series of one metric, unless its owner says otherwise. */
const DEFAULT_MAX_SERIES = 200

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/

/** A value that is read at scrape time. */
export interface Sample {
  /** Label values by name. */
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** The metric's lines without their comments. May throw: what is missing then is left out of this scrape. */
  readonly lines: (name: string) => Iterable<string>
}

/** Names are unique: registering one twice throws, as does a name that Prometheus would not take. */
export class MetricsRegistry {
  readonly #metrics = new Map<string, Metric>()
  readonly #failures: Counter

  constructor() {
    this.#failures = this.counter('stave_metrics_read_failures_total', 'Metrics that could not be read for a scrape.')
  }

  counter(name: string, help: string): Counter {
    const counter = new Counter()
    this.#add(name, { type: 'counter', help, lines: (as) => [sampleLine(as, '', counter.value)] })
    return counter
  }

  gauge(name: string, help: string): Gauge {
    const gauge = new Gauge()
    this.#add(name, { type: 'gauge', help, lines: (as) => [sampleLine(as, '', gauge.value)] })
    return gauge
  }

  /** `bounds` ascending, in the unit that the name ends in. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const histogram = new Histogram(bounds)
    this.#add(name, { type: 'histogram', help, lines: (as) => [histogramLines(as, '', histogram)] })
    return histogram
  }

  counters(name: string, help: string, labels: readonly string[], maxSeries = DEFAULT_MAX_SERIES): Family<Counter> {
    const family = new Family(labels, maxSeries, () => new Counter())
    this.expose('counter', name, help, family, (counter) => counter)
    return family
  }

  gauges(name: string, help: string, labels: readonly string[], maxSeries = DEFAULT_MAX_SERIES): Family<Gauge> {
    const family = new Family(labels, maxSeries, () => new Gauge())
    this.expose('gauge', name, help, family, (gauge) => gauge)
    return family
  }

  histograms(
    name: string,
    help: string,
    labels: readonly string[],
    bounds: readonly number[],
    maxSeries = DEFAULT_MAX_SERIES,
  ): Family<Histogram> {
    const family = new Family(labels, maxSeries, () => new Histogram(bounds))
    this.expose('histogram', name, help, family, (histogram) => histogram)
    return family
  }

  /** A metric over a family that somebody else keeps; `pick` finds the instrument in one of its entries. */
  expose<Entry>(
    type: Metric['type'],
    name: string,
    help: string,
    family: Family<Entry>,
    pick: (entry: Entry) => Counter | Gauge | Histogram,
  ): void {
    const bad = family.labelNames.find((label) => !LABEL.test(label))
    if (bad !== undefined) throw new TypeError(`${JSON.stringify(bad)} is not a label name`)
    this.#add(name, {
      type,
      help,
      *lines(as) {
        for (const [values, entry] of family.entries()) {
          const labels = labelText(family.labelNames.map((label, index) => [label, values[index] ?? '']))
          const instrument = pick(entry)
          yield instrument instanceof Histogram
            ? histogramLines(as, labels, instrument)
            : sampleLine(as, labels, instrument.value)
        }
      },
    })
  }

  /** A value that another object keeps, read at each scrape: one number, or one for each set of labels. */
  observe(type: 'counter' | 'gauge', name: string, help: string, read: () => number | readonly Sample[]): void {
    this.#add(name, {
      type,
      help,
      lines(as) {
        const value = read()
        if (typeof value === 'number') return [sampleLine(as, '', value)]
        return value.map((sample) => sampleLine(as, labelText(Object.entries(sample.labels)), sample.value))
      },
    })
  }

  /** Everything as Prometheus text. With thousands of actions it takes tens of ms: a server writes `chunks` instead. */
  render(): string {
    return [...this.chunks()].join('')
  }

  /**
   * The same in pieces of about 64 kB, each made when it is asked for, so that a server can serve requests between them. Never throws:
   * a metric that cannot be read is left out and counted.
   */
  *chunks(): Generator<string> {
    let text = ''
    for (const [name, { type, help, lines }] of this.#metrics) {
      let header = headerLines(name, type, help)
      try {
        for (const piece of lines(name)) {
          text += header + piece
          header = ''
          if (text.length < CHUNK_CHARACTERS) continue
          yield text
          text = ''
        }
      } catch {
        // A broken reader must not take all other metrics away from whoever looks into the trouble; the count shows at the next scrape.
        this.#failures.inc()
      }
    }
    if (text !== '') yield text
  }

  #add(name: string, metric: Metric): void {
    if (!NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} is not a metric name`)
    if (this.#metrics.has(name)) throw new TypeError(`there are two metrics called ${name}`)
    this.#metrics.set(name, metric)
  }
}
