/** One invocation, top to bottom. Each early exit is a Refusal of model/errors.ts. */

import type { ActivationRecord } from '../model/activation.ts'
import { DEVELOPER_ERROR, WHISK_ERROR, errorOutcome } from '../model/activation.ts'
import type { Cancel, Clock, Timers } from '../model/clock.ts'
import { payloadTooLarge, refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import { apiKey } from '../model/identity.ts'
import type { ActivationId, IdSource, TransactionId } from '../model/ids.ts'
import { EMPTY_LOG } from '../proxy/activation-log.ts'
import type { FinishedRun, RunRequest } from '../proxy/run-request.ts'
import type { Admission, Limits } from './admission.ts'
import type { Arguments, Payload } from './arguments.ts'
import { mergeArguments, parsePayload } from './arguments.ts'
import type { Answer, Call, Completion } from './call.ts'
import type { Dispatcher } from './dispatch.ts'
import type { ParkFailure } from './parking.ts'
import { recordOf } from './record.ts'
import type { ResolvedAction } from './resolved-action.ts'
import type { Target } from './resolve.ts'

/** Told of each call that came to its end in this process. */
export type ObserveCompletion = (identity: Identity, action: ResolvedAction, completion: Completion) => void

/** What a non-blocking call leaves for the dispatcher of the journal. */
export interface Accepted {
  readonly activationId: ActivationId
  readonly transactionId: TransactionId
  readonly identity: Identity
  readonly target: Target
  readonly action: ResolvedAction
  readonly payload: Payload
}

export interface InvokeDeps {
  readonly authenticate: (authorization: string | undefined) => Identity | Promise<Identity>
  readonly resolve: (identity: Identity, target: Target) => ResolvedAction | Promise<ResolvedAction>
  readonly limits: Limits
  readonly dispatcher: Pick<Dispatcher, 'run'>
  /** Makes the call durable; rejects with the journal's errors. Owns the admission when it resolves. */
  readonly journal: (accepted: Accepted, admission: Admission) => Promise<void>
  /** Takes the record; resolves, within the turn of the event loop, when it will outlive the process. Never rejects. */
  readonly record: (record: ActivationRecord, identity: Identity) => Promise<void> | undefined
  /** Counts what came of a call; never throws. */
  readonly observe: ObserveCompletion
  /** Why nothing new can be accepted now, if so: records could not be kept, or the server is stopping. */
  readonly refuse: () => Error | undefined
  readonly ids: IdSource
  readonly clock: Clock
  readonly timers: Timers
  /** Longest wait in ms of a request for a container. */
  readonly parkTimeoutMs: number
}

/** Registers what to do when the caller goes away. */
export type CallerPresence = (onGone: () => void) => void

/** Runs one call, or accepts it for later. Rejects with a Refusal or a Fault. */
export async function invoke(call: Call, on: InvokeDeps, presence?: CallerPresence): Promise<Answer> {
  const identity = await on.authenticate(call.authorization) // -> 401
  const closed = on.refuse() // -> 503, Retry-After
  if (closed !== undefined) throw closed
  const admission = on.limits.enter(identity) // -> 429, Retry-After
  let handedOn = false
  try {
    if (!identity.rights.includes('ACTIVATE')) throw refusal('FORBIDDEN', 403)
    checkSize(call.declaredBytes ?? 0, identity) // -> 413
    const body = await call.readPayload() // -> 400, 408, 413, 415
    checkSize(body.length, identity) // -> 413
    const payload = parsePayload(body) // -> 400
    const action = await on.resolve(identity, call) // -> 400, 403, 404
    const args = mergeArguments(action, payload) // -> 400
    const activationId = on.ids.activationId(on.clock.now())
    const { transactionId } = call
    if (!call.blocking) {
      await on.journal({ activationId, transactionId, identity, target: call, action, payload }, admission) // -> 429, 503
      handedOn = true
      return { type: 'accepted', activationId }
    }
    const request = runRequest(activationId, transactionId, identity, action, args)
    const running = perform(request, identity, action, call.receivedAt, on, presence)
    // From here on the activation goes its way whoever waits for it, and holds its place in the limits until it has ended.
    handedOn = true
    void running.then(
      () => admission.release(),
      () => admission.release(),
    )
    return await wait(running, activationId, call.waitMs, on.timers) // -> 202 when the wait is over; 503
  } finally {
    if (!handedOn) admission.release()
  }
}

/** Gets the request into a container, and records what came of it. Rejects with a Refusal when no place in any queue was free. */
async function perform(
  request: RunRequest,
  identity: Identity,
  action: ResolvedAction,
  receivedAt: number,
  on: InvokeDeps,
  presence?: CallerPresence,
): Promise<Answer> {
  const result = await on.dispatcher.run(action, request, receivedAt + on.parkTimeoutMs, { onWait: presence })
  const completion = completionOf(result, receivedAt, on.clock)
  const { activationId } = request
  const record = recordOf(activationId, identity, action, completion, on.clock.now())
  on.observe(identity, action, completion)
  // Once answered, the record is there to be read, even after a kill: so an answer waits for its run's last output, and for its record to be logged.
  await on.record(await withLogs(record, completion), identity)
  return { type: 'completed', activationId, completion, record }
}

/** What the dispatcher's result means for the activation. `receivedAt` in monotonic ms. */
export function completionOf(result: FinishedRun | ParkFailure, receivedAt: number, clock: Clock): Completion {
  return result.type === 'finished'
    ? { outcome: result.outcome, run: result, waitMs: result.beganAt - receivedAt }
    : { outcome: outcomeOf(result), run: undefined, waitMs: clock.monotonic() - receivedAt }
}

/** The record with the log of its run, once that is complete. */
export function withLogs(record: ActivationRecord, { run }: Completion): ActivationRecord | Promise<ActivationRecord> {
  if (run === undefined || run.log === EMPTY_LOG) return record
  return new Promise((resolve) => run.log.whenComplete((logsJson) => resolve({ ...record, logsJson })))
}

/** What the proxy is asked to do for one activation. */
export function runRequest(
  activationId: ActivationId,
  transactionId: TransactionId,
  identity: Identity,
  action: ResolvedAction,
  args: Arguments,
): RunRequest {
  return {
    activationId,
    transactionId,
    program: action.program,
    namespace: identity.namespace,
    apiKey: action.providesApiKey ? apiKey(identity) : undefined,
    argumentBytes: args.bytes,
    initEnvironment: args.initEnvironment,
    resultLimitBytes: identity.limits.payloadBytes,
    truncationBytes: identity.limits.truncationBytes,
  }
}

function checkSize(bytes: number, identity: Identity): void {
  const allowed = identity.limits.payloadBytes
  if (bytes > allowed) throw payloadTooLarge(bytes, allowed)
}

function outcomeOf(failure: ParkFailure): Completion['outcome'] {
  switch (failure.type) {
    case 'failed':
      // Why a start failed is for the operator's log; what an action asks for and can never get, its developer has to know.
      return failure.failure === 'noCapacity'
        ? errorOutcome(DEVELOPER_ERROR, failure.message)
        : errorOutcome(WHISK_ERROR, 'Failed to provision resources to run the action.')
    case 'deadline':
      return errorOutcome(WHISK_ERROR, 'Failed to provision resources to run the action.')
    case 'withdrawn':
      return errorOutcome(WHISK_ERROR, 'The caller went away before the action was started.')
    case 'closed':
      return errorOutcome(WHISK_ERROR, 'The server stopped before the action was started.')
  }
}

function wait(running: Promise<Answer>, activationId: ActivationId, waitMs: number, timers: Timers): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const cancel: Cancel = timers.after(waitMs, () => resolve({ type: 'accepted', activationId }))
    running.then(
      (answer) => {
        cancel()
        resolve(answer)
      },
      (error: unknown) => {
        cancel()
        reject(error)
      },
    )
  })
}
