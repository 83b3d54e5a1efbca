import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ActionKey } from '../control/pool-protocol.ts'
import type { ContainerId } from '../model/ids.ts'
import { createRoutingTable } from './routing-table.ts'

const KEY = 'guest:guest/a@1' as ActionKey
const endpoint = { queueLimit: 2, submit: () => undefined }
const descriptor = (id: string, concurrency = 1) =>
  ({ id: id as ContainerId, actionKey: KEY, node: 'n', concurrency, start: 'cold' }) as const

test('S4-61: the most recently used container is chosen, so that the least used ones idle', () => {
  const table = createRoutingTable()
  for (const id of ['a', 'b', 'c']) table.add(descriptor(id), endpoint)
  const used = new Set<string>()
  for (let call = 0; call < 20; call++) {
    const container = table.reserve(KEY, 0)
    assert.notEqual(container, undefined)
    if (container === undefined) return
    used.add(container.id)
    table.release(container)
  }
  assert.equal(used.size, 1)
})

test('S4-84: a container whose circuit is open is passed over until it closes, others are not', () => {
  const table = createRoutingTable()
  const [a, b] = [table.add(descriptor('a'), endpoint), table.add(descriptor('b'), endpoint)]
  b.openUntil = 200
  assert.equal(table.reserve(KEY, 100), a)
  assert.equal(table.reserve(KEY, 100), undefined)
  assert.equal(table.reserve(KEY, 200), b)
})

test('S4-48: marked containers are not chosen until they are unmarked; removed ones never', () => {
  const table = createRoutingTable()
  const container = table.add(descriptor('a'), endpoint)
  table.mark(container.id)
  assert.equal(table.reserve(KEY, 0), undefined)
  table.unmark(container.id)
  assert.equal(table.reserve(KEY, 0), container)
  table.remove(container.id)
  table.release(container)
  assert.equal(table.reserve(KEY, 0), undefined)
  assert.equal(table.size, 0)
})

test('a reservation always has room, and room is always found (model, property)', () => {
  const command = fc.oneof(
    fc.record({ type: fc.constant('add'), id: fc.integer({ min: 0, max: 5 }), k: fc.integer({ min: 1, max: 3 }) }),
    fc.record({
      type: fc.constantFrom('reserve', 'release', 'mark', 'unmark', 'remove', 'open'),
      id: fc.nat(5),
      k: fc.nat(3),
    }),
  )
  fc.assert(
    fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
      const table = createRoutingTable()
      const reserved: ReturnType<typeof table.add>[] = []
      let now = 0
      for (const { type, id: number, k } of commands) {
        const id = `c${number}` as ContainerId
        now++
        if (type === 'add') table.add(descriptor(id, k), endpoint)
        else if (type === 'mark') table.mark(id)
        else if (type === 'unmark') table.unmark(id)
        else if (type === 'remove') table.remove(id)
        else if (type === 'open') {
          const container = table.get(id)
          if (container !== undefined) container.openUntil = now + k
        } else if (type === 'release') {
          const container = reserved.pop()
          if (container !== undefined) table.release(container)
        } else if (type === 'reserve') {
          const possible = [...table.of(KEY)].some(
            (one) => !one.marked && one.inFlight < one.concurrency && one.openUntil <= now,
          )
          const container = table.reserve(KEY, now)
          assert.equal(container !== undefined, possible)
          assert.ok(container === undefined || (container.inFlight <= container.concurrency && !container.marked))
          if (container !== undefined) reserved.push(container)
        }
        const busy = [...table.of(KEY)].filter(({ inFlight }) => inFlight > 0).length
        assert.deepEqual([table.busy(KEY), table.busyContainers], [busy, busy])
      }
    }),
    { numRuns: 500 },
  )
})
