/**
 * Keeps the event loop awake while the next event is expected within microseconds. Where processors are left idle, as between the steps of a lone short
 * call, waking one costs more than the call itself (on virtual machines tens of microseconds: bench/warm.ts, 1 connection). So after a run was sent,
 * and after it was answered, the loop looks again instead of sleeping, for a time that adapts as KVM's does for halting processors
 * (Linux, Documentation/virt/kvm/halt-polling.rst): it grows while waits turn out to be short and is nothing after a long one.
 */

import type { Clock } from '../model/clock.ts'

export interface BusyPollOptions {
  readonly clock: Pick<Clock, 'monotonic'>
  /** Longest time in ms that the loop is kept awake for one event; 0: never. */
  readonly maxMs: number
  /** With more containers at work than this the processors have better things to do. */
  readonly maxBusy: number
  /** Calls back once, after the event loop has looked for events. */
  readonly nextTurn: (callback: () => void) => void
}

export interface BusyPoll {
  /** Waits that ended while the loop was kept awake, and those that did not. */
  readonly counters: { hits: number; misses: number }
  /** A run leaves for a container; `busy` containers are at work with that. */
  sent(busy: number): void
  /** A container answered, or went away; `busy` are still at work. */
  answered(busy: number): void
}

/** The first time to try, in ms; each wait that is short doubles it. */
const FIRST_MS = 0.05

/** How long to look for one kind of event. */
interface Expectation {
  beganAt: number | undefined
  windowMs: number
}

/** A loop that may sleep. */
export function busyPoll({ clock, maxMs, maxBusy, nextTurn }: BusyPollOptions): BusyPoll {
  const counters = { hits: 0, misses: 0 }
  const answer: Expectation = { beganAt: undefined, windowMs: 0 }
  const call: Expectation = { beganAt: undefined, windowMs: 0 }
  let until = 0
  let looking = false

  function begin(expectation: Expectation, now: number): void {
    expectation.beganAt = now
    until = now + expectation.windowMs
    if (looking || expectation.windowMs === 0) return
    looking = true
    nextTurn(look)
  }

  function end(expectation: Expectation, now: number): void {
    if (expectation.beganAt === undefined) return
    const waitedMs = now - expectation.beganAt
    expectation.beganAt = undefined
    if (expectation.windowMs > 0) {
      if (waitedMs <= expectation.windowMs) counters.hits++
      else counters.misses++
    }
    expectation.windowMs = waitedMs > maxMs ? 0 : Math.min(maxMs, Math.max(FIRST_MS, 2 * expectation.windowMs))
  }

  function look(): void {
    if (clock.monotonic() < until) nextTurn(look)
    else looking = false
  }

  return {
    counters,
    sent(busy) {
      const now = clock.monotonic()
      end(call, now)
      expectAnswer(busy, now)
    },
    answered(busy) {
      const now = clock.monotonic()
      end(answer, now)
      if (busy > 0) expectAnswer(busy, now)
      else if (maxBusy > 0) begin(call, now)
    },
  }

  function expectAnswer(busy: number, now: number): void {
    if (busy > maxBusy) until = 0
    else begin(answer, now)
  }
}
