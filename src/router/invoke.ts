/** One invocation, top to bottom. Each early exit is a Refusal of model/errors.ts. */

import type { Cancel, Timers } from '../model/clock.ts'
import { Refusal, payloadTooLarge, refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { ActivationId, IdSource, TransactionId } from '../model/ids.ts'
import type { ActivateDeps, Activation, CallerPresence } from './activate.ts'
import { activate } from './activate.ts'
import type { Admission, Limits } from './admission.ts'
import type { Payload } from './arguments.ts'
import { mergeArguments, parsePayload } from './arguments.ts'
import type { Answer, Call } from './call.ts'
import { requireComponents } from './require-components.ts'
import type { Target } from './resolve.ts'
import type { Invocable } from './resolved-sequence.ts'
import type { Turns } from './turns.ts'

/** What a non-blocking call leaves for the dispatcher of the journal. */
export interface Accepted {
  readonly activationId: ActivationId
  readonly transactionId: TransactionId
  readonly identity: Identity
  readonly target: Target
  readonly action: Invocable
  readonly payload: Payload
  /** Its record is kept whatever the storage level. default false */
  readonly extraLogging?: boolean
}

export interface InvokeDeps extends ActivateDeps {
  readonly authenticate: (authorization: string | undefined) => Identity | Promise<Identity>
  readonly limits: Limits
  readonly turns: Pick<Turns, 'take'>
  /** Makes the call durable; rejects with the journal's errors. Owns the admission when it resolves. */
  readonly journal: (accepted: Accepted, admission: Admission) => Promise<void>
  /** Why nothing new can be accepted now, if so: records could not be kept, or the server is stopping. */
  readonly refuse: () => Error | undefined
  readonly ids: IdSource
  readonly timers: Timers
}

/** Statuses of refusals that say what lies there, not who may call it. */
const NO_MATTER_OF_RIGHTS: ReadonlySet<number> = new Set([400, 404, 409])

/** Runs one call, or accepts it for later. Rejects with a Refusal or a Fault. */
export async function invoke(call: Call, on: InvokeDeps, presence?: CallerPresence): Promise<Answer> {
  const identity = await on.authenticate(call.authorization) // -> 401
  const closed = on.refuse() // -> 503, Retry-After
  if (closed !== undefined) throw closed
  const admission = on.limits.enter(identity) // -> 429, Retry-After
  let handedOn = false
  try {
    if (!identity.rights.includes('ACTIVATE')) throw refusal('FORBIDDEN', 403)
    const turn = on.turns.take(identity.uuid, call.receivedAt) // -> 503, Retry-After
    if (turn !== undefined) await turn
    await requireCallable(identity, call, on) // -> 403, 404, 422
    checkSize(call.declaredBytes ?? 0, identity) // -> 413
    const body = await call.readPayload() // -> 400, 408, 413, 415
    checkSize(body.length, identity) // -> 413
    const payload = parsePayload(body) // -> 400
    const { blocking, timeoutMs } = call.readMode() // -> 400
    // Once more, from the cache: much can have changed while the body came.
    const action = await on.resolve(identity, call) // -> 400, 403, 404, 409
    if (action.type === 'sequence') await requireComponents(identity, action, on) // -> 403, 404
    const args = mergeArguments(action, payload) // -> 400
    const activationId = on.ids.activationId(on.clock.now())
    const { transactionId, receivedAt, extraLogging = false } = call
    if (!blocking) {
      const accepted = { activationId, transactionId, identity, target: call, action, payload, extraLogging }
      await on.journal(accepted, admission) // -> 429, 503
      handedOn = true
      return { type: 'accepted', activationId, quota: admission.quota }
    }
    handedOn = true
    const origin = { blocking: true, extraLogging }
    const activation = { activationId, transactionId, identity, action, args, receivedAt, ...origin }
    return await activateFor(activation, admission, timeoutMs, on, presence) // -> 202 when the wait is over; 503
  } finally {
    if (!handedOn) admission.release()
  }
}

/**
 * Runs an activation for a caller who waits `waitMs` for it at most. Whoever waits, the activation goes its way, and holds its place in the limits until
 * it has ended: it owns the admission from here on.
 */
export function activateFor(
  activation: Activation,
  admission: Admission,
  waitMs: number,
  on: ActivateDeps & Pick<InvokeDeps, 'timers'>,
  presence?: CallerPresence,
): Promise<Answer> {
  const running = activate(activation, on, presence)
  const { activationId } = activation
  const { quota } = admission
  return new Promise((resolve, reject) => {
    const cancel: Cancel = on.timers.after(waitMs, () => resolve({ type: 'accepted', activationId, quota }))
    const ended = (): void => {
      admission.release()
      cancel()
    }
    running.then(
      ({ completion, record }) => {
        ended()
        resolve({ type: 'completed', activationId, quota, completion, record })
      },
      (error: unknown) => {
        ended()
        reject(error)
      },
    )
  })
}

/**
 * Rejects where the caller may not call what lies there, or there is no such package. As in OpenWhisk, that is settled before anything of the request is
 * looked at; what lies there, if anything, after that.
 */
async function requireCallable(identity: Identity, call: Call, on: Pick<InvokeDeps, 'resolve'>): Promise<void> {
  try {
    await on.resolve(identity, call)
  } catch (error) {
    if (!(error instanceof Refusal) || !NO_MATTER_OF_RIGHTS.has(error.status) || error.options.missing === 'package') {
      throw error
    }
  }
}

function checkSize(bytes: number, identity: Identity): void {
  const allowed = identity.limits.payloadBytes
  if (bytes > allowed) throw payloadTooLarge(bytes, allowed)
}
