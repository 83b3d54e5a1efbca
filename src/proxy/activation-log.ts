/** Collects what one activation prints and renders it as OpenWhisk's log lines: `TIMESTAMP(30 columns) stdout|stderr: text`. */

import type { OutputStream } from '../containers/runtime-channel.ts'
import { SENTINEL } from '../containers/sentinel.ts'

const NEWLINE = 10
const CARRIAGE_RETURN = 13

interface PartialLine {
  readonly at: number
  readonly parts: Buffer[]
}

export interface ActivationLog {
  /** The log is complete: JSON text of an array of strings. Calls back once, at once when it is complete already. */
  whenComplete(done: (logsJson: string) => void): void
}

export interface CollectingLog extends ActivationLog {
  /** Takes output that arrived at `now` (ms since the epoch); copies what it keeps. */
  append(stream: OutputStream, chunk: Buffer, now: number): void
  /** Adds a line of the platform's own, on stderr. */
  note(message: string, now: number): void
  /** No more will come. */
  complete(now: number): void
}

/** For activations that printed nothing, which are most: one object for all of them. */
export const EMPTY_LOG: ActivationLog = { whenComplete: (done) => done('[]') }

/** A log of at most `limitBytes` of raw lines; 0 collects nothing. */
export function collectLog(limitBytes: number): CollectingLog {
  const lines: string[] = []
  const partial: { [stream in OutputStream]?: PartialLine } = {}
  let bytes = 0
  let truncated = false
  let json: string | undefined
  let waiting: ((logsJson: string) => void) | undefined

  function add(stream: OutputStream, text: string, at: number): void {
    if (text !== SENTINEL) lines.push(`${timestamp(at)} ${stream}: ${text}`)
  }

  function end(stream: OutputStream, last: Buffer, at: number): void {
    const held = partial[stream]
    delete partial[stream]
    const line = held === undefined ? last : Buffer.concat([...held.parts, last])
    const cut = line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line
    add(stream, cut.toString('utf8'), held?.at ?? at)
  }

  function endPartialLines(at: number): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      if (partial[stream] !== undefined) end(stream, Buffer.alloc(0), at)
    }
  }

  return {
    append(stream, chunk, now) {
      if (truncated || limitBytes === 0 || json !== undefined) return
      const room = limitBytes - bytes
      bytes += chunk.length
      const kept = chunk.length > room ? chunk.subarray(0, room) : chunk
      let from = 0
      for (let at = kept.indexOf(NEWLINE); at >= 0; at = kept.indexOf(NEWLINE, from)) {
        end(stream, kept.subarray(from, at), now)
        from = at + 1
      }
      if (from < kept.length) {
        const held = (partial[stream] ??= { at: now, parts: [] })
        held.parts.push(Buffer.from(kept.subarray(from)))
      }
      truncated = chunk.length > room
    },
    note(message, now) {
      endPartialLines(now)
      if (limitBytes > 0) add('stderr', message, now)
    },
    complete(now) {
      if (json !== undefined) return
      endPartialLines(now)
      if (truncated) {
        add('stderr', `Logs were truncated because the total bytes size exceeds the limit of ${limitBytes} bytes.`, now)
      }
      json = JSON.stringify(lines)
      lines.length = 0
      waiting?.(json)
    },
    whenComplete(done) {
      if (json === undefined) waiting = done
      else done(json)
    },
  }
}

/** RFC 3339 with nine fractional digits: 30 characters, as the Docker engine writes it. */
function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000000Z`
}
