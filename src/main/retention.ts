/** Removes activation records that are too old or too many, a bounded batch at a time, with the store left alone in between. */

import type { Config } from '../config/schema.ts'
import type { Clock } from '../model/clock.ts'
import type { ActivationStore } from '../stores/activation-store.ts'
import type { Logger } from '../telemetry/logger.ts'

const INTERVAL_MS = 60_000
/** Between two batches of one round: what is removed must not hold up what is written. */
const PAUSE_MS = 50

export interface RetentionDeps {
  readonly activations: Pick<ActivationStore, 'prune'>
  readonly config: Pick<Config, 'activations'>
  readonly clock: Clock
  readonly log: Logger
}

/** Starts the rounds. */
export function startRetention({ activations, config, clock, log }: RetentionDeps): { stop(): void } {
  const { retentionMs, retentionCount } = config.activations
  let timer: NodeJS.Timeout | undefined
  const schedule = (ms: number): void => {
    timer = setTimeout(round, ms).unref()
  }
  const round = (): void => {
    activations.prune(clock.now() - retentionMs, retentionCount).then(
      (removed) => schedule(removed > 0 ? PAUSE_MS : INTERVAL_MS),
      (error: unknown) => {
        log.warn({ error }, 'old activation records could not be removed')
        schedule(INTERVAL_MS)
      },
    )
  }
  schedule(INTERVAL_MS)
  return { stop: () => clearTimeout(timer) }
}
