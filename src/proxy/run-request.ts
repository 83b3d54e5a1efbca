/** What goes into a container proxy and what comes out: plain data, the same for a proxy in this process and for one behind HTTP. */

import type { Outcome } from '../model/activation.ts'
import type { ActivationId, TransactionId } from '../model/ids.ts'
import type { ActivationLog } from './activation-log.ts'

/** What a proxy needs of an action: made once for a resolved action and shared by all its calls. */
export interface ActionProgram {
  readonly name: string
  /** `/NS/A` or `/NS/PKG/A` of the owner: `__OW_ACTION_NAME`. */
  readonly path: string
  readonly version: string
  readonly main: string
  readonly binary: boolean
  /** Bound on `/init` and, again, on each `/run`. */
  readonly timeoutMs: number
  readonly logLimitBytes: number
  /** Runs at once that the action allows in one container. */
  readonly concurrency: number
  /** The code text, or undefined when it is gone; called once per container. */
  loadCode(): Promise<string | undefined>
}

export interface RunRequest {
  readonly activationId: ActivationId
  readonly transactionId: TransactionId
  readonly program: ActionProgram
  /** The invoking namespace. */
  readonly namespace: string
  /** `uuid:key`, where the action is given one. */
  readonly apiKey: string | undefined
  /** JSON text of the merged arguments, as UTF-8 bytes in a latin1 string, without a newline. */
  readonly argumentBytes: string
  /** Environment of `/init` from init parameters; `__OW_*` is added by the proxy. */
  readonly initEnvironment: Readonly<Record<string, string>>
  readonly resultLimitBytes: number
  readonly truncationBytes: number
}

/** How the container came to this run: created for it, bound from a stem cell for it, waiting for it, or thawed for it. */
export type StartKind = 'cold' | 'stem' | 'warm' | 'thawed'

export interface FinishedRun {
  readonly type: 'finished'
  readonly outcome: Outcome
  readonly start: StartKind
  /** Wall-clock time in ms since the epoch at which init, or else the run, began. */
  readonly startedAt: number
  readonly endedAt: number
  /** Monotonic time in ms at which init, or else the run, began. */
  readonly beganAt: number
  /** Duration of `/init` in ms; undefined on a warm run. */
  readonly initMs: number | undefined
  readonly runMs: number
  /** What the run kept the container busy for in ms: by the runtime's own account, where it gives one, without the waiting for processors on the way. */
  readonly serviceMs: number
  /** The run reached its time limit. */
  readonly timedOut: boolean
  readonly log: ActivationLog
}

export type RunResult =
  | FinishedRun
  /** At its limit and the overflow buffer is full, or waiting in it took too long: try after that time, or elsewhere. */
  | { readonly type: 'busy'; readonly retryAfterMs: number; readonly queued: number }
  /** The container went away before the run began: it is safe to run it elsewhere. */
  | { readonly type: 'notStarted'; readonly reason: string }
