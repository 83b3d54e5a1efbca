/**
 * Requests that wait for a container: first in, first out per action, bounded in all and in fair shares of it by namespace, each with a deadline. Late
 * binding: the first capacity takes the head.
 */

import type { StartFailure } from '../containers/container-factory.ts'
import type { ActionKey } from '../control/pool-protocol.ts'
import type { Cancel, Clock, Timers } from '../model/clock.ts'
import { refusal } from '../model/errors.ts'
import { mayTake } from '../model/fair-share.ts'
import type { RoutedContainer } from './routing-table.ts'

/** Why a parked request got no container. */
export type ParkFailure =
  | { readonly type: 'deadline' }
  | { readonly type: 'failed'; readonly failure: StartFailure; readonly message: string }
  | { readonly type: 'withdrawn' }
  | { readonly type: 'closed' }

export type ParkResult = RoutedContainer | ParkFailure

/** True for a container, false for a failure. */
export function isContainer(result: ParkResult): result is RoutedContainer {
  return 'endpoint' in result
}

export interface Parking {
  /** Requests for which there was no place. */
  readonly counters: { refused: number }
  readonly length: number
  /** Requests parked for one action. */
  count(actionKey: ActionKey): number
  /**
   * Waits for a container of the action until `deadlineAt` (monotonic ms). Throws 503 with `Retry-After` when the bound is reached.
   * `onWithdraw` receives a function that takes the request out of the queue.
   */
  park(actionKey: ActionKey, deadlineAt: number, onWithdraw?: (withdraw: () => void) => void): Promise<ParkResult>
  /** Hands places out to the action's parked requests as long as `reserve` yields some. */
  serve(actionKey: ActionKey, reserve: () => RoutedContainer | undefined): void
  /** Ends the waiting of all that are parked for the action. */
  fail(actionKey: ActionKey, failure: StartFailure, message: string): void
  /** Ends everybody's waiting. */
  close(): void
}

export interface ParkingDeps {
  readonly clock: Clock
  readonly timers: Timers
  readonly maxParked: number
  readonly maxParkedPerAction: number
  /** Called, once a turn of the event loop and action, when the number of requests parked for an action has changed. */
  readonly onChange: (actionKey: ActionKey, parked: number) => void
  /** Calls back once, when what is ready to be read in this turn of the event loop has been. */
  readonly nextTurn: (callback: () => void) => void
}

interface Parked {
  readonly deadlineAt: number
  resolve: ((result: ParkResult) => void) | undefined
}

interface Queue {
  entries: Parked[]
  /** Index of the first entry that may still wait; those before it are done. */
  head: number
  live: number
}

const SWEEP_MS = 100

/** The invoking namespace, with which every key begins. */
function namespaceOf(actionKey: ActionKey): string {
  return actionKey.slice(0, actionKey.indexOf(':'))
}

/** An empty car park. */
export function createParking(deps: ParkingDeps): Parking {
  const { clock, timers } = deps
  const queues = new Map<ActionKey, Queue>()
  const changed = new Set<ActionKey>()
  const counters = { refused: 0 }
  /** Requests parked by invoking namespace. */
  const byNamespace = new Map<string, number>()
  let total = 0
  let closed = false
  let cancelSweep: Cancel | undefined

  function announce(actionKey: ActionKey): void {
    if (changed.size === 0) deps.nextTurn(flush)
    changed.add(actionKey)
  }

  function count(namespace: string, change: 1 | -1): void {
    const held = (byNamespace.get(namespace) ?? 0) + change
    if (held === 0) byNamespace.delete(namespace)
    else byNamespace.set(namespace, held)
  }

  function flush(): void {
    const keys = [...changed]
    changed.clear()
    for (const key of keys) deps.onChange(key, queues.get(key)?.live ?? 0)
  }

  function settle(actionKey: ActionKey, queue: Queue, parked: Parked, result: ParkResult): void {
    const { resolve } = parked
    if (resolve === undefined) return
    parked.resolve = undefined
    queue.live--
    total--
    count(namespaceOf(actionKey), -1)
    if (queue.live === 0) queues.delete(actionKey)
    announce(actionKey)
    resolve(result)
  }

  /** One timer for all: deadlines are seconds away, so a tenth of one is no matter. */
  function sweep(): void {
    cancelSweep = undefined
    const now = clock.monotonic()
    for (const [actionKey, queue] of queues) {
      for (const parked of queue.entries) {
        if (parked.deadlineAt <= now) settle(actionKey, queue, parked, { type: 'deadline' })
      }
      compact(queue)
    }
    if (total > 0) cancelSweep = timers.after(SWEEP_MS, sweep)
  }

  function compact(queue: Queue): void {
    queue.entries = queue.entries.filter(({ resolve }) => resolve !== undefined)
    queue.head = 0
  }

  function endAll(actionKey: ActionKey, queue: Queue, failure: ParkFailure): void {
    for (const parked of queue.entries) settle(actionKey, queue, parked, failure)
  }

  return {
    counters,
    get length() {
      return total
    },
    count: (actionKey) => queues.get(actionKey)?.live ?? 0,
    park(actionKey, deadlineAt, onWithdraw) {
      const queue = queues.get(actionKey) ?? { entries: [], head: 0, live: 0 }
      const namespace = namespaceOf(actionKey)
      const free = deps.maxParked - total
      if (closed || !mayTake(byNamespace.get(namespace) ?? 0, free) || queue.live >= deps.maxParkedPerAction) {
        counters.refused++
        throw refusal('QUEUE_FULL', 503, '', { retryAfterSeconds: 1 })
      }
      count(namespace, 1)
      queues.set(actionKey, queue)
      queue.live++
      total++
      announce(actionKey)
      cancelSweep ??= timers.after(SWEEP_MS, sweep)
      return new Promise((resolve) => {
        const parked: Parked = { deadlineAt, resolve }
        queue.entries.push(parked)
        onWithdraw?.(() => settle(actionKey, queue, parked, { type: 'withdrawn' }))
      })
    },
    serve(actionKey, reserve) {
      const queue = queues.get(actionKey)
      if (queue === undefined) return
      while (queue.live > 0) {
        const parked = queue.entries[queue.head]
        if (parked === undefined) return
        if (parked.resolve === undefined) {
          queue.head++
          continue
        }
        const container = reserve()
        if (container === undefined) break
        queue.head++
        settle(actionKey, queue, parked, container)
      }
      if (queue.head > 1024) compact(queue)
    },
    fail(actionKey, failure, message) {
      const queue = queues.get(actionKey)
      if (queue !== undefined) endAll(actionKey, queue, { type: 'failed', failure, message })
    },
    close() {
      closed = true
      for (const [actionKey, queue] of queues) endAll(actionKey, queue, { type: 'closed' })
      cancelSweep?.()
    },
  }
}
