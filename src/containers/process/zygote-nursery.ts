/** Keeps one interpreter's zygote: starts it at the first need, gives it up when it fails, and tries again after a while. */

import type { Clock } from '../../model/clock.ts'
import type { SandboxPlan } from './sandbox-plan.ts'
import type { StartedProcess } from './started-process.ts'
import type { ZygoteProcess } from './zygote-process.ts'
import { startZygote } from './zygote-process.ts'
import type { StreamServer } from './zygote-streams.ts'

export interface NurseryOptions {
  readonly streams: () => Promise<StreamServer>
  readonly timeoutMs: number
  readonly clock: Clock
  readonly randomToken: () => string
  readonly log: { warn(fields: object, message: string): void }
}

export interface Nursery {
  /** A zygote takes requests. */
  readonly ready: boolean
  /** Containers being built. */
  readonly pending: number
  /** Zygotes that ended, did not come up or could not build anything. */
  readonly failures: number
  /** Starts the zygote unless there is one. Resolves with undefined when it is ready, else with why there is none now. Never rejects. */
  prepare(): Promise<string | undefined>
  /** Forks a container; undefined, logged where it is news, when that cannot be had now. Never waits for a zygote to come up. Never rejects. */
  fork(plan: SandboxPlan, script: string): Promise<StartedProcess | undefined>
  /** Ends the zygote. Idempotent. */
  close(): Promise<void>
}

/** A container that takes longer to build is not worth waiting for: an ordinary start takes 50 ms. */
const BUILD_MS = 5000
const FIRST_BACKOFF_MS = 250
const MAX_BACKOFF_MS = 60_000
/** A zygote that lived this long starts over with the first back-off. */
const HEALTHY_MS = 60_000
/** Containers in a row that could not be built before the zygote is given up for a while: the host does not allow what it does. */
const MAX_FAILED_FORKS = 3

/** A nursery for the zygote that `command` starts. */
export function createNursery(kind: string, command: readonly [string, ...string[]], options: NurseryOptions): Nursery {
  const { clock, log, randomToken, timeoutMs } = options
  /** Given up, but still the parents of running containers. */
  const retired = new Set<ZygoteProcess>()
  let zygote: ZygoteProcess | undefined
  let starting: Promise<string | undefined> | undefined
  let reason = ''
  let failures = 0
  let failedForks = 0
  let backoffMs = FIRST_BACKOFF_MS
  /** Monotonic ms before which no other zygote is tried. */
  let retryAt = -Infinity
  let closed = false

  function prepare(): Promise<string | undefined> {
    if (zygote !== undefined) return Promise.resolve(undefined)
    if (starting !== undefined) return starting
    if (closed || clock.monotonic() < retryAt) return Promise.resolve(closed ? 'the starter is closed' : reason)
    starting = bringUp().finally(() => (starting = undefined))
    return starting
  }

  async function bringUp(): Promise<string | undefined> {
    try {
      const streams = await options.streams()
      const onStderr = (text: string): void => {
        log.warn({ kind, text }, 'the zygote wrote to its standard error')
      }
      const buildMs = Math.min(BUILD_MS, timeoutMs)
      const started = await startZygote({ command, streams, randomToken, timeoutMs, buildMs, onStderr })
      zygote = started
      const since = clock.monotonic()
      void started.ended.then(() => {
        if (zygote === started) lost('the zygote ended', clock.monotonic() - since)
      })
      return undefined
    } catch (error) {
      lost(messageOf(error), 0)
      return reason
    }
  }

  /** The zygote is gone or is no good: no other is tried for a while. */
  function lost(why: string, livedMs: number): void {
    zygote = undefined
    failedForks = 0
    reason = why
    if (closed) return
    failures++
    if (livedMs >= HEALTHY_MS) backoffMs = FIRST_BACKOFF_MS
    retryAt = clock.monotonic() + backoffMs
    log.warn({ kind, reason, retryAfterMs: backoffMs }, 'no zygote: containers are started one by one for now')
    backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS)
  }

  return {
    get ready() {
      return zygote !== undefined
    },
    get pending() {
      return zygote?.pending ?? 0
    },
    get failures() {
      return failures
    },
    prepare,
    async fork(plan, script) {
      const by = zygote
      if (by === undefined) {
        void prepare()
        return undefined
      }
      try {
        const started = await by.fork(plan, script)
        failedForks = 0
        return started
      } catch (error) {
        log.warn({ kind, container: plan.id, reason: messageOf(error) }, 'a container could not be forked')
        if (zygote === by && ++failedForks >= MAX_FAILED_FORKS) {
          retired.add(by)
          void by.ended.then(() => retired.delete(by))
          by.retire()
          lost(messageOf(error), 0)
        }
        return undefined
      }
    },
    async close() {
      closed = true
      await starting
      const alive = [...retired, ...(zygote === undefined ? [] : [zygote])]
      await Promise.all(alive.map((process) => process.close()))
    },
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
