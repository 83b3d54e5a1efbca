/** What a stop, a crash and a restart leave: nothing accepted is lost, nothing runs twice unnoticed, nothing of a dead platform stays behind. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { reporting, runCounter } from './run-counter.ts'
import { dispose, startServer } from './server.ts'
import type { TestServer } from './server.ts'

test('actions, activations and accepted work are there after SIGTERM and after kill -9 (issue: item 3)', async () => {
  let server = await startServer()
  try {
    await server.put('hello', 'function main(a) { return { hello: a.name } }')
    const first = await server.invoke('hello', { name: 'x' })
    assert.equal(first.status, 200)
    assert.equal(await server.stop(), 0)
    server = await startServer({ dataDir: server.dataDir })
    assert.equal((await server.activation(first.body.activationId)).response.result.hello, 'x')
    const second = await server.invoke('hello', { name: 'y' })
    assert.equal(second.status, 200)
    await server.kill()
    server = await startServer({ dataDir: server.dataDir })
    assert.equal((await server.activation(second.body.activationId)).response.result.hello, 'y')
    assert.equal((await server.invoke('hello', { name: 'z' }, 'blocking=true&result=true')).body.hello, 'z')
  } finally {
    await server.stop()
    dispose(server)
  }
})

test('S3-57: after kill -9 each accepted call has exactly one record, and none ran twice', async () => {
  const counter = await runCounter()
  let server: TestServer = await startServer()
  const accepted: string[] = []
  try {
    await server.put('work', reporting(counter.port, 30))
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(Array.from({ length: 40 }, () => server.invoke('work', {}, '')))
      for (const { status, body } of answers) {
        assert.equal(status, 202)
        accepted.push(body.activationId)
      }
      await new Promise((resolve) => setTimeout(resolve, 40 * round))
      await server.kill()
      server = await startServer({ dataDir: server.dataDir })
    }
    const statuses = new Map<string, number>()
    for (const id of accepted) {
      const { response } = await server.activation(id, 30_000)
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
      const ran = counter.runs.get(id) ?? 0
      assert.ok(ran <= 1, `${id} ran ${ran} times`)
      if (response.success) assert.equal(ran, 1)
      else assert.equal(response.status, 'whisk internal error')
    }
    assert.ok((statuses.get('success') ?? 0) > accepted.length / 2, JSON.stringify([...statuses]))
    const { body } = await server.call('GET', '/activations?count=true')
    assert.equal(body.activations, accepted.length)
  } finally {
    await server.stop()
    dispose(server)
    counter.close()
  }
})

test('S3-57, S4-76: a kill -9 amid blocking calls loses no record of an answered one; each can be read as soon as it is answered', async () => {
  let server = await startServer()
  const answered = new Map<string, number>()
  try {
    await server.put('echo', 'function main(a) { return a }')
    for (let round = 0; round < 3; round++) {
      const enough = answered.size + 150
      let killed: Promise<void> | undefined
      const caller = async (first: number): Promise<void> => {
        for (let number = first; killed === undefined; number += 16) {
          const answer = await server.invoke('echo', { number }).catch(() => undefined)
          if (answer?.status !== 200) return
          answered.set(answer.body.activationId, number)
          // Every eighth looks at once, which may be before the kill or after it.
          if (number % 8 === 0 && killed === undefined) {
            const read = await server.call('GET', `/activations/${answer.body.activationId}`).catch(() => undefined)
            assert.ok(read === undefined || read.status === 200, `${answer.body.activationId}: ${read?.status}`)
          }
          if (answered.size >= enough) killed ??= server.kill()
        }
      }
      await Promise.all(Array.from({ length: 16 }, (_, index) => caller(1000 * round + index)))
      await killed
      server = await startServer({ dataDir: server.dataDir })
    }
    assert.ok(answered.size >= 450)
    for (const [id, number] of answered) {
      assert.equal((await server.activation(id)).response.result.number, number)
    }
    // Of those that were cut off some may have been recorded before their answer left.
    const { body } = await server.call('GET', '/activations?count=true')
    const recorded = Number(body.activations)
    assert.ok(recorded >= answered.size && recorded <= answered.size + 3 * 16)
  } finally {
    await server.stop()
    dispose(server)
  }
})

test('S3-55: SIGTERM lets what runs end and what waits in the journal wait; exit 0', async () => {
  let server = await startServer()
  try {
    await server.put('slow', 'const main = (a) => new Promise((r) => setTimeout(() => r({ slept: a.ms }), a.ms))')
    await server.invoke('slow', { ms: 1 })
    const running = server.invoke('slow', { ms: 1500 })
    await new Promise((resolve) => setTimeout(resolve, 300))
    const stopped = server.stop()
    const answer = await running
    assert.equal(answer.status, 200)
    assert.equal(answer.body.response.result.slept, 1500)
    assert.equal(await stopped, 0)
    server = await startServer({ dataDir: server.dataDir })
    assert.equal((await server.activation(answer.body.activationId)).response.success, true)
  } finally {
    await server.stop()
    dispose(server)
  }
})

test('after kill -9 no process of the dead platform is left once the next one is up', async () => {
  let server = await startServer()
  try {
    await server.put('stay', 'function main() { setInterval(() => {}, 1000); return { pid: process.pid } }')
    await server.invoke('stay')
    await server.kill()
    const { dataDir } = server
    server = await startServer({ dataDir })
    await server.stop()
    const left = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(dataDir))
    assert.deepEqual(left, [])
  } finally {
    dispose(server)
  }
})
