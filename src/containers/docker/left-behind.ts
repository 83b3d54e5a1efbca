/** Containers that are to go and that the engine could not be asked to remove, or may have made without saying so: they go as soon as it answers. */

import { setTimeout as delay } from 'node:timers/promises'
import type { EngineClient } from './engine-client.ts'
import type { DockerLog } from './settings.ts'

export interface LeftBehind {
  readonly size: number
  /** A container that the engine has, by its id. */
  add(engineId: string): void
  /** A container whose creation was not answered, by its name: an engine that hangs may still come to it. */
  doubt(name: string): void
  /** Tries all of them now. Never rejects: what fails is tried again later. */
  removeNow(): Promise<void>
  /** Gives up trying. */
  stop(): void
}

/** Pauses in ms before they are tried again. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** A doubtful one that the engine does not know when asked this often, 15 s in all, was not made. */
const LOOKS = 6

export function createLeftBehind(client: Pick<EngineClient, 'removeContainer'>, log: DockerLog): LeftBehind {
  /** Id or name to how often the engine may still say that it does not know it. */
  const left = new Map<string, number>()
  const stopping = new AbortController()
  const { signal } = stopping
  let trying = false

  async function removeOne(name: string): Promise<void> {
    try {
      const looks = (await client.removeContainer(name)) ? 0 : (left.get(name) ?? 0) - 1
      if (looks > 0) left.set(name, looks)
      else left.delete(name)
    } catch (error) {
      log.debug({ container: name, error }, 'a container that is to go could not be removed yet')
    }
  }

  async function removeNow(): Promise<void> {
    await Promise.all([...left.keys()].map(removeOne))
  }

  async function keepTrying(): Promise<void> {
    if (trying) return
    trying = true
    for (let pauseMs = FIRST_PAUSE_MS; left.size > 0 && !signal.aborted;) {
      await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined)
      if (!signal.aborted) await removeNow()
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
    }
    trying = false
  }

  return {
    get size() {
      return left.size
    },
    add(engineId) {
      left.set(engineId, 1)
      void keepTrying()
    },
    doubt(name) {
      left.set(name, LOOKS)
      void keepTrying()
    },
    removeNow,
    stop: () => stopping.abort(),
  }
}
