import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { systemClock } from '../../model/clock.ts'
import { deadlineIn } from '../../model/deadline.ts'
import { ContainerStartError } from '../container-factory.ts'
import { createStartGate } from './start-gate.ts'

const soon = (): { readonly at: number } => deadlineIn(10_000, systemClock)

describe('start gate', () => {
  test('admits up to its width, then in order of arrival', async () => {
    const gate = createStartGate(2, systemClock)
    const leaves = [await gate.enter(soon()), await gate.enter(soon())]
    const order: number[] = []
    const waiting = [1, 2, 3].map(async (number) => {
      const leave = await gate.enter(soon())
      order.push(number)
      leave()
    })
    assert.deepEqual([gate.underWay, gate.waiting], [2, 3])
    leaves[0]?.()
    await Promise.all(waiting)
    assert.deepEqual(order, [1, 2, 3])
    leaves[1]?.()
    assert.deepEqual([gate.underWay, gate.waiting], [0, 0])
  })

  test('leaving twice frees one place', async () => {
    const gate = createStartGate(1, systemClock)
    const leave = await gate.enter(soon())
    leave()
    leave()
    assert.equal(gate.underWay, 0)
  })

  test('who waits past the deadline is refused and takes no place', async () => {
    const gate = createStartGate(1, systemClock)
    const leave = await gate.enter(soon())
    // The gate's timers do not keep a process alive; a test's does.
    const alive = setInterval(() => undefined, 1000)
    await assert.rejects(gate.enter(deadlineIn(5, systemClock)), (error) => {
      assert.ok(error instanceof ContainerStartError)
      return error.failure === 'timedOut'
    })
    clearInterval(alive)
    leave()
    assert.deepEqual([gate.underWay, gate.waiting], [0, 0])
  })

  test('never admits more than its width, whatever the order of coming and going', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.boolean(), { maxLength: 60 }),
        async (width, steps) => {
          const gate = createStartGate(width, systemClock)
          const inside: (() => void)[] = []
          let entered = 0
          for (const come of steps) {
            if (come) {
              entered++
              void gate.enter(soon()).then((leave) => inside.push(leave))
            } else {
              inside.shift()?.()
            }
            await Promise.resolve()
            assert.ok(gate.underWay <= width)
          }
          while (entered > 0) {
            await new Promise((resolve) => setImmediate(resolve))
            const leave = inside.shift()
            if (leave === undefined) break
            leave()
            entered--
          }
          assert.deepEqual([gate.underWay, gate.waiting], [0, 0])
        },
      ),
      { numRuns: 50 },
    )
  })
})
