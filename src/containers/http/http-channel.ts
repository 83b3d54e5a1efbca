/**
 * OpenWhisk's contract of runtimes in images: POST /init once, then POST /run, JSON both ways, over connections that are kept. What the container prints is
 * read elsewhere (sentinel-output.ts) and only told apart here.
 */

import type { Dispatcher } from 'undici'
import { Pool } from 'undici'
import type { ActivationId } from '../../model/ids.ts'
import type { RuntimeChannel, RuntimeReply } from '../runtime-channel.ts'
import type { SentinelOutput } from './sentinel-output.ts'

export interface HttpChannel extends RuntimeChannel {
  /** A connection broke off in the middle of an exchange: the container has probably ended. */
  readonly broken: boolean
  /**
   * Before the container is suspended: lets go of idle connections, whose time would be over when it wakes, so that it would close them under the next run;
   * unless its server keeps them for longer than this channel does.
   */
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
  /** Ends of the exchanges under way, with the answer of those whose message has not been sent yet, or has. */
  const inFlight = new Map<Answered, () => RuntimeReply>()
  let pool = openPool(options)
  let closed = false
  /** The output of a run did not come to its end: what follows could not be told apart from it. */
  let muddled = false
  let broken = false
  /** By the last answer the server keeps idle connections for longer than `LONGEST_KEPT_MS`: they end on this side. */
  let keeps = false
  let concurrent = false
  let outputPending = true
  /** The run, or the failed init (no id), that was answered last and whose output nobody has asked for yet. */
  let lastAnswered: { readonly id: ActivationId | undefined } | undefined

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
      const offer = options.concurrent ? { ...HEADERS, [CONCURRENT_HEADER]: '1' } : HEADERS
      post('/init', Buffer.from(message), offer, (reply, { attributed }) => {
        if (reply.type !== 'lost' && reply.status === 200) {
          concurrent = options.concurrent
          output.attributed = options.concurrent && attributed
        } else settleOutput(undefined, reply, NOTHING_SAID)
        done(reply)
      })
    },
    run(activationId, message, done) {
      if (muddled) return done(UNREACHABLE)
      // Until the answer says otherwise: a run that is given up at its time limit has no answer.
      outputPending = true
      lastAnswered = undefined
      post('/run', Buffer.from(message, 'latin1'), RUN_HEADERS, (reply, said) => {
        settleOutput(activationId, reply, said)
        done(reply)
      })
    },
    drained(done) {
      if (!outputPending) return done(true)
      const run = lastAnswered
      lastAnswered = undefined
      // A run that was given up has not ended: what it printed so far is all there is.
      if (run === undefined) return output.whenQuiet(done)
      output.whenWhole(run.id, (whole) => {
        muddled ||= !whole && !output.interrupted
        done(whole)
      })
    },
    rest() {
      if (closed || keeps || inFlight.size > 0) return
      const rested = pool
      pool = openPool(options)
      void rested.close()
    },
    close() {
      if (closed) return
      closed = true
      output.end()
      for (const [done, answer] of inFlight) done(answer(), NOTHING_SAID)
      void pool.destroy()
    },
  }
  output.onText = (stream, text, run) => channel.onOutput(stream, text, run)

  /** What there is to wait for after this reply. Sentinels follow what has begun: runtimes refuse with other statuses, and print nothing then. */
  function settleOutput(id: ActivationId | undefined, reply: RuntimeReply, { silent, endless }: Said): void {
    const delimited = !endless && reply.type !== 'lost' && (reply.status === 200 || reply.status === 502)
    outputPending = !silent
    lastAnswered = delimited ? { id } : undefined
    if (delimited) output.expect(id, silent)
  }

  function post(path: string, body: Buffer, headers: Readonly<Record<string, string>>, done: Answered): void {
    if (closed) return done(UNREACHABLE, NOTHING_SAID)
    const limit = channel.answerLimitBytes
    const answered: Answered = (reply, said) => {
      if (!inFlight.delete(answered)) return
      broken ||= reply.type === 'lost'
      keeps = said.keptMs > LONGEST_KEPT_MS
      done(reply, said)
    }
    let sent = false
    inFlight.set(answered, () => (sent ? LOST : UNREACHABLE))
    const onSent = (): void => void (sent = true)
    pool.dispatch({ origin, path, method: 'POST', body, headers }, answerCollector(limit, onSent, answered))
  }

  return channel
}

const HEADERS = { 'content-type': 'application/json', accept: 'application/json' }
/** By which a runtime of ours says that a run printed nothing: there is no sentinel to wait for. */
const OUTPUT_HEADER = 'x-stave-output'
/** Offered on a run, and agreed to on its answer: it printed nothing, and its output has no sentinels either. */
const SILENT_HEADER = 'x-stave-silent'
/** Offered on an init, and agreed to on its answer: lines carry activation ids. */
const CONCURRENT_HEADER = 'x-stave-concurrent'

const RUN_HEADERS = { ...HEADERS, [SILENT_HEADER]: '1' }

/** What an answer says beyond the contract. */
interface Said {
  /** The run printed nothing. */
  readonly silent: boolean
  /** Nor do sentinels follow it. */
  readonly endless: boolean
  readonly attributed: boolean
  /** How long the server keeps an idle connection; 0 where it does not tell. */
  readonly keptMs: number
}
const NOTHING_SAID: Said = { silent: false, endless: false, attributed: false, keptMs: 0 }
const KEPT_SECONDS = /\btimeout=(\d{1,9})/
type Answered = (reply: RuntimeReply, said: Said) => void

/** Collects one answer; calls back exactly once. What exceeds the limit is counted and dropped. */
function answerCollector(limit: number, onSent: () => void, done: Answered): Dispatcher.DispatchHandler {
  const chunks: Buffer[] = []
  let length = 0
  let sent = false
  let status = 0
  let said = NOTHING_SAID
  return {
    onRequestStart() {
      sent = true
      onSent()
    },
    onResponseStart(_controller, statusCode, headers) {
      status = statusCode
      const silent = headers[OUTPUT_HEADER] === 'none'
      said = {
        silent,
        endless: silent && headers[SILENT_HEADER] === '1',
        attributed: headers[CONCURRENT_HEADER] === '1',
        keptMs: 1000 * Number(KEPT_SECONDS.exec(String(headers['keep-alive'] ?? ''))?.[1] ?? 0),
      }
    },
    onResponseData(_controller, chunk) {
      if (length <= limit) chunks.push(chunk)
      length += chunk.length
    },
    onResponseEnd() {
      const body = Buffer.concat(chunks)
      if (length <= limit) done({ type: 'answer', status, body }, said)
      else done({ type: 'tooLarge', status, length, prefix: body.subarray(0, limit) }, said)
    },
    onResponseError() {
      done(sent ? LOST : UNREACHABLE, NOTHING_SAID)
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
