/** One invocation from its arrival to its answer, as the steps of `invoke` pass it on. */

import type { ActivationRecord, Outcome } from '../model/activation.ts'
import type { ActivationId, TransactionId } from '../model/ids.ts'
import type { FinishedRun } from '../proxy/run-request.ts'
import type { Quota } from './quota.ts'

/** What the HTTP edge, or the journal's dispatcher, asks for. */
export interface Call {
  /** The `Authorization` header as it came. */
  readonly authorization: string | undefined
  /** `_` or a namespace name, not parsed yet. */
  readonly namespace: string
  readonly package: string | undefined
  readonly name: string
  /** Bytes of the body as the caller declared them; undefined: not told. */
  readonly declaredBytes: number | undefined
  /** Reads the request body, empty where there is none; called once, and only for callers that were let in. */
  readonly readPayload: () => Promise<Buffer>
  readonly transactionId: TransactionId
  /** Monotonic ms of its arrival. */
  readonly receivedAt: number
  /** How the caller wants to be answered; throws 400. Asked last: of several faults of a request, OpenWhisk tells of this one after those of the body. */
  readonly readMode: () => CallMode
  /** The request asked for debug lines and for its record to be kept. default false */
  readonly extraLogging?: boolean
}

export interface CallMode {
  /** True: the caller waits, up to `timeoutMs`, for the outcome. */
  readonly blocking: boolean
  readonly timeoutMs: number
}

/** How an accepted invocation ended: run, or given up before it could run. */
export interface Completion {
  readonly outcome: Outcome
  /** The run; undefined when no container could take it. */
  readonly run: FinishedRun | undefined
  /** ms from arrival to the beginning of init or run. */
  readonly waitMs: number
}

/** What the caller is told. */
export type Answer =
  /** Accepted, not finished: 202 with the id. */
  | { readonly type: 'accepted'; readonly activationId: ActivationId; readonly quota: Quota | undefined }
  | {
      readonly type: 'completed'
      readonly activationId: ActivationId
      /** Goes into the answer's headers by `appendRateLimit`. */
      readonly quota: Quota | undefined
      readonly completion: Completion
      /** The record without its logs: a blocking caller gets it so. */
      readonly record: ActivationRecord
    }
