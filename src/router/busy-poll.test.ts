import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BusyPoll } from './busy-poll.ts'
import { busyPoll } from './busy-poll.ts'

const MAX_MS = 0.2
const TURN_MS = 0.002

/** A poll whose event loop turns only when told to, each turn taking TURN_MS. */
function scene(maxMs = MAX_MS, maxBusy = 1) {
  let now = 0
  let waiting: (() => void)[] = []
  const poll: BusyPoll = busyPoll({
    clock: { monotonic: () => now },
    maxMs,
    maxBusy,
    nextTurn: (callback) => void waiting.push(callback),
  })
  return {
    poll,
    get awake() {
      return waiting.length > 0
    },
    /** Lets `ms` pass; returns how many turns the loop was kept awake for. */
    pass(ms: number): number {
      const end = now + ms
      let turns = 0
      while (waiting.length > 0 && now < end) {
        const due = waiting
        waiting = []
        now += TURN_MS
        turns++
        for (const callback of due) callback()
      }
      now = Math.max(now, end)
      return turns
    },
    /** `count` calls one after the other, each run and each pause taking `ms`. */
    calls(count: number, ms: number): void {
      for (let each = 0; each < count; each++) {
        poll.sent(1)
        this.pass(ms)
        poll.answered(0)
        this.pass(ms)
      }
    },
  }
}

test('The loop is kept awake once short waits follow each other, for no longer than the maximum', () => {
  const on = scene()
  on.calls(1, 0.03)
  assert.equal(on.awake, false)
  on.calls(10, 0.03)
  assert.ok(on.poll.counters.hits >= 17, String(on.poll.counters.hits))
  on.poll.sent(1)
  assert.equal(on.awake, true)
  const turns = on.pass(10)
  assert.ok(turns > 0 && turns * TURN_MS <= MAX_MS + TURN_MS, String(turns))
  assert.equal(on.awake, false)
})

test('One long wait, and the processor is given up until waits are short again', () => {
  const on = scene()
  on.calls(10, 0.03)
  const before = on.poll.counters.misses
  on.poll.sent(1)
  on.pass(5)
  on.poll.answered(0)
  on.pass(0.03)
  assert.equal(on.poll.counters.misses - before, 1)
  on.poll.sent(1)
  // At most the turn that the wait before had asked for.
  assert.ok(on.pass(1) <= 1)
})

test('With more containers at work than allowed the loop sleeps as it always does', () => {
  const on = scene()
  on.calls(10, 0.03)
  on.poll.sent(1)
  on.poll.sent(2)
  assert.ok(on.pass(1) <= 1)
  on.poll.answered(2)
  assert.equal(on.pass(1), 0)
})

test('However many runs one container has before it, each of its answers is waited for', () => {
  const on = scene()
  on.calls(10, 0.03)
  for (let run = 0; run < 16; run++) on.poll.sent(1)
  for (let run = 15; run >= 0; run--) {
    assert.equal(on.awake, true)
    on.pass(0.03)
    on.poll.answered(run > 0 ? 1 : 0)
  }
  assert.equal(on.awake, true, 'the next call is waited for')
})

test('A maximum of 0 never keeps it awake', () => {
  const on = scene(0)
  on.calls(50, 0.001)
  assert.equal(on.awake, false)
  assert.deepEqual(on.poll.counters, { hits: 0, misses: 0 })
})

test('A single processor is never kept from those who would use it', () => {
  const on = scene(MAX_MS, 0)
  on.calls(50, 0.01)
  on.poll.sent(1)
  assert.equal(on.pass(1), 0)
})
