/** Reads a container's output from the engine as it comes, and takes it up where it broke off when the engine was away. */

import { setTimeout as delay } from 'node:timers/promises'
import type { SentinelOutput } from '../http/sentinel-output.ts'
import type { EngineClient } from './engine-client.ts'
import { EngineError, type EngineStream } from './engine-transport.ts'
import { createLogDecoder } from './log-frames.ts'

export interface ContainerLog {
  /** Resolves when the engine has sent everything, or reading was given up. Never rejects. */
  readonly read: Promise<void>
  /** The last of what was printed, for people who look why a container ended. */
  readonly lastText: string
  stop(): void
}

const TAIL_BYTES = 2048
/** Pauses in ms before reading is tried again. */
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 5000

/** Follows the log from `sinceNano` on and feeds it to `output`, which is told of the end. */
export function followLog(
  client: Pick<EngineClient, 'readLogs' | 'inspectContainer'>,
  engineId: string,
  sinceNano: bigint,
  output: SentinelOutput,
): ContainerLog {
  const stopping = new AbortController()
  let stream: EngineStream | undefined
  let lastNano = sinceNano
  let tail = Buffer.alloc(0)

  async function read(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS
    while (!stopping.signal.aborted) {
      try {
        await readStream(true)
        if (stopping.signal.aborted) return
        // The engine ends a stream that is followed before it has written a last line that has no end.
        await readStream(false)
        // It also ends one when it ends itself, and the container may outlive it.
        const { running, paused } = await client.inspectContainer(engineId)
        if (!running && !paused) return
      } catch (error) {
        if (error instanceof EngineError && error.status === 404) return
      }
      output.interrupted = true
      await delay(pauseMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined)
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
    }
  }

  async function readStream(follow: boolean): Promise<void> {
    const after = lastNano
    stream = await client.readLogs(engineId, after, follow)
    if (stopping.signal.aborted) return stream.close()
    output.interrupted = false
    const decoder = createLogDecoder()
    for await (const chunk of stream.chunks) {
      for (const entry of decoder.decode(chunk)) {
        // The engine begins with the entry of that very moment, which has been read.
        if (entry.timeNano !== 0n && entry.timeNano === after) continue
        lastNano = entry.timeNano
        tail = Buffer.concat([tail, entry.text]).subarray(-TAIL_BYTES)
        output.feed(entry.stream, entry.text)
      }
    }
  }

  return {
    read: read().finally(() => output.end()),
    get lastText() {
      return tail.toString('utf8').trim()
    },
    stop() {
      stopping.abort()
      stream?.close()
    },
  }
}
