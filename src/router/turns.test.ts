import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Refusal } from '../model/errors.ts'
import type { TurnsOptions } from './turns.ts'
import { createTurns } from './turns.ts'

interface Sent {
  readonly namespace: string
  /** In the order of sending within the namespace. */
  readonly index: number
}

interface Scene {
  readonly turns: ReturnType<typeof createTurns>
  /** Calls in the order in which they began. */
  readonly begun: Sent[]
  readonly refused: Sent[]
  now: number
  /** The event loop will look for events without sleeping. */
  readonly awake: boolean
  send(namespace: string): void
  /** One turn of the event loop, after which what has begun or was refused is known. */
  turn(): Promise<void>
}

/** Turns whose event loop turns, and whose clock goes on, only when told to. */
function scene(options: Partial<TurnsOptions> = {}): Scene {
  let waiting: (() => void)[] = []
  const sent = new Map<string, number>()
  const begun: Sent[] = []
  const refused: Sent[] = []
  const state = { now: 0 }
  const turns = createTurns({
    together: 2,
    perTurn: 3,
    maxWaiting: 1000,
    maxWaitMs: 1000,
    monotonic: () => state.now,
    nextTurn: (callback) => void waiting.push(callback),
    ...options,
  })
  return {
    turns,
    begun,
    refused,
    get now() {
      return state.now
    },
    set now(now) {
      state.now = now
    },
    get awake() {
      return waiting.length > 0
    },
    send(namespace) {
      const index = sent.get(namespace) ?? 0
      sent.set(namespace, index + 1)
      const call = { namespace, index }
      const refuse = (error: unknown): void => {
        assert.ok(error instanceof Refusal)
        assert.deepEqual([error.status, error.code, error.options.retryAfterSeconds], [503, 'QUEUE_FULL', 1])
        refused.push(call)
      }
      try {
        const turn = turns.take(namespace, state.now)
        if (turn === undefined) begun.push(call)
        else turn.then(() => begun.push(call), refuse)
      } catch (error) {
        refuse(error)
      }
    },
    async turn() {
      const due = waiting
      waiting = []
      for (const callback of due) callback()
      await Promise.resolve()
    },
  }
}

const names = (calls: readonly Sent[]): string => calls.map(({ namespace }) => namespace).join('')

test('a few calls begin at once, and the event loop is asked for a turn now and then at most', async () => {
  const on = scene()
  on.send('a')
  on.send('b')
  assert.equal(names(on.begun), 'ab')
  assert.equal(on.awake, false)
  on.send('a')
  assert.equal(names(on.begun), 'aba')
  await on.turn()
  assert.equal(on.awake, false)
  on.send('a')
  assert.equal(names(on.begun), 'abaa')
  assert.equal(on.awake, false)
  assert.deepEqual(on.turns.counters, { waited: 0, refused: 0, late: 0 })
})

test('fairness: a call of one namespace passes what another has sent at once before it', async () => {
  const on = scene()
  for (let sent = 0; sent < 100; sent++) on.send('a')
  on.send('b')
  assert.equal(names(on.begun), 'aab')
  assert.equal(on.turns.length, 98)
  await on.turn()
  assert.equal(names(on.begun), 'aabaaa')
  on.send('b')
  assert.equal(names(on.begun), 'aabaaab')
})

test('namespaces that wait take turns', async () => {
  const on = scene({ together: 0 })
  for (const namespace of 'aaaabbc') on.send(namespace)
  await on.turn()
  await on.turn()
  await on.turn()
  assert.equal(names(on.begun), 'abcabaa')
  assert.equal(on.awake, false)
})

test('whoever waited for too long is refused, takes nobody’s turn, and the bound is in fair shares', async () => {
  const on = scene({ together: 0, perTurn: 1, maxWaiting: 10, maxWaitMs: 100 })
  for (let sent = 0; sent < 20; sent++) on.send('a')
  assert.equal(on.turns.length, 8)
  on.send('b')
  assert.equal(on.turns.length, 9)
  on.now = 101
  on.send('c')
  await on.turn()
  await on.turn()
  assert.equal(names(on.begun), 'c')
  assert.deepEqual(on.turns.counters, { waited: 10, refused: 12, late: 9 })
  assert.equal(on.turns.length, 0)
  assert.equal(on.awake, false)
})

const events = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ send: fc.constantFrom('a', 'b', 'c', 'd') }) },
    { weight: 2, arbitrary: fc.record({ turnAfterMs: fc.constantFrom(0, 0.3, 1, 4) }) },
  ),
  { maxLength: 300 },
)
const sizes = fc.record({ together: fc.nat(4), perTurn: fc.integer({ min: 1, max: 6 }), maxWaiting: fc.nat(60) })

test('whatever comes: in order within a namespace, within the bounds, never idle, nobody is forgotten', async () => {
  await fc.assert(
    fc.asyncProperty(events, sizes, async (happening, options) => {
      const on = scene(options)
      let sent = 0
      for (const event of happening) {
        if ('send' in event) {
          sent++
          on.send(event.send)
        } else {
          on.now += event.turnAfterMs
          const [begunBefore, waiting] = [on.begun.length, on.turns.length]
          await on.turn()
          assert.equal(on.begun.length - begunBefore, Math.min(options.perTurn, waiting))
        }
        assert.ok(on.turns.length <= options.maxWaiting)
        assert.ok(on.awake || on.turns.length === 0)
      }
      while (on.awake) await on.turn()
      assert.equal(on.begun.length + on.refused.length, sent)
      for (const namespace of 'abcd') {
        const own = on.begun.filter((call) => call.namespace === namespace).map(({ index }) => index)
        assert.deepEqual(
          own,
          own.toSorted((a, b) => a - b),
        )
      }
    }),
  )
})

test('nobody starves: with n namespaces waiting, each has a call begun in every n that begin', async () => {
  const queues = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(queues, fc.integer({ min: 1, max: 6 }), async (lengths, perTurn) => {
      const on = scene({ together: 0, perTurn })
      for (const [at, length] of lengths.entries()) for (let each = 0; each < length; each++) on.send(String(at))
      while (on.awake) await on.turn()
      const places = new Map<string, number[]>()
      for (const [place, { namespace }] of on.begun.entries()) {
        places.set(namespace, [...(places.get(namespace) ?? []), place])
      }
      for (const own of places.values()) {
        for (const [index, place] of own.entries()) assert.ok(place - (own[index - 1] ?? -1) <= lengths.length)
      }
    }),
  )
})

test('many namespaces that call once each are not remembered for ever', async () => {
  const on = scene()
  for (let sent = 0; sent < 200; sent++) on.send(`n${sent}`)
  assert.equal(on.begun.length, 200)
  assert.equal(on.awake, true)
  await on.turn()
  assert.equal(on.awake, false)
})

test('a thousand calls and more of one namespace leave nothing behind', async () => {
  const on = scene({ maxWaiting: 10_000 })
  for (let sent = 0; sent < 5000; sent++) on.send('a')
  while (on.awake) await on.turn()
  assert.deepEqual(
    on.begun.map(({ index }) => index),
    Array.from({ length: 5000 }, (_, index) => index),
  )
  assert.equal(on.turns.length, 0)
})
