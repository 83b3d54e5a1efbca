/**
 * The engine's framing of container output without a terminal: 8 bytes (stream, three zeros, length big-endian), then an entry: with time stamps,
 * `2026-01-02T03:04:05.000000006Z text`. An entry is a line, or a part of a line longer than 16 KB.
 */

import type { OutputStream } from '../runtime-channel.ts'

export interface LogEntry {
  readonly stream: OutputStream
  /** Nanoseconds since the epoch. */
  readonly timeNano: bigint
  /** The text with its end of line, where it has one. */
  readonly text: Buffer
}

const HEADER = 8
const STDERR = 2
const SPACE = 32
/** The engine cuts entries at 16 KB; one that is said to be longer than this is a stream that is not framed. */
const MAX_ENTRY_BYTES = 16 * 1024 * 1024

export interface LogDecoder {
  /** The entries that are complete with this chunk. Throws when the stream is not framed output. */
  decode(chunk: Buffer): readonly LogEntry[]
}

export function createLogDecoder(): LogDecoder {
  let rest: Buffer = Buffer.alloc(0)
  return {
    decode(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const entries: LogEntry[] = []
      let at = 0
      while (at + HEADER <= bytes.length) {
        const length = bytes.readUInt32BE(at + 4)
        if (length > MAX_ENTRY_BYTES)
          throw new Error('the engine sent output without frames: is the container on a terminal?')
        const end = at + HEADER + length
        if (end > bytes.length) break
        entries.push(entryOf(bytes[at] ?? 0, bytes.subarray(at + HEADER, end)))
        at = end
      }
      rest = at === 0 ? bytes : Buffer.from(bytes.subarray(at))
      return entries
    },
  }
}

function entryOf(type: number, entry: Buffer): LogEntry {
  const space = entry.indexOf(SPACE)
  const time = space < 0 ? undefined : parseTime(entry.toString('latin1', 0, space))
  return {
    stream: type === STDERR ? 'stderr' : 'stdout',
    timeNano: time ?? 0n,
    text: time === undefined ? entry : entry.subarray(space + 1),
  }
}

/** `2026-01-02T03:04:05.6Z` with up to nine digits of fraction; undefined for anything else. */
function parseTime(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (match === null) return undefined
  const ms = Date.parse(`${match[1] ?? ''}${match[3] ?? ''}`)
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'))
}
