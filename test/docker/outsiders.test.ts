/** What others do to containers of a server on its engine (kill, remove, stop, pause) costs at most the run that was in it. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { MESSAGES } from '../../src/proxy/classify.ts'
import type { Answer, TestServer } from '../e2e/server.ts'
import { eventually } from '../e2e/server.ts'
import { needEngine } from './engine-api.ts'
import { dockerHost, skipWithoutEngine } from './engine.ts'
import { containerOf, listed, startDockerServer, stopDockerServer } from './server-kit.ts'

const CODE = `
const kept = []
async function main({ sleepMs = 0, megabytes = 0 }) {
  for (let left = megabytes; left > 0; left--) kept.push(Buffer.alloc(1024 * 1024, 1))
  await new Promise((resolve) => setTimeout(resolve, sleepMs))
  return { boot: globalThis.boot ??= Math.random() }
}`
const LONG_MS = 60_000

const act = (method: string, path: string) => async (id: string) => {
  await needEngine(dockerHost, method, `/containers/${id}${path}`)
}
const ENDS: Readonly<Record<string, (id: string) => Promise<void>>> = {
  'docker kill': act('POST', '/kill'),
  'docker rm -f': act('DELETE', '?force=1'),
  'docker stop': act('POST', '/stop?t=1'),
  'docker restart': act('POST', '/restart?t=1'),
}

describe('containers that others meddle with', { skip: skipWithoutEngine }, () => {
  let server: TestServer
  before(async () => {
    server = await startDockerServer()
  })
  after(async () => stopDockerServer(server))

  /** An action with one warm container. */
  async function warm(name: string, limits: object = {}): Promise<unknown> {
    const put = await server.put(name, CODE, { limits: { timeout: LONG_MS, ...limits } })
    assert.equal(put.status, 200, put.text)
    return bootOf(await server.invoke(name))
  }

  function bootOf({ status, text, body }: Answer): unknown {
    assert.equal(status, 200, text)
    return body.response.result['boot']
  }

  async function underWay(name: string): Promise<void> {
    const runs = async (): Promise<boolean> => (await server.containersOf(name)).some(({ state }) => state === 'active')
    await eventually('the run is under way', runs)
    // Until its message is in the container.
    await delay(200)
  }

  /** The next call has a container of its own, and nothing else is left. */
  async function goesOn(name: string, before: unknown): Promise<void> {
    assert.notEqual(bootOf(await server.invoke(name)), before)
    await containerOf(server, name)
    const known = async (): Promise<boolean> => {
      const { body } = await server.admin('GET', '/admin/pool')
      return (await listed(server)).length === (body as unknown as readonly object[]).length
    }
    await eventually('nothing is left that nobody knows', known)
  }

  for (const [what, end] of Object.entries(ENDS)) {
    const name = what.replaceAll(/[^a-z]/g, '')
    test(`S1-4: ${what} of an idle container: the next call has a new one`, async () => {
      const boot = await warm(`idle${name}`)
      await end((await containerOf(server, `idle${name}`)).Id)
      await goesOn(`idle${name}`, boot)
    })

    test(`S1-4: ${what} of a busy container: its run ends with OpenWhisk’s text, the next call has a new one`, async () => {
      const boot = await warm(`busy${name}`)
      const running = server.invoke(`busy${name}`, { sleepMs: LONG_MS })
      await underWay(`busy${name}`)
      await end((await containerOf(server, `busy${name}`)).Id)
      const { status, body } = await running
      assert.deepEqual([status, body.response.result], [502, { error: MESSAGES.runExited }])
      const record = await server.activation(body.activationId)
      assert.deepEqual(record.response.result, { error: MESSAGES.runExited })
      await goesOn(`busy${name}`, boot)
    })
  }

  test('S1-4: out of memory while busy: its run says so, the next call has a new container', async () => {
    const boot = await warm('oom', { memory: 128 })
    const { status, body } = await server.invoke('oom', { megabytes: 300 })
    assert.deepEqual([status, body.response.result], [502, { error: MESSAGES.outOfMemory }])
    await goesOn('oom', boot)
  })

  test('S1-4: docker pause of an idle container: the time limit ends the call, and the container goes', async () => {
    const boot = await warm('pausedidle', { timeout: 1000 })
    const { Id } = await containerOf(server, 'pausedidle')
    await act('POST', '/pause')(Id)
    const { status, body } = await server.invoke('pausedidle')
    assert.deepEqual([status, body.response.result], [502, { error: MESSAGES.timedOut(1000) }])
    await eventually('the container is gone', async () => (await listed(server)).every((one) => one.Id !== Id))
    await goesOn('pausedidle', boot)
  })

  test('S1-4: docker pause of a busy container: the time limit ends the call, and the container goes', async () => {
    const boot = await warm('pausedbusy', { timeout: 3000 })
    const { Id } = await containerOf(server, 'pausedbusy')
    const running = server.invoke('pausedbusy', { sleepMs: 1500 })
    await underWay('pausedbusy')
    await act('POST', '/pause')(Id)
    const { status, body } = await running
    assert.deepEqual([status, body.response.result], [502, { error: MESSAGES.timedOut(3000) }])
    await eventually('the container is gone', async () => (await listed(server)).every((one) => one.Id !== Id))
    await goesOn('pausedbusy', boot)
  })

  test('S1-4: a container that was paused and unpaused by others is used on', async () => {
    const boot = await warm('unpaused')
    const { Id } = await containerOf(server, 'unpaused')
    await act('POST', '/pause')(Id)
    const running = server.invoke('unpaused')
    await underWay('unpaused')
    await act('POST', '/unpause')(Id)
    assert.equal(bootOf(await running), boot)
  })
})
