import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { systemClock } from '../../model/clock.ts'
import { deadlineIn } from '../../model/deadline.ts'
import { ContainerStartError } from '../container-factory.ts'
import type { ImageInspection, PullProgress } from './engine-answers.ts'
import { EngineError } from './engine-transport.ts'
import type { ImageStore } from './image-store.ts'
import { createImageStore, withRegistry } from './image-store.ts'
import type { PullPolicy } from './settings.ts'

/** An engine with these images, whose registry has those. */
function world(options: {
  readonly here?: readonly string[]
  readonly registry?: readonly string[]
  readonly policy?: PullPolicy
  readonly prefix?: string
}): { readonly store: ImageStore; readonly pulled: string[]; readonly said: string[]; hold(): () => void } {
  const here = new Set(options.here)
  const pulled: string[] = []
  const said: string[] = []
  let held: Promise<void> = Promise.resolve()
  const image = (name: string): ImageInspection => ({ imageId: name, labels: {}, sizeBytes: 1, user: '' })
  const store = createImageStore({
    client: {
      inspectImage: (name) => Promise.resolve(here.has(name) ? image(name) : undefined),
      async pullImage(name, onProgress: (progress: PullProgress) => void) {
        pulled.push(name)
        onProgress({ layer: 'a', status: 'Downloading', currentBytes: 40, totalBytes: 100, error: undefined })
        onProgress({ layer: 'b', status: 'Pull complete', currentBytes: undefined, totalBytes: 50, error: undefined })
        await held
        if (options.registry?.includes(name) !== true) throw new EngineError(404, `pull access denied for ${name}`)
        here.add(name)
      },
    },
    settings: {
      pullPolicy: options.policy ?? 'openwhisk',
      runtimesRegistry: '',
      userImagesRegistry: '',
      authFile: '',
      localImagePrefix: options.prefix ?? '',
      highWaterPercent: 85,
      lowWaterPercent: 75,
    },
    clock: systemClock,
    log: {
      debug: () => undefined,
      info: (_fields, message) => said.push(message),
      warn: (_fields, message) => said.push(message),
    },
    used: () => undefined,
  })
  return {
    store,
    pulled,
    said,
    hold() {
      const gate = Promise.withResolvers<void>()
      held = gate.promise
      return gate.resolve
    },
  }
}

const soon = (): { readonly at: number } => deadlineIn(5000, systemClock)

describe('pull policy', () => {
  // image owned by a user?, policy, here?, in the registry? -> pulls, or the failure
  const rows = [
    ['team/app:1', false, 'openwhisk', true, false, 0],
    ['team/app:1', false, 'openwhisk', false, true, 1],
    ['team/app:1', false, 'openwhisk', false, false, 'imageNotFound'],
    ['team/app', true, 'openwhisk', true, true, 1],
    ['team/app:latest', true, 'openwhisk', true, false, 'imageNotFound'],
    ['host:5000/team/app', true, 'openwhisk', true, false, 'imageNotFound'],
    ['team/app:1', true, 'openwhisk', true, false, 1],
    ['team/app:1', true, 'openwhisk', false, false, 'imageNotFound'],
    [`team/app@sha256:${'0'.repeat(64)}`, true, 'openwhisk', true, false, 1],
    ['team/app', true, 'ifNotPresent', true, false, 0],
    ['team/app', true, 'ifNotPresent', false, true, 1],
    ['team/app:1', true, 'always', true, false, 'imageNotFound'],
    ['team/app', true, 'never', true, false, 0],
    ['team/app', true, 'never', false, true, 'imageNotFound'],
    ['team/app', false, 'never', false, true, 'imageNotFound'],
    ['whisk/app', true, 'openwhisk', true, false, 0],
  ] as const
  for (const [image, user, policy, here, registered, wanted] of rows) {
    test(`${image}, ${user ? 'a user’s' : 'a kind’s'}, ${policy}, ${here ? '' : 'not '}here, ${registered ? '' : 'not '}in the registry: ${wanted}`, async () => {
      const { store, pulled } = world({
        here: here ? [image] : [],
        registry: registered ? [image] : [],
        policy,
        prefix: 'whisk/',
      })
      if (typeof wanted === 'number') {
        await store.ensure(image, user, soon())
        assert.equal(pulled.length, wanted)
        return
      }
      await assert.rejects(store.ensure(image, user, soon()), (error) => {
        assert.ok(error instanceof ContainerStartError)
        assert.equal(error.failure, wanted)
        assert.ok(error.message.includes(image), error.message)
        return true
      })
    })
  }
})

test('who waits for the same image waits for one pull, and is told how far it is', async () => {
  const { store, pulled, hold } = world({ registry: ['team/app'] })
  const release = hold()
  const both = Promise.all([store.ensure('team/app', true, soon()), store.ensure('team/app', true, soon())])
  await turn()
  assert.deepEqual(pulled, ['team/app'])
  const [report] = store.pulls()
  assert.deepEqual(
    { ...report, sinceMs: 0 },
    { image: 'team/app', sinceMs: 0, layers: 2, layersDone: 1, currentBytes: 90, totalBytes: 150 },
  )
  release()
  await both
  assert.deepEqual(store.pulls(), [])
  assert.deepEqual(store.counters, { pulls: 1, pullFailures: 0 })
})

test('a pull goes on beyond the deadline of who asked for it', async () => {
  const { store, pulled, hold } = world({ registry: ['team/app:1'] })
  const release = hold()
  await assert.rejects(store.ensure('team/app:1', false, deadlineIn(5, systemClock)), (error) => {
    assert.ok(error instanceof ContainerStartError)
    assert.equal(error.failure, 'timedOut')
    assert.match(error.message, /team\/app:1 is still being pulled/)
    return true
  })
  const second = store.ensure('team/app:1', false, soon())
  release()
  await second
  assert.equal(pulled.length, 1)
})

test('an image that the engine lost is looked for again', async () => {
  const { store, pulled } = world({ here: [], registry: ['team/app:1'] })
  await store.ensure('team/app:1', false, soon())
  await store.ensure('team/app:1', false, soon())
  assert.equal(pulled.length, 1)
  store.forget('team/app:1')
  await store.ensure('team/app:1', false, soon())
  assert.equal(pulled.length, 1)
})

test('names get the configured registry unless they name one', () => {
  const rows = [
    ['team/app:1', '', 'team/app:1'],
    ['team/app:1', 'registry.example.org/mirror/', 'registry.example.org/mirror/team/app:1'],
    ['app', 'registry.example.org', 'registry.example.org/app'],
    ['other.example.org/app', 'registry.example.org', 'other.example.org/app'],
    ['localhost/app', 'registry.example.org', 'localhost/app'],
    ['host:5000/app', 'registry.example.org', 'host:5000/app'],
  ] as const
  for (const [image, registry, wanted] of rows) assert.equal(withRegistry(image, registry), wanted)
})
