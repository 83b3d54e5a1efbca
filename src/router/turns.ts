/**
 * Turns between namespaces where calls come in. The event loop reads whatever has arrived before it does anything else, so a namespace that sends hundreds
 * of calls at once would have them all begun before the one call of another that came behind them. Here each namespace begins a few calls at once; what it
 * sends beyond that waits in a queue of its own, and the queues take turns, some calls each time the event loop has looked for events: for those of a
 * namespace without a queue, too, which pass. Whoever sends no more than a few calls at a time neither waits nor pays for a queue.
 */

import { refusal } from '../model/errors.ts'
import { mayTake } from '../model/fair-share.ts'

export interface Turns {
  /** Calls that waited for their turn, and those that were refused: for want of a place, or because they had waited for too long. */
  readonly counters: { waited: number; refused: number; late: number }
  /** Calls that wait for their turn. */
  readonly length: number
  /**
   * Undefined: the call that arrived `now` (monotonic ms) begins at once. Else resolves when it is its turn. Throws, or rejects after the longest wait, with
   * 503 and `Retry-After`.
   */
  take(namespace: string, now: number): Promise<void> | undefined
}

export interface TurnsOptions {
  /** Calls of one namespace that begin without a turn between two looks for events, at most. */
  readonly together: number
  /** Calls that begin between two looks for events, of all that wait. */
  readonly perTurn: number
  /** Calls that wait at once, in fair shares of it by namespace. */
  readonly maxWaiting: number
  /** Longest wait in ms. */
  readonly maxWaitMs: number
  /** Monotonic ms; read while calls wait. */
  readonly monotonic: () => number
  /** Calls back once, after the event loop has looked for events. */
  readonly nextTurn: (callback: () => void) => void
}

interface Waiting {
  readonly since: number
  readonly begin: () => void
  readonly refuse: (error: Error) => void
}

/** Of one namespace: first in, first out. */
interface Queue {
  readonly calls: Waiting[]
  /** Index of the first that waits; those before it have begun. */
  head: number
}

/** After so many calls of all namespaces the counts are forgotten, too: else those that call once and never again would be remembered. */
const COUNTED = 64
/** Places of calls that have begun, at the front of a queue, at most. */
const KEPT = 1024

/** Turns that nobody waits for. */
export function createTurns(options: TurnsOptions): Turns {
  const { together, perTurn, maxWaiting, maxWaitMs, monotonic, nextTurn } = options
  const counters = { waited: 0, refused: 0, late: 0 }
  /** In the order in which they get their turns. None is empty. */
  const queues = new Map<string, Queue>()
  /**
   * Calls by namespace that have begun without a turn. Forgotten once the event loop has looked for events after one of the counts was full, and not every
   * time that it looks: asking to be called back for each call would be work for those who never wait.
   */
  const passed = new Map<string, number>()
  let counted = 0
  let asked = false
  let length = 0

  function ask(): void {
    if (asked) return
    asked = true
    nextTurn(serve)
  }

  function passes(namespace: string): boolean {
    const count = (passed.get(namespace) ?? 0) + 1
    // Those that wait came before it.
    if (count > together || queues.has(namespace)) return false
    passed.set(namespace, count)
    if (++counted >= COUNTED || count === together) ask()
    return true
  }

  function serve(): void {
    asked = false
    passed.clear()
    counted = 0
    if (length === 0) return
    const now = monotonic()
    let left = perTurn
    for (const [namespace, queue] of queues) {
      // What was put at the end is met again: a queue gets several turns where there are few.
      if (left === 0) break
      const next = queue.calls[queue.head++]
      queues.delete(namespace)
      if (next === undefined) continue
      length--
      if (queue.head < queue.calls.length) queues.set(namespace, queue)
      if (queue.head === KEPT) {
        queue.calls.splice(0, KEPT)
        queue.head = 0
      }
      if (now - next.since > maxWaitMs) {
        counters.late++
        next.refuse(noPlace())
      } else {
        left--
        next.begin()
      }
    }
    if (length > 0) ask()
  }

  return {
    counters,
    get length() {
      return length
    },
    take(namespace, now) {
      if (passes(namespace)) return undefined
      const queue = queues.get(namespace) ?? { calls: [], head: 0 }
      if (!mayTake(queue.calls.length - queue.head, maxWaiting - length)) {
        counters.refused++
        throw noPlace()
      }
      counters.waited++
      length++
      ask()
      queues.set(namespace, queue)
      return new Promise((begin, refuse) => queue.calls.push({ since: now, begin, refuse }))
    },
  }
}

function noPlace(): Error {
  return refusal('QUEUE_FULL', 503, '', { retryAfterSeconds: 1 })
}
