/** One run in a container, from the moment that it is sent there. */

import type { Clock } from '../model/clock.ts'
import type { CollectingLog } from './activation-log.ts'
import type { RunRequest, RunResult, StartKind } from './run-request.ts'

export type Done = (result: RunResult) => void

/** A request that has not been sent yet. */
export interface Waiting {
  readonly request: RunRequest
  readonly done: Done
}

export interface Run extends Waiting {
  readonly start: StartKind
  startedAt: number
  beganAt: number
  /** False while it waits in the runtime behind another one. */
  begun: boolean
  /** Monotonic ms at which the run itself began, init done. */
  runBeganAt: number
  initMs: number | undefined
  /** What it kept the container busy for, once it was answered. */
  serviceMs: number | undefined
  /** Monotonic ms at which the present phase reaches the action's limit. */
  limitAt: number
  log: CollectingLog | undefined
  /** The caller has its result. */
  settled: boolean
}

/** A run that begins now, or that waits in the runtime behind another one (`begun` false): then no limit runs yet. */
export function newRun(waiting: Waiting, start: StartKind, begun: boolean, clock: Clock): Run {
  const now = clock.monotonic()
  return {
    ...waiting,
    start,
    startedAt: clock.now(),
    beganAt: now,
    begun,
    runBeganAt: now,
    initMs: undefined,
    serviceMs: undefined,
    limitAt: begun ? now + waiting.request.program.timeoutMs : Infinity,
    log: undefined,
    settled: false,
  }
}
