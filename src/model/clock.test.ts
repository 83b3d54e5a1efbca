import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemTimers } from './clock.ts'

test('timers of one length fire in their order, cancelled ones never, and the rest are set for what is left', async () => {
  const fired: number[] = []
  const cancels = [1, 2, 3, 4].map((number) => systemTimers.after(30, () => fired.push(number)))
  cancels[0]?.()
  cancels[2]?.()
  await sleep(10)
  systemTimers.after(30, () => fired.push(5))
  const other = new Promise<void>((resolve) => systemTimers.after(31, resolve))
  while (fired.length < 3) await sleep(5)
  await other
  cancels[1]?.()
  assert.deepEqual(fired, [2, 4, 5])
})

test('no timer fires before its time, whatever others of its length were set before', async () => {
  const early: number[] = []
  const waits: Promise<void>[] = []
  for (let round = 0; round < 20; round++) {
    const dueAt = performance.now() + 25
    waits.push(
      new Promise((resolve) => {
        systemTimers.after(25, () => {
          if (performance.now() < dueAt) early.push(dueAt - performance.now())
          resolve()
        })
      }),
    )
    await sleep(3)
  }
  // The timers do not keep the process alive.
  const alive = setInterval(() => undefined, 10)
  await Promise.all(waits)
  clearInterval(alive)
  assert.deepEqual(early, [])
})

test('a timer may set another of its length', async () => {
  const fired: string[] = []
  systemTimers.after(15, () => {
    fired.push('first')
    systemTimers.after(15, () => fired.push('third'))
  })
  systemTimers.after(15, () => fired.push('second'))
  while (fired.length < 3) await sleep(5)
  assert.deepEqual(fired, ['first', 'second', 'third'])
})
