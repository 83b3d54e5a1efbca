/**
 * OpenWhisk's contract of runtimes in images: POST /init once, then POST /run, JSON both ways, over connections that are kept. What the container prints is
 * read elsewhere (sentinel-output.ts) and only told apart here.
 */

import type { Dispatcher } from 'undici'
import { Pool } from 'undici'
import type { RuntimeChannel, RuntimeReply } from '../runtime-channel.ts'
import type { SentinelOutput } from './sentinel-output.ts'

export interface HttpChannel extends RuntimeChannel {
  /** A connection broke off in the middle of an exchange: the container has probably ended. */
  readonly broken: boolean
  /** Lets go of idle connections: a container that is going to be suspended would find their time over when it wakes, and close them under the next run. */
  rest(): void
  /** Ends the channel: whatever is in flight is answered `lost`. Idempotent. */
  close(): void
}

export interface HttpChannelOptions {
  /** Where the runtime listens: `http://10.0.0.2:8080`. */
  readonly origin: string
  readonly output: SentinelOutput
  /** Runs may overlap: there are as many connections as there are runs. */
  readonly concurrent: boolean
  readonly answerLimitBytes: number
}

type Done = (reply: RuntimeReply) => void

/**
 * A server says in `Keep-Alive: timeout=5` when it will close an idle connection, and is believed, a second early; one that does not say has its
 * connections kept for this long (Node closes after 5 s, Go never).
 */
const KEPT_MS = 4000
const LONGEST_KEPT_MS = 600_000
/** The runtime is on this host or one hop away, and listens. */
const CONNECT_MS = 2000
const LOST: RuntimeReply = { type: 'lost' }
const UNREACHABLE: RuntimeReply = { type: 'lost', reached: false }

/** A channel to a runtime that listens. */
export function createHttpChannel(options: HttpChannelOptions): HttpChannel {
  const { origin, output } = options
  /** Ends of the exchanges under way. */
  const inFlight = new Set<Done>()
  let pool = openPool(options)
  let closed = false
  /** The output of a run did not come to its end: what follows could not be told apart from it. */
  let muddled = false
  let broken = false
  let concurrent = false
  let outputPending = true

  const channel: HttpChannel = {
    get broken() {
      return broken
    },
    get concurrent() {
      return concurrent
    },
    pipelined: false,
    get outputPending() {
      return outputPending
    },
    answerLimitBytes: options.answerLimitBytes,
    onOutput: () => undefined,
    init(message, done) {
      post('/init', Buffer.from(message), (reply) => {
        const taken = reply.type === 'answer' && reply.status === 200
        if (taken) concurrent = options.concurrent
        else if (reply.type !== 'lost') output.expect()
        done(reply)
      })
    },
    run(_activationId, message, done) {
      if (muddled) return done(UNREACHABLE)
      post('/run', Buffer.from(message, 'latin1'), (reply) => {
        if (reply.type !== 'lost') output.expect()
        done(reply)
      })
    },
    drained(done) {
      if (!outputPending) return done(true)
      output.whenWhole((whole) => {
        muddled ||= !whole
        done(whole)
      })
    },
    rest() {
      if (closed || inFlight.size > 0) return
      const rested = pool
      pool = openPool(options)
      void rested.close()
    },
    close() {
      if (closed) return
      closed = true
      output.end()
      for (const done of inFlight) done(LOST)
      inFlight.clear()
      void pool.destroy()
    },
  }
  output.onText = (stream, text) => channel.onOutput(stream, text, undefined)

  function post(path: string, body: Buffer, done: Done): void {
    if (closed) return done(LOST)
    const limit = channel.answerLimitBytes
    const answered: Done = (reply) => {
      if (!inFlight.delete(answered)) return
      broken ||= reply.type === 'lost'
      done(reply)
    }
    inFlight.add(answered)
    const request = { origin, path, method: 'POST', body, headers: HEADERS } as const
    pool.dispatch(
      request,
      answerCollector(limit, answered, (none) => (outputPending = !none)),
    )
  }

  return channel
}

const HEADERS = { 'content-type': 'application/json', accept: 'application/json' }
/** By which a runtime of ours says that a run printed nothing: there is no sentinel to wait for. */
const OUTPUT_HEADER = 'x-stave-output'

/** Collects one answer; calls back exactly once. What exceeds the limit is counted and dropped. */
function answerCollector(
  limit: number,
  done: Done,
  printedNothing: (none: boolean) => void,
): Dispatcher.DispatchHandler {
  const chunks: Buffer[] = []
  let length = 0
  let sent = false
  let status = 0
  return {
    onRequestStart() {
      sent = true
    },
    onResponseStart(_controller, statusCode, headers) {
      status = statusCode
      printedNothing(headers[OUTPUT_HEADER] === 'none')
    },
    onResponseData(_controller, chunk) {
      if (length <= limit) chunks.push(chunk)
      length += chunk.length
    },
    onResponseEnd() {
      const body = Buffer.concat(chunks)
      if (length <= limit) done({ type: 'answer', status, body })
      else done({ type: 'tooLarge', status, length, prefix: body.subarray(0, limit) })
    },
    onResponseError() {
      done(sent ? LOST : UNREACHABLE)
    },
  }
}

function openPool({ origin, concurrent }: HttpChannelOptions): Pool {
  return new Pool(origin, {
    connections: concurrent ? null : 1,
    pipelining: 1,
    // The container proxy bounds each run.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEPT_MS,
    keepAliveMaxTimeout: LONGEST_KEPT_MS,
    connect: { timeout: CONNECT_MS },
  })
}
