import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSelfTest } from './self-test.ts'

const GOOD = `Uid: 200000
CapEff: 0000000000000000
CapBnd: 0000000000000000
NoNewPrivs: 1
Seccomp: 2
processes 2
tmp writable
work writable
dev present
done
`

test('a good sandbox is told as such', () => {
  assert.deepEqual(readSelfTest(GOOD), {
    noCapabilities: true,
    noNewPrivileges: true,
    seccomp: true,
    uid: 200_000,
    processesHidden: true,
    rootReadOnly: true,
    tmpWritable: true,
    homeHidden: true,
  })
})

test('each gap shows', () => {
  assert.equal(
    readSelfTest(GOOD.replace('CapEff: 0000000000000000', 'CapEff: 000001ffffffffff'))?.noCapabilities,
    false,
  )
  assert.equal(readSelfTest(GOOD.replace('Seccomp: 2', 'Seccomp: 0'))?.seccomp, false)
  assert.equal(readSelfTest(GOOD.replace('processes 2', 'processes 214'))?.processesHidden, false)
  assert.equal(readSelfTest(GOOD.replace('done', 'usr writable\ndone'))?.rootReadOnly, false)
  assert.equal(readSelfTest(GOOD.replace('done', 'home visible\ndone'))?.homeHidden, false)
})

test('a sandbox that nothing can run in is none', () => {
  assert.equal(readSelfTest(GOOD.replace('work writable\n', '')), undefined)
  assert.equal(readSelfTest(GOOD.replace('done\n', '')), undefined)
  assert.equal(readSelfTest(''), undefined)
})
