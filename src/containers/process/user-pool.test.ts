import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createUserPool } from './user-pool.ts'

test('a user is had by one container at a time, and by another as late as possible', () => {
  const pool = createUserPool(200_000, 3)
  assert.deepEqual([pool.take(), pool.take()], [200_000, 200_001])
  pool.giveBack(200_000)
  assert.deepEqual([pool.take(), pool.take(), pool.take()], [200_002, 200_000, undefined])
})

test('no user is handed out twice, and all are, in any order of taking and giving back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.option(fc.nat(), { nil: undefined })), (count, steps) => {
      const pool = createUserPool(1000, count)
      const taken: number[] = []
      for (const step of steps) {
        if (step === undefined) {
          const uid = pool.take()
          assert.equal(uid === undefined, taken.length === count)
          if (uid === undefined) continue
          assert.ok(uid >= 1000 && uid < 1000 + count && !taken.includes(uid))
          taken.push(uid)
        } else if (taken.length > 0) {
          const [uid] = taken.splice(step % taken.length, 1)
          pool.giveBack(uid ?? 0)
        }
      }
    }),
  )
})
