/** One call of a web action over HTTP, top to bottom, in OpenWhisk's order of complaint. */

import type { Exchange } from '../../api/exchange.ts'
import { wantsExtraLogging } from '../../api/extra-logging.ts'
import type { BodyLimits } from '../../api/read-body.ts'
import { checkDeclaredLength, readBody } from '../../api/read-body.ts'
import { methodNotAllowed } from '../../api/rejections.ts'
import type { ReportFault } from '../../api/respond.ts'
import { sendError } from '../../api/respond.ts'
import type { Clock } from '../../model/clock.ts'
import { payloadTooLarge, Refusal, refusal } from '../../model/errors.ts'
import type { Identity } from '../../model/identity.ts'
import type { Admission } from '../admission.ts'
import type { Arguments } from '../arguments.ts'
import type { Answer } from '../call.ts'
import type { InvokeDeps } from '../invoke.ts'
import { activateFor } from '../invoke.ts'
import { appendRateLimit } from '../quota.ts'
import { appendTimes } from '../time-headers.ts'
import { authorise } from './authorise.ts'
import { contextMembers } from './context.ts'
import { corsHeaders } from './cors.ts'
import type { LookUpDeps, WebAction } from './look-up.ts'
import { lookUp } from './look-up.ts'
import { project, Unprojectable } from './project.ts'
import type { WebTarget } from './target.ts'
import { rawArguments, webArguments } from './web-arguments.ts'
import { sendWebAnswer } from './web-answer.ts'

export interface WebDeps extends LookUpDeps, Omit<InvokeDeps, 'journal'> {
  readonly clock: Clock
  /** Longest time in ms that a caller waits. */
  readonly blockingWaitMs: number
  /** Bytes of any body, and ms to read it. */
  readonly bodyLimits: BodyLimits
  readonly reportFault: ReportFault
}

const METHODS: readonly string[] = ['GET', 'DELETE', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'PATCH']

/** Answers a request for a web action, whatever comes of it. Never rejects. */
export async function handleWeb(exchange: Exchange, target: WebTarget, on: WebDeps): Promise<void> {
  // What every answer carries, refusals included, from the step on that knows it: nothing before the action was found, CORS afterwards.
  const headers: string[] = []
  try {
    await callWebAction(exchange, target, on, headers)
  } catch (error) {
    if (error instanceof Unprojectable) sendError(exchange, error)
    else sendError(exchange, error, on.reportFault, { headers, pretty: true })
  }
}

async function callWebAction(exchange: Exchange, target: WebTarget, on: WebDeps, headers: string[]): Promise<void> {
  const { req, res } = exchange
  const receivedAt = on.clock.monotonic()
  const method = req.method ?? ''
  if (!METHODS.includes(method)) throw methodNotAllowed(METHODS) // -> 405
  checkDeclaredLength(req, on.bodyLimits.maxBytes) // -> 400
  const caller = await callerOf(req.headers.authorization, on)
  const found = await lookUp(target, on) // -> 404, 403
  const { owner, web } = found
  const closed = on.refuse() // -> 503, Retry-After
  if (closed !== undefined) throw closed
  const admission = on.limits.enter(owner) // -> 429, Retry-After
  let handedOn = false
  try {
    appendRateLimit(headers, admission.quota)
    if (!web.customOptions) headers.push(...corsHeaders(singleHeader(exchange, 'access-control-request-headers')))
    checkSize(Number(req.headers['content-length'] ?? 0), owner) // -> 413
    if (method === 'OPTIONS' && !web.customOptions) {
      return sendWebAnswer(exchange, { status: 200, headers: [] }, headers)
    }
    authorise(web, method, caller, singleHeader(exchange, 'x-require-whisk-auth')) // -> 401
    const turn = on.turns.take(owner.uuid, receivedAt) // -> 503, Retry-After
    if (turn !== undefined) await turn
    const body = await readBody(exchange, on.bodyLimits) // -> 400, 408, 413
    checkSize(body.length, owner) // -> 413
    const args = argumentsOf(exchange, target, found, caller, body) // -> 400
    handedOn = true
    const answer = await run(exchange, found, args, receivedAt, admission, on) // -> 503
    if (!res.destroyed) sendAnswer(exchange, answer, target, headers) // -> 202, 400, 404, 406
  } finally {
    if (!handedOn) admission.release()
  }
}

/** Who calls; undefined for callers without a key, or with one that is not valid: to a web action they are anybody. */
async function callerOf(authorization: string | undefined, on: WebDeps): Promise<Identity | undefined> {
  if (authorization === undefined) return undefined
  try {
    return await on.authenticate(authorization)
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) return undefined
    throw error
  }
}

function singleHeader({ req }: Exchange, name: string): string | undefined {
  const value = req.headers[name]
  return Array.isArray(value) ? value[0] : value
}

function checkSize(bytes: number, owner: Identity): void {
  const allowed = owner.limits.payloadBytes
  if (bytes > allowed) throw payloadTooLarge(bytes, allowed)
}

function argumentsOf(
  { req }: Exchange,
  target: WebTarget,
  { action, web }: WebAction,
  caller: Identity | undefined,
  body: Buffer,
): Arguments {
  const context = contextMembers({ method: req.method ?? '', rawHeaders: req.rawHeaders }, target, caller)
  const payload = { query: target.query, body, contentType: req.headers['content-type'] }
  return web.raw ? rawArguments(action, context, payload) : webArguments(action, context, payload)
}

function run(
  { req, res, tid }: Exchange,
  { owner, action }: WebAction,
  args: Arguments,
  receivedAt: number,
  admission: Admission,
  on: WebDeps,
): Promise<Answer> {
  const activationId = on.ids.activationId(on.clock.now())
  const origin = { blocking: true, extraLogging: wantsExtraLogging(req.headers) }
  const activation = { activationId, transactionId: tid, identity: owner, action, args, receivedAt, ...origin }
  return activateFor(activation, admission, on.blockingWaitMs, on, (onGone) => void res.once('close', onGone))
}

function sendAnswer(exchange: Exchange, answer: Answer, { extension }: WebTarget, headers: string[]): void {
  headers.push('x-openwhisk-activation-id', answer.activationId)
  if (answer.type === 'accepted') throw refusal('NOT_READY', 202, 'Response not yet ready.')
  appendTimes(headers, answer.completion)
  sendWebAnswer(exchange, project(answer.completion.outcome, extension), headers)
}
