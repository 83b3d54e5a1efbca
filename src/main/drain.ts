/** The end of a server: nothing new, what was accepted is finished or left in the journal, records are stored, then everything goes. */

import type { Server } from 'node:http'
import type { Clock } from '../model/clock.ts'
import { deadlineIn, remainingMs } from '../model/deadline.ts'
import type { Dispatcher } from '../router/dispatch.ts'
import type { JournalDispatcher } from '../router/journal-dispatcher.ts'
import type { ActivationWriter } from '../stores/activation-writer.ts'
import type { HealthRegistry } from '../telemetry/health.ts'
import type { Logger } from '../telemetry/logger.ts'
import { closeServer } from './listeners.ts'

export interface DrainDeps {
  readonly reason: string
  readonly log: Logger
  readonly health: HealthRegistry
  readonly servers: readonly Server[]
  readonly dispatcher: Dispatcher
  readonly journal: JournalDispatcher
  readonly writer: ActivationWriter
  readonly clock: Clock
  readonly graceMs: number
  /** What start-up opened, in that order. */
  readonly cleanups: readonly (() => Promise<void> | void)[]
}

/** Share of the grace period that runs get; the rest is for records and for removing containers. */
const RUN_SHARE = 0.8
const POLL_MS = 20

/** Ends the server within `graceMs`. Never rejects: what could not be done in time is logged. */
export async function drain(on: DrainDeps): Promise<void> {
  const { log, clock, dispatcher, journal, writer } = on
  const deadline = deadlineIn(on.graceMs, clock)
  const runsEnd = deadlineIn(on.graceMs * RUN_SHARE, clock)
  log.info({ reason: on.reason, active: dispatcher.active }, 'stopping: nothing new is accepted')
  on.health.drain(on.reason)
  journal.pause()
  const closed = on.servers.map((server) => closeServer(server))
  while (dispatcher.active > 0 && remainingMs(runsEnd, clock) > 0) await pause(POLL_MS)
  if (dispatcher.active > 0)
    log.warn({ active: dispatcher.active }, 'activations were still running at the end of the grace period')
  // Whoever still waits for a container gets an answer; journalled calls go back to the journal.
  dispatcher.stop()
  await within(journal.stop(), remainingMs(deadline, clock) / 2)
  await writer.close(deadline).catch((error: unknown) => log.error({ error }, 'activation records could not be stored'))
  await within(Promise.all(closed), Math.min(1000, remainingMs(deadline, clock) / 2))
  for (const cleanup of on.cleanups.toReversed()) {
    try {
      await cleanup()
    } catch (error) {
      log.error({ error }, 'a part of the server could not be closed')
    }
  }
  log.info({}, 'stopped')
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const end = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, end])
  clearTimeout(timer)
}
