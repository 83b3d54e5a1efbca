/** The client of the Engine API against a real engine: what each call promises. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ContainerEvent } from '../../src/containers/docker/engine-answers.ts'
import { NEWEST_API, OLDEST_API } from '../../src/containers/docker/engine-client.ts'
import type { EngineClient } from '../../src/containers/docker/engine-client.ts'
import { EngineError } from '../../src/containers/docker/engine-transport.ts'
import { skipWithoutEngine } from './engine.ts'
import { NODE, openClient } from './factory-kit.ts'

const LABEL = `org.stave.test=${process.pid}`
const labels = { [LABEL.split('=')[0] ?? '']: LABEL.split('=')[1] ?? '' }

describe('client of the Engine API', { skip: skipWithoutEngine }, () => {
  let client: EngineClient
  const made: string[] = []

  before(async () => {
    client = openClient()
    await client.connect()
  })
  after(async () => {
    for (const id of made) await client.removeContainer(id)
    await client.close()
  })

  async function create(...command: readonly string[]): Promise<string> {
    const body = { Image: NODE.image, Entrypoint: ['node', '-e', ...command], Labels: labels }
    const id = await client.createContainer(`stave-test-${process.pid}-${made.length}`, body)
    made.push(id)
    return id
  }

  test('the version that is agreed on is one that both speak', async () => {
    const version = await client.connect()
    const number = (text: string): number => Number(text.split('.')[1])
    assert.ok(number(version.apiVersion) >= number(OLDEST_API))
    assert.ok(number(version.minApiVersion) <= number(NEWEST_API))
  })

  test('create, start, inspect, pause, unpause, stop and remove, each twice', async () => {
    const script =
      'process.on("SIGTERM", () => process.exit(5)); setInterval(() => undefined, 1000); console.log("ready")'
    const id = await create(script)
    for (let round = 0; round < 2; round++) await client.startContainer(id)
    // As process 1 it gets no signal that it does not ask for.
    const output = await client.readLogs(id, 0n, true)
    for await (const chunk of output.chunks) if (chunk.includes('ready')) break
    output.close()
    for (let round = 0; round < 2; round++) await client.pauseContainer(id)
    assert.equal((await client.inspectContainer(id)).paused, true)
    for (let round = 0; round < 2; round++) await client.unpauseContainer(id)
    const running = await client.inspectContainer(id)
    assert.deepEqual([running.running, running.paused], [true, false])
    assert.ok(running.pid > 0)
    for (let round = 0; round < 2; round++) await client.stopContainer(id, 10)
    const stopped = await client.inspectContainer(id)
    assert.deepEqual([stopped.running, stopped.exitCode], [false, 5])
    for (let round = 0; round < 2; round++) await client.removeContainer(id)
    await assert.rejects(client.inspectContainer(id), (error) => error instanceof EngineError && error.status === 404)
  })

  test('list and events are those of the label', async () => {
    const { events, close } = await client.events([LABEL])
    const id = await create('process.exit(3)')
    const listed = await client.listContainers([LABEL])
    assert.deepEqual(
      listed.map(({ engineId, state }) => [engineId, state]),
      [[id, 'created']],
    )
    await client.startContainer(id)
    const seen: ContainerEvent[] = []
    for await (const event of events) {
      seen.push(event)
      if (event.action === 'die') break
    }
    close()
    const died = seen.at(-1)
    assert.deepEqual([died?.engineId, died?.exitCode], [id, 3])
    assert.ok((died?.timeNano ?? 0n) > 1_700_000_000_000_000_000n)
  })

  test('logs are there from a moment on, and the last lines by themselves', async () => {
    const id = await create('console.log("one"); console.error("two"); console.log("three")')
    await client.startContainer(id)
    const stream = await client.readLogs(id, 0n, true)
    let text = ''
    for await (const chunk of stream.chunks) text += chunk.toString('latin1')
    for (const word of ['one', 'two', 'three']) assert.ok(text.includes(word), text)
    assert.match((await client.tailLogs(id, 1)).toString(), /^(two|three)\n$/)
  })

  test('images: inspected, listed, missing', async () => {
    const found = await client.inspectImage(NODE.image)
    assert.equal(found?.labels['org.stave.read-only-root'], 'true')
    assert.match(found.user, /^\d+/)
    const listed = await client.listImages()
    assert.ok(listed.some(({ tags, imageId }) => tags.includes(NODE.image) && imageId === found.imageId))
    assert.equal(await client.inspectImage('127.0.0.1:1/none-such:1'), undefined)
    await client.removeImage('127.0.0.1:1/none-such:1')
  })

  test('networks: made, inspected, removed, missing', async () => {
    const name = `stave-test-${process.pid}`
    await client.createNetwork({ Name: name, Driver: 'bridge', Internal: true, Labels: labels })
    const found = await client.inspectNetwork(name)
    assert.deepEqual([found?.name, found?.driver, found?.internal], [name, 'bridge', true])
    assert.match(found?.subnet ?? '', /^\d+\.\d+\.\d+\.\d+\/\d+$/)
    await client.removeNetwork(name)
    await client.removeNetwork(name)
    assert.equal(await client.inspectNetwork(name), undefined)
  })

  test('an error of the engine has its status and its words', async () => {
    await assert.rejects(client.createContainer('!', { Image: NODE.image }), (error) => {
      assert.ok(error instanceof EngineError)
      assert.equal(error.status, 400)
      assert.match(error.message, /Invalid container name/)
      return true
    })
  })
})
