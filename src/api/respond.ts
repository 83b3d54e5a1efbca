/** Answers: JSON of handlers, OpenWhisk's error envelope, and the plain texts of the HTTP layer. The first header is always `X-Request-ID`. */

import type { ServerResponse } from 'node:http'
import { DEFAULT_MESSAGES, Fault, Refusal } from '../model/errors.ts'
import type { TransactionId } from '../model/ids.ts'
import { StoreUnavailable } from '../stores/artifact-store.ts'
import { accepts } from './accept.ts'
import { REST_CORS } from './cors.ts'
import type { Exchange } from './exchange.ts'
import { AUTHENTICATION_CHALLENGE, notAcceptable, TransportRefusal } from './rejections.ts'

export const JSON_TYPE = 'application/json'
export const TEXT_TYPE = 'text/plain; charset=UTF-8'

/** Seconds after which a caller may try again where nothing better is known: a store that does not answer, a journal that cannot write. */
const RETRY_SECONDS = 1
/** How long a refused body is read and thrown away before the connection is closed: closing at once would reset it under the answer. */
const LINGER_MS = 1000

/** Told of errors that are ours; writes the log, never throws. */
export type ReportFault = (error: unknown, tid: TransactionId) => void

/** Answers with JSON text and CORS headers; 406 instead where the caller does not take JSON. */
export function sendJson(exchange: Exchange, status: number, json: string, headers: readonly string[] = []): void {
  const { req, res, tid } = exchange
  if (status < 300 && !accepts(req.headers.accept, 'application', 'json')) {
    sendError(exchange, notAcceptable([JSON_TYPE]))
    return
  }
  send(res, status, ['X-Request-ID', tid, ...REST_CORS, ...headers], JSON_TYPE, json)
}

/** Answers with plain text; no CORS headers unless given. */
export function sendText(exchange: Exchange, status: number, text: string, headers: readonly string[] = []): void {
  send(exchange.res, status, ['X-Request-ID', exchange.tid, ...headers], TEXT_TYPE, text)
}

/** How errors are answered where it is not the way of the REST API. */
export interface ErrorStyle {
  /** Names and values in turn, on every error that is an envelope. */
  readonly headers: readonly string[]
  /** One field of the envelope a line. */
  readonly pretty: boolean
}

/**
 * Answers with what a thrown value means: a `Refusal` by its status and message, a `Fault` and `StoreUnavailable` by the default text, anything
 * else by the bare 500 that OpenWhisk gives when a handler dies. Does nothing when the caller has gone; cuts the connection when an answer
 * had already begun. Never throws.
 */
export function sendError(exchange: Exchange, error: unknown, report?: ReportFault, style?: ErrorStyle): void {
  const { res, tid } = exchange
  if (!(error instanceof Refusal || error instanceof TransportRefusal)) report?.(error, tid)
  if (res.headersSent || res.destroyed) {
    // Half an answer must not look like a whole one.
    if (!res.writableEnded) res.destroy()
    return
  }
  if (error instanceof Refusal) sendRefusal(exchange, error, style)
  else if (error instanceof TransportRefusal) sendTransportRefusal(exchange, error)
  else if (error instanceof Fault) sendOwnFault(exchange, error.status, style, error.told)
  else if (error instanceof StoreUnavailable) sendOwnFault(exchange, 503, style)
  else send(res, 500, [], TEXT_TYPE, DEFAULT_MESSAGES[500] ?? '')
}

function sendOwnFault(
  exchange: Exchange,
  status: 500 | 503,
  style: ErrorStyle | undefined,
  told = DEFAULT_MESSAGES[status] ?? '',
): void {
  const headers = [...(style?.headers ?? REST_CORS)]
  if (status === 503) headers.push('Retry-After', `${RETRY_SECONDS}`)
  sendEnvelope(exchange, status, told, headers, style)
}

function sendRefusal(exchange: Exchange, error: Refusal, style?: ErrorStyle): void {
  const { options, status } = error
  // Nobody is there to read it, but the connection must end.
  if (error.code === 'CLIENT_GONE') {
    exchange.req.destroy()
    return
  }
  const headers = [...(style?.headers ?? (options.atRouting === true ? [] : REST_CORS))]
  const retryAfter = options.retryAfterSeconds ?? (status === 429 || status === 503 ? RETRY_SECONDS : undefined)
  if (retryAfter !== undefined) headers.push('Retry-After', `${Math.ceil(retryAfter)}`)
  if (status === 401 && options.atRouting === true && options.headers?.['WWW-Authenticate'] === undefined) {
    headers.push('WWW-Authenticate', AUTHENTICATION_CHALLENGE)
  }
  for (const [name, value] of Object.entries(options.headers ?? {})) headers.push(name, value)
  sendEnvelope(exchange, status, error.message, headers, style)
}

/** The error envelope. `code` is the transaction id: clients tell platform errors from application errors by its presence. */
function sendEnvelope(
  { res, tid }: Exchange,
  status: number,
  message: string,
  headers: readonly string[],
  style: ErrorStyle | undefined,
): void {
  const json = JSON.stringify({ error: message, code: tid }, null, style?.pretty === true ? 2 : undefined)
  send(res, status, ['X-Request-ID', tid, ...headers], JSON_TYPE, json)
}

function sendTransportRefusal({ req, res }: Exchange, error: TransportRefusal): void {
  if (req.complete) {
    send(res, error.status, ['Connection', 'close'], TEXT_TYPE, error.message)
    return
  }
  res.writeHead(error.status, [
    'Connection',
    'close',
    'Content-Type',
    TEXT_TYPE,
    'Content-Length',
    `${Buffer.byteLength(error.message)}`,
  ])
  res.write(error.message)
  const timer = setTimeout(finish, LINGER_MS).unref()
  req.once('end', finish).once('close', finish).once('error', finish).resume()
  function finish(): void {
    clearTimeout(timer)
    res.end()
  }
}

/** Takes `headers` over: it is grown, not copied. */
function send(res: ServerResponse, status: number, headers: string[], contentType: string, body: string): void {
  headers.push('Content-Type', contentType, 'Content-Length', `${Buffer.byteLength(body)}`)
  res.writeHead(status, headers)
  res.end(body)
}
