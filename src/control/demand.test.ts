import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { actionOf } from '../../test/simulation/pool-world.ts'
import { DemandBook } from './demand.ts'
import type { RouterId } from './pool-protocol.ts'

const action = actionOf('a')
const key = action.actionKey
const [one, two] = ['r1' as RouterId, 'r2' as RouterId]

function waiting(book: DemandBook, now: number): number {
  const entry = book.get(key)
  return entry === undefined ? 0 : book.waiting(entry, now)
}

test('S4-26: the needs of all routers add up, and stating a need again does not make it larger', () => {
  const book = new DemandBook(10)
  for (let again = 0; again < 3; again++) {
    book.state({ router: one, action, parked: 20 }, 0, 0)
    book.state({ router: two, action, parked: 5 }, 0, 0)
  }
  assert.equal(waiting(book, 0), 25)
  book.state({ router: one, action, parked: 0 }, 0, 0)
  assert.equal(waiting(book, 0), 5)
  book.dropRouter(two)
  assert.equal(book.size, 0)
})

test('a ready container is taken off needs that were counted before it, and only off those', () => {
  const book = new DemandBook(10)
  book.state({ router: one, action, parked: 10 }, 0, 0)
  book.credit(key, 1, 1, 0)
  assert.equal(waiting(book, 1), 9)
  book.state({ router: one, action, parked: 9, seen: 0 }, 1, 2) // crossed the event on its way
  assert.equal(waiting(book, 3), 8)
  book.state({ router: one, action, parked: 9, seen: 1 }, 1, 4)
  assert.equal(waiting(book, 5), 9)
})

test('a credit lapses: a router that did not take the container is believed again', () => {
  const book = new DemandBook(10)
  book.state({ router: one, action, parked: 1 }, 0, 0)
  book.credit(key, 1, 1, 0)
  assert.equal(waiting(book, 50), 0)
  assert.equal(waiting(book, 101), 1)
})

test('the book is bounded', () => {
  const book = new DemandBook(1)
  assert.ok(book.state({ router: one, action, parked: 1 }, 0, 0))
  assert.equal(book.state({ router: one, action: actionOf('b'), parked: 1 }, 0, 0), false)
  assert.ok(book.state({ router: two, action, parked: 1 }, 0, 0))
})

test('the sum is never negative and never more than what was stated', () => {
  const event = fc.oneof(
    fc.record({
      type: fc.constant('state' as const),
      router: fc.constantFrom(one, two),
      parked: fc.nat(9),
      seen: fc.nat(20),
    }),
    fc.record({ type: fc.constant('credit' as const), slots: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ type: fc.constant('time' as const), ms: fc.nat(80) }),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const book = new DemandBook(10)
      const stated = new Map<RouterId, number>()
      let now = 0
      let sequence = 0
      for (const next of events) {
        if (next.type === 'time') now += next.ms
        else if (next.type === 'credit') book.credit(key, ++sequence, next.slots, now)
        else {
          stated.set(next.router, next.parked)
          book.state(
            { router: next.router, action, parked: next.parked, seen: Math.min(next.seen, sequence) },
            sequence,
            now,
          )
        }
        const sum = [...stated.values()].reduce((all, parked) => all + parked, 0)
        const counted = waiting(book, now)
        assert.ok(counted >= 0 && counted <= sum)
      }
    }),
  )
})
