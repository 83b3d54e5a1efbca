/** A whole server whose engine is killed and comes back: calls go on or end readably, each has exactly one outcome, and nothing is left. */

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { MESSAGES } from '../../src/proxy/classify.ts'
import type { Answer, Body, TestServer } from '../e2e/server.ts'
import { dispose, eventually } from '../e2e/server.ts'
import { privateEngine, skipWithoutPrivateEngine } from './engine.ts'
import type { PrivateEngine } from './private-engine.ts'
import { listed, removeAll, startDockerServer, stopDockerServer } from './server-kit.ts'

const LONG_MS = 60_000
const WAIT_MS = 30_000
const QUIET = 'function main({ n }) { return { n, boot: globalThis.boot ??= Math.random() } }'
const CHATTY = 'function main({ n }) { console.log(`line ${n}`); return { n } }'
const SLOW = 'function main({ ms }) { return new Promise((resolve) => setTimeout(resolve, ms, {})) }'

const engine = (): PrivateEngine => privateEngine ?? assert.fail('no engine')

/** On a server, which leaves nothing behind; one that fails goes with what it has, and the engine comes back. */
async function onServer(body: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await startDockerServer()
  try {
    await body(server)
  } catch (error) {
    process.stderr.write(server.output())
    await server.kill()
    await engine().restart()
    await removeAll(server)
    dispose(server)
    throw error
  }
  await stopDockerServer(server)
}

/** What readiness says of the engine. */
async function readiness(server: TestServer): Promise<{ readonly ready: boolean; readonly reason: string }> {
  const { status, body } = await server.admin('GET', '/readyz')
  const checks = body['checks'] as readonly {
    readonly name: string
    readonly ready: boolean
    readonly reason?: string
  }[]
  return { ready: status === 200, reason: checks.find(({ name }) => name === 'docker engine')?.reason ?? '' }
}

const isReady = (server: TestServer): Promise<void> =>
  eventually('the server is ready again', async () => (await readiness(server)).ready, WAIT_MS)

async function killEngine(server: TestServer): Promise<void> {
  await engine().kill()
  await eventually('readiness says why it is not', async () => {
    const { ready, reason } = await readiness(server)
    return !ready && reason.includes('Docker Engine')
  })
}

/** Until a call works that needs a new container: after failures of starts there is a pause before the next. */
async function worksAgain(server: TestServer, name: string): Promise<void> {
  await eventually(
    'a call with a new container works',
    async () => (await server.invoke(name, { n: 0 })).status === 200,
    WAIT_MS,
  )
}

/** Each accepted call has one record, with the outcome that the caller was told where one was. */
async function everyCallHasOneOutcome(server: TestServer, answers: readonly Answer[]): Promise<readonly Body[]> {
  const records: Body[] = []
  for (const { status, body } of answers) {
    assert.match(body.activationId, /^[0-9a-f]{32}$/)
    const record = await server.activation(body.activationId, WAIT_MS)
    if (status !== 202) assert.deepEqual(record.response.result, body.response.result)
    records.push(record)
  }
  const { body } = await server.call('GET', '/activations?limit=200')
  const ids = (body as unknown as readonly { readonly activationId: string }[]).map(({ activationId }) => activationId)
  assert.equal(new Set(ids).size, ids.length)
  return records
}

describe('a server whose engine is away', { skip: skipWithoutPrivateEngine }, () => {
  after(async () => engine().restart({ liveRestore: false }))

  test('S0-5: containers outlive it: warm calls go on, cold ones end readably, output is whole again when it is back', async () => {
    await engine().restart({ liveRestore: true })
    await onServer(async (server) => {
      await server.put('quiet', QUIET)
      await server.put('chatty', CHATTY)
      await server.put('cold', QUIET)
      const { body: first } = await server.invoke('quiet', { n: 0 })
      assert.equal((await server.invoke('chatty', { n: 'before' })).status, 200)
      await killEngine(server)

      const answers: Answer[] = []
      for (let n = 1; n <= 10; n++) answers.push(await server.invoke('quiet', { n }))
      for (const [index, { status, body }] of answers.entries()) {
        assert.equal(status, 200)
        assert.deepEqual(
          body.response.result,
          { n: index + 1, boot: first.response.result['boot'] },
          'the same container',
        )
      }
      // What they print cannot be read now: that costs neither the answer nor the container.
      for (let n = 1; n <= 3; n++) {
        const answer = await server.invoke('chatty', { n })
        assert.equal(answer.status, 200, answer.text)
        answers.push(answer)
      }
      for (let n = 11; n <= 15; n++) answers.push(await server.invoke('quiet', { n }, ''))
      const cold = await server.invoke('cold', { n: 0 })
      assert.equal(cold.body.response.success, false)
      assert.equal(typeof cold.body.response.result['error'], 'string')
      answers.push(cold)

      await engine().restart()
      await isReady(server)
      await worksAgain(server, 'cold')
      const told = await server.invoke('chatty', { n: 'after' })
      assert.equal(told.status, 200)
      answers.push(told)
      const records = await everyCallHasOneOutcome(server, answers)
      const { logs } = records.at(-1) ?? assert.fail('no record')
      assert.deepEqual(
        logs.map((line) => line.replace(/^\S+ /, '')),
        ['stdout: line after'],
      )
      for (const { logs, response } of records.slice(10, 13)) {
        assert.equal(response.success, true)
        assert.ok(
          logs.some((line) => line.includes(MESSAGES.logsIncomplete)),
          logs.join('\n'),
        )
      }
      assert.equal((await server.containersOf('chatty')).length, 1)
    })
  })

  test('S0-5: containers end with it: runs end as OpenWhisk’s do, the next call has a new container', async () => {
    await engine().restart({ liveRestore: false })
    await onServer(async (server) => {
      await server.put('quiet', QUIET)
      await server.put('slow', SLOW, { limits: { timeout: LONG_MS } })
      const { body: first } = await server.invoke('quiet', { n: 0 })
      const running = server.invoke('slow', { ms: LONG_MS })
      const waiting = await server.invoke('slow', { ms: LONG_MS }, '')
      await eventually(
        'both run',
        async () => (await server.containersOf('slow')).filter(({ state }) => state === 'active').length === 2,
      )
      await delay(300)
      await killEngine(server)
      await engine().restart()
      const answer = await running
      assert.deepEqual([answer.status, answer.body.response.result], [502, { error: MESSAGES.runExited }])
      await isReady(server)
      await worksAgain(server, 'quiet')
      const next = await server.invoke('quiet', { n: 1 })
      assert.notEqual(next.body.response.result['boot'], first.response.result['boot'])
      const records = await everyCallHasOneOutcome(server, [answer, waiting, next])
      assert.deepEqual(records[1]?.response.result, { error: MESSAGES.runExited })
      const known = async (): Promise<boolean> => {
        const { body } = await server.admin('GET', '/admin/pool')
        return (await listed(server)).length === (body as unknown as readonly object[]).length
      }
      await eventually('nothing is left that nobody knows', known, WAIT_MS)
    })
  })
})
