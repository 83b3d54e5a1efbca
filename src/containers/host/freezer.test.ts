import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freezeFully } from './freezer.ts'

test('a freezer that has missed a process is asked again, with all of them let go in between', async () => {
  const calls: string[] = []
  let missed = true
  await freezeFully({
    freeze: () => void calls.push('freeze'),
    thaw() {
      calls.push('thaw')
      missed = false
    },
    isFrozen: () => !missed,
  })
  assert.equal(calls.filter((call) => call === 'thaw').length, 1)
  assert.deepEqual([calls.at(0), calls.at(-1)], ['freeze', 'freeze'])
})

test('one that stops at once is asked once', async () => {
  let asked = 0
  await freezeFully({ freeze: () => void asked++, thaw: () => assert.fail('thawed'), isFrozen: () => true })
  assert.equal(asked, 1)
})
