/** The data plane's HTTP edge: `POST /api/v1/namespaces/NS/actions/[PKG/]A`, in and out. */

import { accepts } from '../api/accept.ts'
import { REST_CORS } from '../api/cors.ts'
import type { Exchange } from '../api/exchange.ts'
import { wantsExtraLogging } from '../api/extra-logging.ts'
import { requireJsonType } from '../api/json-body.ts'
import type { InvokeQuery } from '../api/query.ts'
import { parseInvokeQuery } from '../api/query.ts'
import type { BodyLimits } from '../api/read-body.ts'
import { readBody } from '../api/read-body.ts'
import { notAcceptable } from '../api/rejections.ts'
import { decodeSegment, splitTarget } from '../api/request-target.ts'
import { JSON_TYPE, sendJson } from '../api/respond.ts'
import {
  APPLICATION_ERROR,
  DEVELOPER_ERROR,
  STATUS_PHRASES,
  SUCCESS,
  WHISK_ERROR,
  renderRecord,
} from '../model/activation.ts'
import type { StatusCode } from '../model/activation.ts'
import type { Clock } from '../model/clock.ts'
import type { Answer, Call } from './call.ts'
import type { InvokeDeps } from './invoke.ts'
import { invoke } from './invoke.ts'
import { appendRateLimit } from './quota.ts'
import type { Target } from './resolve.ts'
import { appendTimes } from './time-headers.ts'

export interface HttpInvokeDeps extends InvokeDeps {
  readonly clock: Clock
  /** Longest time in ms that a blocking call waits. */
  readonly blockingWaitMs: number
  /** Bytes of any body, and ms to read it. */
  readonly bodyLimits: BodyLimits
}

const PREFIX = '/api/v1/namespaces/'
const COLLECTION = '/actions/'

/** HTTP status of a completed blocking call, by OpenWhisk's status code. */
const HTTP_STATUS: Readonly<Record<StatusCode, number>> = {
  [SUCCESS]: 200,
  [APPLICATION_ERROR]: 502,
  [DEVELOPER_ERROR]: 502,
  [WHISK_ERROR]: 500,
}

/** The action that a request target names, and how it is to be called. */
export interface Invocation {
  readonly target: Target
  readonly query: string
}

/** Reads the target of a POST; undefined when it is no invocation's, or unfit: whoever answers all other requests refuses it then. */
export function matchInvocation(url: string): Invocation | undefined {
  if (!url.startsWith(PREFIX)) return undefined
  try {
    const { path, query } = splitTarget(url)
    const target = invocationTarget(path)
    return target === undefined ? undefined : { target, query }
  } catch {
    return undefined
  }
}

function invocationTarget(path: string): Target | undefined {
  const namespaceEnd = path.indexOf('/', PREFIX.length)
  if (namespaceEnd < 0 || !path.startsWith(COLLECTION, namespaceEnd)) return undefined
  const from = namespaceEnd + COLLECTION.length
  const slash = path.indexOf('/', from)
  const namespace = decodeSegment(path.slice(PREFIX.length, namespaceEnd))
  if (slash < 0) {
    return from === path.length ? undefined : { namespace, package: undefined, name: decodeSegment(path.slice(from)) }
  }
  const name = path.slice(slash + 1)
  if (name === '' || name.includes('/') || slash === from) return undefined
  return { namespace, package: decodeSegment(path.slice(from, slash)), name: decodeSegment(name) }
}

/** Invokes the action for one HTTP request and answers it; rejects with what `sendError` takes. */
export async function handleInvoke(
  exchange: Exchange,
  { target, query }: Invocation,
  on: HttpInvokeDeps,
): Promise<void> {
  const { req, res, tid } = exchange
  const receivedAt = on.clock.monotonic()
  let mode: InvokeQuery | undefined
  const declared = req.headers['content-length']
  const call: Call = {
    authorization: req.headers.authorization,
    namespace: target.namespace,
    package: target.package,
    name: target.name,
    declaredBytes: declared === undefined ? undefined : Number(declared),
    readPayload: () => readJsonBody(exchange, on.bodyLimits),
    transactionId: tid,
    receivedAt,
    readMode: () => (mode = parseInvokeQuery(query, on.blockingWaitMs)),
    extraLogging: wantsExtraLogging(req.headers),
  }
  const answer = await invoke(call, on, (onGone) => void res.once('close', onGone))
  if (res.destroyed) return
  if (answer.type === 'accepted') {
    const { activationId, quota } = answer
    const headers = ['x-openwhisk-activation-id', activationId]
    appendRateLimit(headers, quota)
    return sendJson(exchange, 202, `{"activationId":"${activationId}"}`, headers)
  }
  sendCompleted(exchange, answer, mode?.result === true)
}

/** The body of a call, which is JSON or empty. Rejects with 400, 408, 413 and 415. */
export async function readJsonBody(exchange: Exchange, limits: BodyLimits): Promise<Buffer> {
  const body = await readBody(exchange, limits)
  if (body.length > 0) requireJsonType(exchange.req.headers['content-type'])
  return body
}

/** What a request that asked for debug lines is told in the log: never arguments or results. */
function debugFields({ record, completion }: Extract<Answer, { type: 'completed' }>): Record<string, unknown> {
  const { namespace, name, version, activationId, duration } = record
  const { run, waitMs } = completion
  return {
    activationId,
    namespace,
    action: name,
    version,
    status: STATUS_PHRASES[record.outcome.statusCode],
    duration,
    start: run?.start,
    waitMs: Math.round(waitMs),
    initMs: run?.initMs === undefined ? undefined : Math.round(run.initMs),
    resultBytes: record.outcome.size,
  }
}

function sendCompleted(exchange: Exchange, answer: Extract<Answer, { type: 'completed' }>, resultOnly: boolean): void {
  const { req, res, tid } = exchange
  const { completion, record, activationId, quota } = answer
  const { outcome } = completion
  if (exchange.debug !== undefined) exchange.debug(debugFields(answer), 'activation')
  const status = HTTP_STATUS[outcome.statusCode]
  if (status < 300 && !accepts(req.headers.accept, 'application', 'json')) throw notAcceptable([JSON_TYPE])
  const isArray = outcome.statusCode === SUCCESS && outcome.resultJson.startsWith('[')
  const text = resultOnly || isArray ? outcome.resultJson : renderRecord(record)
  const headers = ['X-Request-ID', tid, ...REST_CORS, 'x-openwhisk-activation-id', activationId]
  appendTimes(headers, completion)
  appendRateLimit(headers, quota)
  const bytes = Buffer.byteLength(text)
  headers.push('Content-Type', JSON_TYPE, 'Content-Length', String(bytes))
  res.writeHead(status, headers)
  // A string leaves with the headers in one write; a buffer takes a second piece and a writev, which is a third of the whole call's CPU time. Without
  // other than ASCII characters it is the same in both encodings, and one of them is a mere copy.
  res.end(text, bytes === text.length ? 'latin1' : 'utf8')
}
