/** Suspension by the engine's API: works wherever the engine does, and costs the most. */

import { setTimeout as delay } from 'node:timers/promises'
import type { PauseStrategy } from './pause-strategy.ts'

const TIMEOUT_MS = 10_000

/** What it needs of the engine's client: both resolve also when the container is in that state already. */
export interface PausingEngine {
  pauseContainer(containerId: string): Promise<void>
  unpauseContainer(containerId: string): Promise<void>
}

/**
 * The strategy by `engine`. A call that takes longer than `timeoutMs` (default 10 s) counts as failed. A pause that is late does not land after the unpause
 * that undoes it: the engine takes both in turn, so the unpause is late then, too, and the container counts as one that may be frozen.
 */
export function createEnginePause(engine: PausingEngine, timeoutMs: number = TIMEOUT_MS): PauseStrategy {
  return {
    name: 'docker',
    suspend: (target) => within(timeoutMs, engine.pauseContainer(target.containerId)),
    resume: (target) => within(timeoutMs, engine.unpauseContainer(target.containerId)),
  }
}

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  const abort = new AbortController()
  const late = delay(timeoutMs, undefined, { ref: false, signal: abort.signal }).then(() => {
    throw new Error(`the engine did not answer within ${timeoutMs} ms`)
  })
  try {
    await Promise.race([work, late])
  } finally {
    abort.abort()
  }
}
