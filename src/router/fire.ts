/** The fire of a trigger, top to bottom. Each early exit is a Refusal of model/errors.ts. */

import type { EntitlementProvider } from '../entitlement/entitlement-provider.ts'
import { requireRight } from '../entitlement/require-right.ts'
import { payloadTooLarge } from '../model/errors.ts'
import type { Clock } from '../model/clock.ts'
import type { Identity } from '../model/identity.ts'
import type { ActivationId, IdSource, TransactionId } from '../model/ids.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import { parseEntityName, resolveNamespace } from '../model/names.ts'
import type { Limits } from './admission.ts'
import { parsePayload } from './arguments.ts'
import type { AcceptedFire } from './fire-entries.ts'
import type { Quota } from './quota.ts'
import type { ResolvedTrigger } from './resolve-trigger.ts'

/** What the HTTP edge asks for. */
export interface FireCall {
  /** The `Authorization` header as it came. */
  readonly authorization: string | undefined
  /** `_` or a namespace name, not parsed yet. */
  readonly namespace: string
  readonly name: string
  /** Bytes of the body as the caller declared them; undefined: not told. */
  readonly declaredBytes: number | undefined
  /** Reads the request body, empty where there is none; called once, and only for callers that were let in. */
  readonly readPayload: () => Promise<Buffer>
  readonly transactionId: TransactionId
  /** What actions are told of the request, by lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** The record is kept whatever the storage level. */
  readonly extraLogging: boolean
}

/** What the caller is told: the id of the fire, or, without one, that no rule of the trigger is active. */
export interface FireAnswer {
  readonly activationId: ActivationId | undefined
  /** Goes into the answer's headers by `appendRateLimit`. */
  readonly quota: Quota | undefined
}

export interface FireDeps {
  readonly authenticate: (authorization: string | undefined) => Identity | Promise<Identity>
  readonly entitlement: EntitlementProvider
  readonly resolveTrigger: (name: FullyQualifiedName) => ResolvedTrigger | Promise<ResolvedTrigger>
  readonly limits: Pick<Limits, 'fire'>
  /** Makes the fire durable, and sees to it that its rules' actions are called; rejects with the journal's errors. */
  readonly journalFire: (accepted: AcceptedFire) => Promise<void>
  /** Why nothing new can be accepted now, if so. */
  readonly refuse: () => Error | undefined
  readonly fireCounters: { accepted: number; withoutActiveRule: number }
  readonly ids: Pick<IdSource, 'activationId'>
  readonly clock: Pick<Clock, 'now'>
}

/** Accepts the fire of a trigger: durable once it is answered, and without a trace when no rule of the trigger is active. */
export async function fire(call: FireCall, on: FireDeps): Promise<FireAnswer> {
  const identity = await on.authenticate(call.authorization) // -> 401
  const closed = on.refuse() // -> 503, Retry-After
  if (closed !== undefined) throw closed
  const quota = on.limits.fire(identity) // -> 429, Retry-After
  const namespace = resolveNamespace(call.namespace, identity.namespace) // -> 400
  const name = { namespace, name: parseEntityName(call.name) } // -> 400
  await requireRight(on.entitlement, identity, 'ACTIVATE', { collection: 'triggers', ...name }) // -> 403
  checkSize(call.declaredBytes ?? 0, identity) // -> 413
  const body = await call.readPayload() // -> 400, 408, 413, 415
  checkSize(body.length, identity) // -> 413
  const payload = parsePayload(body) // -> 400
  const trigger = await on.resolveTrigger(name) // -> 404, 409
  if (!trigger.hasActiveRule) {
    on.fireCounters.withoutActiveRule++
    return { activationId: undefined, quota }
  }
  const activationId = on.ids.activationId(on.clock.now())
  const { transactionId, headers, extraLogging } = call
  await on.journalFire({ activationId, transactionId, identity, trigger, payload, headers, extraLogging }) // -> 503
  on.fireCounters.accepted++
  return { activationId, quota }
}

function checkSize(bytes: number, identity: Identity): void {
  const allowed = identity.limits.payloadBytes
  if (bytes > allowed) throw payloadTooLarge(bytes, allowed)
}
