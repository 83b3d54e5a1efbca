/** OpenWhisk's metrics about users' actions, by its names, so that dashboards made for it go on working. */

import type { StatusCode } from '../model/activation.ts'
import { BYTES, Counter, Family, Histogram, SECONDS } from './instruments.ts'
import type { MetricsRegistry, Sample } from './metrics.ts'

/** Whose action was run by whom. `namespace` owns the action, `initiator` invoked it. `action` is `A` or `PKG/A`. */
export interface ActionLabels {
  readonly namespace: string
  readonly initiator: string
  readonly action: string
  readonly kind: string
  readonly memoryMb: number
}

/** What is told of one finished activation. Times in ms. */
export interface ActivationObservation {
  readonly statusCode: StatusCode
  readonly durationMs: number
  readonly waitTimeMs: number
  /** Absent: no init belonged to this activation, it was warm. */
  readonly initTimeMs?: number | undefined
  readonly responseBytes?: number
}

/** OpenWhisk's values of the label `status`, by status code. */
const STATUS = ['success', 'application_error', 'developer_error', 'internal_error'] as const

const LABELS = ['namespace', 'initiator', 'action', 'kind', 'memory'] as const

/** All instruments of one action for one initiator: found once an activation, instead of once a metric. */
export class ActionSeries {
  readonly activations = new Counter()
  readonly coldStarts = new Counter()
  readonly waitTime = new Histogram(SECONDS)
  readonly initTime = new Histogram(SECONDS)
  readonly duration = new Histogram(SECONDS)
  readonly responseBytes = new Histogram(BYTES)
  readonly statuses: readonly Counter[] = STATUS.map(() => new Counter())

  /** Counts one finished activation. */
  record({ statusCode, durationMs, waitTimeMs, initTimeMs, responseBytes }: ActivationObservation): void {
    this.activations.inc()
    this.statuses[statusCode]?.inc()
    this.duration.observe(durationMs / 1000)
    this.waitTime.observe(waitTimeMs / 1000)
    if (initTimeMs !== undefined) {
      this.coldStarts.inc()
      this.initTime.observe(initTimeMs / 1000)
    }
    if (responseBytes !== undefined) this.responseBytes.observe(responseBytes)
  }
}

export class UserMetrics {
  readonly #actions: Family<ActionSeries>
  readonly #concurrentLimit: Family<Counter>
  readonly #timedLimit: Family<Counter>

  /** `maxSeries`: actions (per initiator) that are told apart; those beyond share one series whose labels are all `other`. */
  constructor(registry: MetricsRegistry, maxSeries = 1000) {
    this.#actions = new Family(LABELS, maxSeries, () => new ActionSeries())
    const counter = (name: string, help: string, pick: (series: ActionSeries) => Counter): void =>
      registry.expose('counter', name, help, this.#actions, pick)
    const histogram = (name: string, help: string, pick: (series: ActionSeries) => Histogram): void =>
      registry.expose('histogram', name, help, this.#actions, pick)
    counter('openwhisk_action_activations_total', 'Activations.', (series) => series.activations)
    counter(
      'openwhisk_action_coldStarts_total',
      'Activations that had to initialise a container.',
      (series) => series.coldStarts,
    )
    histogram(
      'openwhisk_action_waitTime_seconds',
      'Time from the call until the run began.',
      (series) => series.waitTime,
    )
    histogram(
      'openwhisk_action_initTime_seconds',
      'Time that initialising the container took.',
      (series) => series.initTime,
    )
    histogram(
      'openwhisk_action_duration_seconds',
      'Time that the run took, initialising included.',
      (series) => series.duration,
    )
    histogram('openwhisk_action_response_size_bytes', 'Size of the result.', (series) => series.responseBytes)
    registry.observe('counter', 'openwhisk_action_status', 'Activations by outcome.', () => this.#statusSamples())
    const limitLabels = ['namespace']
    this.#concurrentLimit = registry.counters(
      'openwhisk_action_limit_concurrent_total',
      'Calls refused because too many were under way.',
      limitLabels,
      maxSeries,
    )
    this.#timedLimit = registry.counters(
      'openwhisk_action_limit_timed_total',
      'Calls refused because there were too many in a minute.',
      limitLabels,
      maxSeries,
    )
  }

  /** The instruments of one action for one initiator, for whoever counts often; after `forgetAction` they are exported no more. */
  seriesOf({ namespace, initiator, action, kind, memoryMb }: ActionLabels): ActionSeries {
    return this.#actions.with(namespace, initiator, action, kind, String(memoryMb))
  }

  /** Counts one finished activation. */
  record(labels: ActionLabels, activation: ActivationObservation): void {
    this.seriesOf(labels).record(activation)
  }

  /** Counts one refused call of the namespace. */
  refused(limit: 'concurrent' | 'perMinute', namespace: string): void {
    const family = limit === 'concurrent' ? this.#concurrentLimit : this.#timedLimit
    family.with(namespace).inc()
  }

  /** Forgets a deleted action, for all who invoked it: its series would otherwise be exported for ever. */
  forgetAction(namespace: string, action: string): void {
    this.#actions.remove((values) => values[0] === namespace && values[2] === action)
  }

  #statusSamples(): readonly Sample[] {
    const samples: Sample[] = []
    for (const [values, series] of this.#actions.entries()) {
      const action = Object.fromEntries(LABELS.map((label, index) => [label, values[index] ?? '']))
      for (const [index, status] of STATUS.entries()) {
        const value = series.statuses[index]?.value ?? 0
        if (value > 0) samples.push({ labels: { ...action, status }, value })
      }
    }
    return samples
  }
}
