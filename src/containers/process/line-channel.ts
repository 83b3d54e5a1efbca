/** ActionLoop over the pipes of a process: one line in on its standard input, one line out on descriptor 3 (grammar: runtimes/README.md). */

import type { Readable, Writable } from 'node:stream'
import type { ActivationId } from '../../model/ids.ts'
import type { OutputStream, RuntimeChannel, RuntimeReply } from '../runtime-channel.ts'

export interface LineChannelStreams {
  readonly stdin: Writable
  /** What the process writes to descriptor 3. */
  readonly answers: Readable
  readonly stdout: Readable
  readonly stderr: Readable
}

export interface LineChannel extends RuntimeChannel {
  /** Resolves at the launcher's first line, with which it says that it takes an init message; rejects when the line ends before. */
  readonly ready: Promise<void>
  /** Ends the channel: whatever is in flight is answered `lost`. Idempotent. */
  close(): void
}

type Done = (reply: RuntimeReply) => void

const NEWLINE = 10
const AT = 64
const BANG = 33
const PLUS = 43
const TILDE = 126
const SPACE = 32
const RECORD_SEPARATOR = 30
const ID_LENGTH = 32
/** A container may print or answer this much in one window before its streams are paused for the rest of it: a flood must not own the event loop. */
const WINDOW_BYTES = 4 * 1024 * 1024
const WINDOW_MS = 20
/** Poll rounds after which waiting for the last output ends, for a process that never stops printing. */
const MAX_DRAIN_ROUNDS = 64

const LOST: RuntimeReply = { type: 'lost' }

/** Speaks ActionLoop over `streams`. Answers longer than `answerLimitBytes` (settable later) are cut off, not collected. */
export function createLineChannel(streams: LineChannelStreams, answerLimitBytes: number): LineChannel {
  const flood = floodGate([streams.answers, streams.stdout, streams.stderr])
  const answer = lineAssembler()
  /** Runs told apart by their id, once the runtime has announced that it overlaps them. */
  const overlapping = new Map<string, Done>()
  /** Exchanges under way otherwise: answered in the order in which they were sent. */
  let inOrder: Done[] = []
  /** Run messages to be written at the end of this turn. */
  let outgoing = ''
  let concurrent = false
  let pipelined = false
  let closed = false
  /** Chunks that came since the last time everything had been read. */
  let chunksOfOutput = 0
  /** The runtime marks the answers of runs that printed; only they have output to wait for. */
  let marksOutput = false
  /** Runs answered since the init, whose own output nothing marks. */
  let runsAnswered = 0
  let outputPending = true
  const ready = Promise.withResolvers<void>()
  ready.promise.catch(() => undefined)
  let isReady = false
  /** Hand over what was printed without an end of line. */
  const lastLines: (() => void)[] = []

  const channel: LineChannel = {
    get concurrent() {
      return concurrent
    },
    get pipelined() {
      return pipelined
    },
    get outputPending() {
      return outputPending
    },
    answerLimitBytes,
    onOutput: () => undefined,
    ready: ready.promise,
    init(message, done) {
      if (closed) return done(LOST)
      inOrder.push((reply) => {
        if (reply.type === 'answer' && reply.status === 200) {
          const announced = reply.body.toString('latin1', 0, 256)
          concurrent = /"concurrent"\s*:\s*true/.test(announced)
          pipelined = !concurrent && /"pipelined"\s*:\s*true/.test(announced)
          marksOutput = concurrent || pipelined
          runsAnswered = 0
        }
        done(reply)
      })
      // Offered to every launcher; who does not know it ignores it.
      streams.stdin.write(`${message.slice(0, message.lastIndexOf('}'))},"pipelined":true}\n`)
    },
    run(activationId, message, done) {
      if (closed) return done(LOST)
      if (concurrent) overlapping.set(activationId, done)
      else inOrder.push(done)
      if (outgoing === '') setImmediate(flush)
      outgoing += `${message}\n`
    },
    drained(done) {
      if (outputPending && !closed) whenQuiet(done)
      else done(true)
    },
    close() {
      if (closed) return
      closed = true
      flood.stop()
      for (const readRest of lastLines) readRest()
      ready.reject(new Error('the runtime ended before it was ready'))
      const waiting = [...overlapping.values(), ...inOrder]
      overlapping.clear()
      inOrder = []
      for (const done of waiting) done(LOST)
      for (const stream of [streams.answers, streams.stdout, streams.stderr, streams.stdin]) stream.destroy()
    },
  }

  /** All messages of a turn of the event loop leave in one write: each costs a system call and wakes the other side. */
  function flush(): void {
    const messages = outgoing
    outgoing = ''
    if (!closed) streams.stdin.write(messages, 'latin1')
  }

  /** Calls back after a whole poll round without output: an immediate set in a poll callback runs before the next poll, so it takes two of them. */
  function whenQuiet(done: (whole: boolean) => void): void {
    let seen = -1
    let rounds = 0
    const round = (): void => {
      const whole = (seen === chunksOfOutput && !flood.paused()) || closed
      if (whole || ++rounds > MAX_DRAIN_ROUNDS) {
        chunksOfOutput = 0
        return done(whole)
      }
      seen = chunksOfOutput
      if (flood.paused()) setTimeout(round, WINDOW_MS)
      else setImmediate(round)
    }
    setImmediate(round)
  }

  function deliver(line: Buffer, droppedBytes: number): void {
    if (!isReady) {
      isReady = true
      return ready.resolve()
    }
    let at = 0
    let done: Done | undefined
    if (line[0] === AT && concurrent) {
      const id = line.toString('latin1', 1, 1 + ID_LENGTH)
      done = overlapping.get(id)
      overlapping.delete(id)
      at = ID_LENGTH + 2
    } else {
      done = inOrder.shift()
    }
    // A line nobody waits for is the action's own writing to descriptor 3: it may only spoil its own answers.
    if (done === undefined) return
    let tookMs: number | undefined
    if (line[at] === TILDE && pipelined) {
      const end = line.indexOf(SPACE, at)
      tookMs = (Number(line.toString('latin1', at + 1, end)) || 0) / 1000
      at = end + 1
    }
    const printed = line[at] === PLUS
    if (printed) at++
    outputPending = printed || !marksOutput || runsAnswered === 0
    runsAnswered++
    let status = 200
    if (line[at] === BANG) {
      status = Number(line.toString('latin1', at + 1, at + 4)) || 502
      at += 5
    }
    const body = line.subarray(at)
    done(
      droppedBytes > 0 || body.length > channel.answerLimitBytes
        ? {
            type: 'tooLarge',
            status,
            length: body.length + droppedBytes,
            prefix: body.subarray(0, channel.answerLimitBytes),
          }
        : tookMs === undefined
          ? { type: 'answer', status, body }
          : { type: 'answer', status, body, tookMs },
    )
  }

  streams.answers.on('data', (chunk: Buffer) => {
    // The common case by far: one chunk, one line.
    if (answer.empty() && chunk.indexOf(NEWLINE) === chunk.length - 1) return deliver(chunk.subarray(0, -1), 0)
    flood.count(chunk.length)
    answer.push(chunk, channel.answerLimitBytes + ID_LENGTH + 8, deliver)
  })
  const listen = (name: OutputStream, stream: Readable): void => {
    const split = lineTagReader((chunk, id) => {
      // What a process that the action started prints is marked by nobody, which makes the marks worthless from then on.
      if (id === undefined && runsAnswered > 0) marksOutput = false
      channel.onOutput(name, chunk, id)
    })
    stream.on('data', (chunk: Buffer) => {
      chunksOfOutput++
      flood.count(chunk.length)
      if (concurrent || pipelined) split.push(chunk)
      else channel.onOutput(name, chunk, undefined)
    })
    lastLines.push(() => split.end())
    // Errors of a pipe whose other end was killed; the end itself is told by the process's exit.
    stream.on('error', () => undefined)
  }
  listen('stdout', streams.stdout)
  listen('stderr', streams.stderr)
  // The process may die with output still in its pipes: only when the last of them has ended is everything said that it had to say.
  const ends = new Set<Readable>([streams.answers, streams.stdout, streams.stderr])
  for (const stream of ends) {
    stream.on('close', () => {
      ends.delete(stream)
      if (stream === streams.answers || ends.size === 0) whenQuiet(() => channel.close())
    })
  }
  streams.answers.on('error', () => channel.close())
  // EPIPE of a process that has gone: its answer stream ends as well, and that is what closes the channel.
  streams.stdin.on('error', () => undefined)
  return channel
}

/** Collects chunks up to a newline in linear time, keeping at most `limit` bytes of a line and counting the rest. */
function lineAssembler(): {
  empty(): boolean
  push(chunk: Buffer, limit: number, deliver: (line: Buffer, droppedBytes: number) => void): void
} {
  let parts: Buffer[] = []
  let held = 0
  let dropped = 0
  const keep = (piece: Buffer, limit: number): void => {
    const room = Math.max(0, limit - held)
    const kept = piece.length > room ? piece.subarray(0, room) : piece
    if (kept.length > 0) parts.push(kept)
    held += kept.length
    dropped += piece.length - kept.length
  }
  return {
    empty: () => held === 0 && dropped === 0,
    push(chunk, limit, deliver) {
      let from = 0
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
        keep(chunk.subarray(from, at), limit)
        const line = parts.length === 1 ? (parts[0] ?? chunk) : Buffer.concat(parts)
        const lost = dropped
        parts = []
        held = 0
        dropped = 0
        from = at + 1
        deliver(line, lost)
      }
      if (from < chunk.length) keep(chunk.subarray(from), limit)
    },
  }
}

/** Reads the tag (0x1E, activation id, space) that overlapping runs put before each line they print, and strips it. */
function lineTagReader(emit: (chunk: Buffer, id: ActivationId | undefined) => void): {
  push(chunk: Buffer): void
  /** No more will come: what there is of a last line is passed on. */
  end(): void
} {
  let rest = Buffer.alloc(0)
  const emitLine = (line: Buffer): void => {
    const tagged = line[0] === RECORD_SEPARATOR
    const id = tagged ? (line.toString('latin1', 1, 1 + ID_LENGTH) as ActivationId) : undefined
    emit(tagged ? line.subarray(ID_LENGTH + 2) : line, id)
  }
  return {
    push(chunk) {
      const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let from = 0
      for (let at = data.indexOf(NEWLINE); at >= 0; at = data.indexOf(NEWLINE, from)) {
        emitLine(data.subarray(from, at + 1))
        from = at + 1
      }
      rest = Buffer.from(data.subarray(from))
      // A line without an end must not grow for ever.
      if (rest.length > 1024 * 1024) {
        emit(rest, undefined)
        rest = Buffer.alloc(0)
      }
    },
    end() {
      const line = rest
      rest = Buffer.alloc(0)
      if (line.length > 0) emitLine(line)
    },
  }
}

/** Pauses `streams` for the rest of a window in which more than WINDOW_BYTES came from them. */
function floodGate(streams: readonly Readable[]): { count(bytes: number): void; paused(): boolean; stop(): void } {
  let inWindow = 0
  let windowStart = 0
  let timer: NodeJS.Timeout | undefined
  return {
    count(bytes) {
      inWindow += bytes
      if (inWindow < WINDOW_BYTES) return
      const now = performance.now()
      if (now - windowStart > WINDOW_MS) {
        windowStart = now
        inWindow = bytes
        return
      }
      if (timer !== undefined) return
      for (const stream of streams) stream.pause()
      timer = setTimeout(() => {
        timer = undefined
        windowStart = performance.now()
        inWindow = 0
        for (const stream of streams) stream.resume()
      }, WINDOW_MS)
    },
    paused: () => timer !== undefined,
    stop() {
      clearTimeout(timer)
      timer = undefined
    },
  }
}
