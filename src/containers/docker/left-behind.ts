/** Containers that the engine could not be asked to remove: tried again until they are gone, and at once when the engine is back. */

import { setTimeout as delay } from 'node:timers/promises'
import type { EngineClient } from './engine-client.ts'

export interface LeftBehind {
  add(engineId: string): void
  /** Tries all of them now. Rejects with why the first of those that stay could not be removed. */
  remove(): Promise<void>
  /** No more tries by itself. */
  stop(): void
}

/** Pauses in ms before the removal of a container is tried again. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000

export function createLeftBehind(client: Pick<EngineClient, 'removeContainer'>): LeftBehind {
  const ids = new Set<string>()
  let stopped = false
  let trying = false

  async function remove(): Promise<void> {
    for (const engineId of ids) {
      await client.removeContainer(engineId)
      ids.delete(engineId)
    }
  }

  async function keepTrying(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; ids.size > 0 && !stopped; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      await delay(pauseMs, undefined, { ref: false })
      await remove().catch(() => undefined)
    }
    trying = false
  }

  return {
    add(engineId) {
      ids.add(engineId)
      if (trying || stopped) return
      trying = true
      void keepTrying()
    },
    remove,
    stop() {
      stopped = true
    },
  }
}
