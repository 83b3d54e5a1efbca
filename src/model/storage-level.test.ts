import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatusCode } from './activation.ts'
import type { StorageLevel } from './storage-level.ts'
import { isKept } from './storage-level.ts'

/** Kept status codes of each level (spec 8.9). */
const KEPT: Readonly<Record<StorageLevel, readonly StatusCode[]>> = {
  always: [0, 1, 2, 3],
  failures: [1, 2, 3],
  'failures-not-application-errors': [2, 3],
}
const ALL: readonly StatusCode[] = [0, 1, 2, 3]

for (const [level, kept] of Object.entries(KEPT)) {
  test(`8.9: ${level} keeps ${kept.join(', ')}`, () => {
    const blocking = { blocking: level as StorageLevel, nonBlocking: 'always' } as const
    const nonBlocking = { blocking: 'always', nonBlocking: level as StorageLevel } as const
    assert.deepEqual(
      ALL.filter((status) => isKept(status, { blocking: true }, blocking)),
      kept,
    )
    assert.deepEqual(
      ALL.filter((status) => isKept(status, {}, blocking)),
      ALL,
    )
    assert.deepEqual(
      ALL.filter((status) => isKept(status, {}, nonBlocking)),
      kept,
    )
    assert.deepEqual(
      ALL.filter((status) => isKept(status, { blocking: true }, nonBlocking)),
      ALL,
    )
  })

  test(`1.6, 8.9: extra logging keeps all at ${level}`, () => {
    const levels = { blocking: level as StorageLevel, nonBlocking: level as StorageLevel }
    for (const blocking of [true, false]) {
      assert.deepEqual(
        ALL.filter((status) => isKept(status, { blocking, extraLogging: true }, levels)),
        ALL,
      )
    }
  })
}
