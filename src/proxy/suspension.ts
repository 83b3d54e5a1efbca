/** Suspends a container that idles and wakes it for the next run. A failed suspension never costs the container; a failed wake-up always does. */

import type { Container } from '../containers/container-factory.ts'
import type { Cancel, Clock, Timers } from '../model/clock.ts'

export interface SuspensionCounters {
  suspends: number
  suspendFailures: number
  resumes: number
  resumeFailures: number
}

export interface SuspensionDeps {
  readonly clock: Clock
  readonly timers: Timers
  /** Idle time in ms after which the container is suspended; undefined: never. */
  readonly graceMs: number | undefined
  /** True while nothing is in flight and the container may be suspended. */
  readonly isIdle: () => boolean
  /** Monotonic ms of the last use. */
  readonly lastUsed: () => number
  readonly counters: SuspensionCounters
}

export interface Suspension {
  /** True when a run may be sent at once. */
  readonly awake: boolean
  /** The container is suspended: the next run finds it thawed. */
  readonly suspended: boolean
  /** The container has become idle: from now on the grace period counts. */
  idle(): void
  /** Wakes the container and calls back, with the reason when it could not be woken. */
  wake(done: (failure?: string) => void): void
  stop(): void
}

/** The suspension of one container, which starts awake. */
export function createSuspension(container: Container, deps: SuspensionDeps): Suspension {
  const { clock, timers, graceMs, counters } = deps
  let suspended = false
  let suspending: Promise<void> | undefined
  let cancelTimer: Cancel | undefined

  /** One timer for many uses: it looks how long the container really idled and waits for the rest. */
  function check(): void {
    cancelTimer = undefined
    if (graceMs === undefined || suspended || suspending !== undefined || !deps.isIdle()) return
    const left = deps.lastUsed() + graceMs - clock.monotonic()
    if (left > 0) {
      cancelTimer = timers.after(Math.ceil(left), check)
      return
    }
    suspending = container
      .suspend()
      .then(
        () => {
          counters.suspends++
          suspended = true
        },
        () => {
          counters.suspendFailures++
        },
      )
      .finally(() => {
        suspending = undefined
      })
  }

  async function wake(): Promise<void> {
    // A suspension under way is let finish: what it left the container in must be known before it is undone.
    await suspending
    if (suspended) await container.resume()
  }

  function woken(): void {
    counters.resumes++
    suspended = false
  }

  return {
    get awake() {
      return !suspended && suspending === undefined
    },
    get suspended() {
      return suspended
    },
    idle() {
      if (graceMs !== undefined) cancelTimer ??= timers.after(graceMs, check)
    },
    wake(done) {
      const failed = (error: unknown): void => {
        counters.resumeFailures++
        done(`resume failed: ${String(error)}`)
      }
      if (suspending === undefined) {
        // A freezer write is synchronous: no turn of the event loop is spent on it.
        try {
          const resumed = container.resume()
          if (resumed === undefined) {
            woken()
            return done()
          }
          resumed.then(() => {
            woken()
            done()
          }, failed)
        } catch (error) {
          failed(error)
        }
        return
      }
      wake().then(() => {
        woken()
        done()
      }, failed)
    },
    stop() {
      cancelTimer?.()
      cancelTimer = undefined
    },
  }
}
