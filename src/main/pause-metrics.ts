/** How containers of an engine are suspended, as metrics. */

import type { Pause } from '../containers/pause/falling-back-pause.ts'
import type { PauseName } from '../containers/pause/pause-strategy.ts'
import { PAUSE_NAMES } from '../containers/pause/pause-strategy.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'

/** Adds the metrics of `pause`. */
export function observePause(pause: Pause, metrics: Pick<MetricsRegistry, 'observe'>): void {
  const { counters } = pause
  metrics.observe('gauge', 'stave_docker_pause_strategy', 'The strategy that suspends containers: 1.', () =>
    PAUSE_NAMES.map((strategy) => ({ labels: { strategy }, value: strategy === pause.chosen ? 1 : 0 })),
  )
  metrics.observe('counter', 'stave_docker_pauses_total', 'Suspensions and what became of them.', () => [
    { labels: { event: 'suspends' }, value: counters.suspends },
    { labels: { event: 'resumes' }, value: counters.resumes },
    { labels: { event: 'retries' }, value: counters.retries },
    { labels: { event: 'rejectedResumes' }, value: counters.rejectedResumes },
    { labels: { event: 'uncertain' }, value: counters.uncertain },
    { labels: { event: 'fallBacks' }, value: counters.fallBacks },
  ])
  metrics.observe('counter', 'stave_docker_pause_failures_total', 'Failures by strategy.', () => [
    ...failures('suspend', counters.suspendFailures),
    ...failures('resume', counters.resumeFailures),
  ])
}

function failures(
  call: string,
  byStrategy: Readonly<Record<PauseName, number>>,
): readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[] {
  return PAUSE_NAMES.map((strategy) => ({ labels: { call, strategy }, value: byStrategy[strategy] }))
}
