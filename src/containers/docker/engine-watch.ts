/**
 * Keeps hearing of the ends of containers, and knows whether the engine is there. When its connection breaks off it comes back by itself; who watches is
 * told then to compare what it knows with a list, because what happened meanwhile was not heard. An engine that hangs keeps its connections open: it is asked
 * now and then whether it answers.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { ContainerEvent, EngineVersion } from './engine-answers.ts'
import type { EngineClient } from './engine-client.ts'
import type { DockerLog } from './settings.ts'

export interface EngineWatch {
  /** Why the engine can not be asked for anything; undefined while it can. */
  readonly problem: string | undefined
  /** Times that the connection broke off. */
  readonly losses: number
  stop(): void
}

export interface EngineWatchOptions {
  readonly client: Pick<EngineClient, 'connect' | 'events' | 'ping'>
  readonly labels: readonly string[]
  readonly onEvent: (event: ContainerEvent) => void
  /** The engine is (again) there and heard: compare. While it rejects, the engine counts as away, and it is tried again. */
  readonly onConnected: (version: EngineVersion) => Promise<void>
  readonly log: DockerLog
  /** Time in ms between two questions whether the engine answers; default 5,000. */
  readonly heartbeatMs?: number
}

const HEARTBEAT_MS = 5000

/** Pauses in ms before the engine is asked again whether it is there. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2000

/** Starts watching an engine that has been connected to; resolves when its events are heard. Rejects when they cannot be. */
export async function watchEngine(options: EngineWatchOptions): Promise<EngineWatch> {
  const { client, labels, onEvent, onConnected, log, heartbeatMs = HEARTBEAT_MS } = options
  const stopping = new AbortController()
  const { signal } = stopping
  let problem: string | undefined
  let losses = 0
  let stream = await client.events(labels)

  async function listen(): Promise<void> {
    while (!signal.aborted) {
      problem = await hear()
      if (signal.aborted) return
      losses++
      log.warn({ problem }, 'the Docker Engine is away: containers go on, none is started or removed until it is back')
      await reconnect()
    }
  }

  /** Hears until the stream ends, or the engine does not answer; resolves with why. */
  async function hear(): Promise<string> {
    const over = new AbortController()
    let silent: string | undefined
    void untilSilent(AbortSignal.any([signal, over.signal])).then((reason) => {
      silent = reason
      stream.close()
    })
    try {
      for await (const event of stream.events) onEvent(event)
      return silent ?? 'the Docker Engine closed the connection'
    } catch (error) {
      return messageOf(error)
    } finally {
      over.abort()
      stream.close()
    }
  }

  /** Resolves with the reason when the engine does not answer; with nothing when `over`. */
  async function untilSilent(over: AbortSignal): Promise<string | undefined> {
    while (!over.aborted) {
      await delay(heartbeatMs, undefined, { signal: over, ref: false }).catch(() => undefined)
      try {
        if (!over.aborted) await client.ping()
      } catch (error) {
        return messageOf(error)
      }
    }
    return undefined
  }

  async function reconnect(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        const version = await client.connect()
        stream = await client.events(labels)
        await onConnected(version)
        if (signal.aborted) return stream.close()
        problem = undefined
        log.info({ engine: version.engine }, 'the Docker Engine is back')
        return
      } catch (error) {
        stream.close()
        problem = messageOf(error)
      }
      await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  void listen()
  return {
    get problem() {
      return problem
    },
    get losses() {
      return losses
    },
    stop() {
      stopping.abort()
      stream.close()
    },
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
