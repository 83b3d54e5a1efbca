/** Pulls of users' images from a registry that is slow, refuses or breaks off: who waits for them, who does not, and what is said of them. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Container, ContainerSpec } from '../../src/containers/container-factory.ts'
import { ContainerStartError } from '../../src/containers/container-factory.ts'
import { systemClock } from '../../src/model/clock.ts'
import { deadlineIn } from '../../src/model/deadline.ts'
import { randomIds } from '../../src/model/ids.ts'
import { run } from '../conformance/container-factory.ts'
import { eventually } from '../e2e/server.ts'
import { askEngine, needEngine } from './engine-api.ts'
import { dockerHost, skipWithoutEngine, skipWithoutPrivateEngine } from './engine.ts'
import type { OpenedFactory } from './factory-kit.ts'
import { openFactory } from './factory-kit.ts'
import type { Registry } from './registry.ts'
import { startRegistry } from './registry.ts'
import { containerOf, startDockerServer, stopDockerServer } from './server-kit.ts'
import { TEST_IMAGES } from './test-images.ts'

const ids = randomIds()
const WAIT_MS = 60_000

let registry: Registry

before(async () => {
  if (skipWithoutEngine === false) registry = await startRegistry(TEST_IMAGES.blackbox)
})
after(async () => {
  if (skipWithoutEngine !== false) return
  for (const tag of await images()) {
    if (tag.startsWith(registry.name))
      await askEngine(dockerHost, 'DELETE', `/images/${encodeURIComponent(tag)}?force=1`)
  }
  await registry.close()
})

/** Names of the engine's images. */
async function images(): Promise<readonly string[]> {
  const found = (await needEngine(dockerHost, 'GET', '/images/json')).json() as readonly {
    readonly RepoTags: readonly string[] | null
  }[]
  return found.flatMap(({ RepoTags }) => RepoTags ?? []).toSorted()
}

const nameOf = (image: string): string => `${registry.name}/${image}`
const pullsOf = (name: string): number => registry.manifests.get(name) ?? 0

function create(opened: OpenedFactory, image: string, withinMs = WAIT_MS): Promise<Container> {
  const spec: ContainerSpec = {
    ...{ id: ids.containerId(), kind: 'blackbox', image: nameOf(image), memoryMb: 128, cpuMilli: 0 },
    ...{ concurrent: false, labels: {} },
  }
  return opened.factory.create(spec, deadlineIn(withinMs, systemClock))
}

async function works(opened: OpenedFactory, image: string): Promise<void> {
  const container = await create(opened, image)
  assert.match((await run(container)).body, /"image":"blackbox"/)
  await container.destroy()
}

function failure(wanted: ContainerStartError['failure'], message: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof ContainerStartError, String(error))
    assert.match(error.message, message)
    assert.equal(error.failure, wanted, error.message)
    return true
  }
}

describe('pulls', { skip: skipWithoutEngine }, () => {
  let opened: OpenedFactory
  const said: string[] = []
  before(async () => {
    const note = (_fields: object, message: string): void => void said.push(message)
    const log = { debug: () => undefined, info: note, warn: note }
    opened = await openFactory({ isRuntimeImage: false, isSentinelled: false, log, settings: { parallelStarts: 2 } })
  })
  after(async () => opened.close())

  test('S0-8: who wants the same image waits for one pull, which is told of while it goes on', async () => {
    const release = registry.hold()
    const creating = Promise.all([1, 2, 3].map(() => create(opened, 'shared:1')))
    await eventually('layers are on their way', () => (opened.factory.pulls()[0]?.layers ?? 0) > 0, WAIT_MS)
    const [pull, ...others] = opened.factory.pulls()
    assert.deepEqual([pull?.image, others], [nameOf('shared:1'), []])
    assert.ok(said.includes(`pulling the image ${nameOf('shared:1')}`), said.join('\n'))
    release()
    for (const container of await creating) await container.destroy()
    assert.equal(pullsOf('shared'), 1)
    assert.deepEqual(opened.factory.pulls(), [])
    assert.ok(said.includes(`pulled the image ${nameOf('shared:1')}`))
  })

  test('S0-8: a pull outlives the deadline of who started it, and does not keep others from starting', async () => {
    const release = registry.hold()
    try {
      const late = [1, 2].map((n) =>
        assert.rejects(create(opened, `slow${n}:1`, 1500), failure('timedOut', /still being pulled/)),
      )
      await eventually('both are being pulled', () => opened.factory.pulls().length === 2)
      await works(opened, 'shared:1')
      await Promise.all(late)
      assert.equal(opened.factory.pulls().length, 2)
    } finally {
      release()
    }
    await eventually('they come to their end', () => opened.factory.pulls().length === 0, WAIT_MS)
    assert.ok((await images()).includes(nameOf('slow1:1')))
    await works(opened, 'slow1:1')
  })

  test('S0-8: latest is pulled before every start; of another tag, a copy that is here will do', async () => {
    for (const image of ['policy', 'policy:latest', 'policy:1', 'policy:1']) await works(opened, image)
    assert.equal(pullsOf('policy'), 4)
    for (const status of [401, 404, 500]) {
      registry.status = status
      try {
        await works(opened, 'policy:1')
        await assert.rejects(create(opened, 'policy'), failure('imageNotFound', new RegExp(nameOf('policy'))))
      } finally {
        registry.status = 200
      }
    }
    await works(opened, 'policy')
  })

  for (const status of [401, 403, 404, 500, 503]) {
    test(`S0-8: a registry that answers ${status}: the start fails with the image’s name`, async () => {
      registry.status = status
      try {
        await assert.rejects(
          create(opened, `refused${status}:1`),
          failure('imageNotFound', new RegExp(`refused${status}:1`)),
        )
      } finally {
        registry.status = 200
      }
      assert.ok(said.includes(`the image ${nameOf(`refused${status}:1`)} could not be pulled`))
      await works(opened, `refused${status}:1`)
    })
  }

  test('S0-8: a registry that breaks off in the middle of a layer', { skip: skipWithoutPrivateEngine }, async () => {
    registry.breaksOff = true
    try {
      await assert.rejects(create(opened, 'broken:1'), failure('imageNotFound', /broken:1/))
    } finally {
      registry.breaksOff = false
    }
    await works(opened, 'broken:1')
  })
})

describe('pulls of a server', { skip: skipWithoutEngine }, () => {
  test('S0-8: readiness tells of a pull; a call that does not get its image ends as OpenWhisk’s; unused images go above the mark', async () => {
    const server = await startDockerServer([
      '--docker-image-high-water-percent',
      '1',
      '--docker-image-low-water-percent',
      '0',
    ])
    try {
      const before = (await images()).filter((name) => !name.startsWith(registry.name))
      const put = await server.call('PUT', '/actions/mine', { exec: { kind: 'blackbox', image: nameOf('mine:1') } })
      assert.equal(put.status, 200, put.text)
      registry.status = 404
      const refused = await server.invoke('mine')
      registry.status = 200
      assert.equal(refused.status, 502)
      assert.deepEqual(refused.body.response.result, { error: `Failed to pull container image '${nameOf('mine:1')}'.` })
      assert.match(server.output(), new RegExp(`the image ${nameOf('mine:1')} could not be pulled`))

      const release = registry.hold()
      const called = server.invoke('mine')
      await eventually('readiness tells of it', async () => {
        const { status, text } = await server.admin('GET', '/readyz')
        return status === 200 && text.includes(`pulling the image ${nameOf('mine:1')}`)
      })
      release()
      const { status, text } = await called
      assert.equal(status, 200, text)
      // The one that is in use stays; when its container is gone, the next pull finds it unused.
      const { Id } = await containerOf(server, 'mine')
      await needEngine(dockerHost, 'DELETE', `/containers/${Id}?force=1`)
      await eventually('its container goes', async () => (await server.containersOf('mine')).length === 0, WAIT_MS)
      await server.call('PUT', '/actions/next', { exec: { kind: 'blackbox', image: nameOf('next:1') } })
      assert.equal((await server.invoke('next')).status, 200)
      await eventually('the unused one goes', async () => !(await images()).includes(nameOf('mine:1')), WAIT_MS)
      const now = await images()
      assert.ok(now.includes(nameOf('next:1')), 'a container runs it')
      assert.deepEqual(
        now.filter((name) => !name.startsWith(registry.name)),
        before,
        'nobody else’s image went',
      )
    } finally {
      await stopDockerServer(server)
    }
  })
})
