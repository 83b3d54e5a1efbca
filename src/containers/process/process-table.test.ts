import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { membersOf, readProcess, readProcesses, signalAll, startedBelow } from './process-table.ts'

const entry = (pid: number, parent: number, session: number): ReturnType<typeof readProcesses>[number] => ({
  pid,
  parent,
  session,
  rssBytes: 0,
  started: '0',
})

test('members are the process, its descendants, and who is left of its session', () => {
  const processes = [
    entry(1, 0, 1),
    entry(10, 1, 10),
    entry(13, 12, 13),
    entry(12, 10, 10),
    entry(11, 1, 10),
    entry(20, 1, 20),
  ]
  assert.deepEqual(
    membersOf(processes, 10)
      .map(({ pid }) => pid)
      .sort((a, b) => a - b),
    [10, 11, 12, 13],
  )
  assert.deepEqual(membersOf(processes, 99), [])
})

test('this process is seen with its parent and its memory', () => {
  const self = readProcess(process.pid)
  assert.equal(self?.parent, process.ppid)
  assert.ok((self?.rssBytes ?? 0) > 10 * 1024 * 1024)
  assert.ok(readProcesses().some(({ pid }) => pid === process.pid))
  assert.equal(readProcess(4_194_303), undefined)
})

test(
  'a process is found by the directory in its environment, and signalled',
  { skip: process.platform !== 'linux' },
  async () => {
    const child = spawn('sleep', ['66'], { env: { HOME: '/run/test-of-stave/c1/work' }, stdio: 'ignore' })
    await once(child, 'spawn')
    const exited = once(child, 'exit')
    const found = startedBelow(readProcesses(), '/run/test-of-stave/c1')
    assert.deepEqual(
      found.map(({ pid }) => pid),
      [child.pid],
    )
    assert.deepEqual(startedBelow(readProcesses(), '/run/test-of-stave/c'), [])
    signalAll([...found, entry(4_194_303, 0, 0)], 'SIGKILL')
    assert.deepEqual(await exited, [null, 'SIGKILL'])
  },
)
