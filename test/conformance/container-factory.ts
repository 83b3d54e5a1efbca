/** The contract of ContainerFactory, run on every provider. Each test has a factory of its own; after each, nothing may be left on the host. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Container, ContainerFactory, ContainerSpec } from '../../src/containers/container-factory.ts'
import { ContainerStartError } from '../../src/containers/container-factory.ts'
import type { RuntimeReply } from '../../src/containers/runtime-channel.ts'
import { systemClock } from '../../src/model/clock.ts'
import { deadlineIn } from '../../src/model/deadline.ts'
import type { ContainerId } from '../../src/model/ids.ts'
import { randomIds } from '../../src/model/ids.ts'

/** What a provider brings: a factory, and what to ask it for. Code of actions is JavaScript with a function `main`. */
export interface ContainerFactorySubject {
  /** A started factory, and how to stop it and check that nothing is left. */
  open(): Promise<{ readonly factory: ContainerFactory; close(): Promise<void> }>
  /** Kind and image of a runtime that works; of one that is never ready; of one that ends at once. */
  readonly works: Pick<ContainerSpec, 'kind' | 'image'>
  readonly silent: Pick<ContainerSpec, 'kind' | 'image'>
  readonly broken: Pick<ContainerSpec, 'kind' | 'image'>
  /** What a broken runtime prints: the error of its start must show it. */
  readonly brokenMessage: RegExp
  readonly unknown: Pick<ContainerSpec, 'kind' | 'image'>
  /** False: the provider has no bound on memory that a test can reach. */
  readonly limitsMemory: boolean
}

const WAIT_MS = 20_000
const ids = randomIds()

/** Declares the suite. `skip` is the reason why it cannot run here. */
export function describeContainerFactory(name: string, subject: ContainerFactorySubject, skip?: string): void {
  const scenario = (title: string, body: (on: Scene) => Promise<void>): void => {
    test(title, async () => {
      const opened = await subject.open()
      try {
        await body(scene(opened.factory, subject))
      } finally {
        await opened.close()
      }
    })
  }

  describe(`ContainerFactory ${name}`, skip === undefined ? {} : { skip }, () => {
    scenario(
      'S4-22: create resolves when the runtime takes an init message, runs answer',
      async ({ factory, spec }) => {
        const container = await factory.create(spec(), deadline())
        assert.equal((await init(container, 'function main(args) { return { sum: args.a + args.b } }')).status, 200)
        assert.equal((await run(container, { a: 1, b: 2 })).body, '{"sum":3}')
        assert.equal((await run(container, { a: 20, b: 3 })).body, '{"sum":23}')
        await container.destroy()
        assert.deepEqual(await container.ended, { cause: 'destroyed' })
      },
    )

    scenario('S4-22: create is idempotent per id', async ({ factory, spec }) => {
      const wanted = spec()
      const [first, second] = await Promise.all([
        factory.create(wanted, deadline()),
        factory.create(wanted, deadline()),
      ])
      assert.equal(first, second)
      assert.equal(await factory.create(wanted, deadline()), first)
      assert.equal((await factory.list()).length, 1)
    })

    scenario('S0-8: an unknown kind is refused and leaves nothing', async ({ factory, spec }) => {
      await assert.rejects(factory.create(spec(subject.unknown), deadline()), failure('imageNotFound'))
      assert.deepEqual(await factory.list(), [])
    })

    scenario('S0-8: a runtime that ends at once fails the start with what it said', async ({ factory, spec }) => {
      await assert.rejects(factory.create(spec(subject.broken), deadline()), (error) => {
        assert.ok(error instanceof ContainerStartError)
        assert.equal(error.failure, 'startFailed')
        assert.match(error.message, subject.brokenMessage)
        return true
      })
      assert.deepEqual(await factory.list(), [])
    })

    scenario('S0-8: a runtime that is never ready fails at the deadline and is removed', async ({ factory, spec }) => {
      const wanted = spec(subject.silent)
      await assert.rejects(factory.create(wanted, deadlineIn(700, systemClock)), failure('timedOut'))
      assert.deepEqual(await factory.list(), [])
      await assert.rejects(factory.create(wanted, deadlineIn(0, systemClock)), failure('timedOut'))
    })

    scenario('S4-22: list tells id, node and labels; remove and destroy take it off', async ({ factory, spec }) => {
      const labels = { action: 'guest:guest/hello@1-abc', epoch: '7' }
      const first = await factory.create({ ...spec(), labels }, deadline())
      const second = await factory.create(spec(), deadline())
      const listed = await factory.list()
      assert.deepEqual(new Set(listed.map(({ id }) => id)), new Set([first.spec.id, second.spec.id]))
      assert.deepEqual(listed.find(({ id }) => id === first.spec.id)?.labels, labels)
      assert.ok(factory.nodes().some(({ node }) => node === first.node))
      await factory.remove(first.spec.id)
      await factory.remove(first.spec.id)
      assert.deepEqual(await first.ended, { cause: 'destroyed' })
      await second.destroy()
      assert.deepEqual(await factory.list(), [])
      await factory.remove('none-such' as ContainerId)
    })

    scenario('S4-22: nodes tell their capacity', ({ factory }) => {
      const [node, ...others] = factory.nodes()
      assert.deepEqual(others, [])
      assert.ok((node?.capacity['memoryMb'] ?? 0) > 0)
      assert.ok((node?.capacity['cpuMilli'] ?? 0) > 0)
      assert.equal(node?.schedulable, true)
      return Promise.resolve()
    })

    scenario('S4-74: a runtime that exits ends with its status, and its run is lost', async ({ factory, spec }) => {
      const container = await factory.create(spec(), deadline())
      await init(container, 'function main() { console.log("last words"); process.exit(7) }')
      const output = collect(container)
      assert.equal((await run(container)).type, 'lost')
      assert.deepEqual(await container.ended, { cause: 'exited', code: 7 })
      assert.match(output(), /last words/)
      assert.deepEqual(await factory.list(), [])
      await container.destroy()
    })

    scenario('S4-74: an answer is not lost when the runtime dies right after it', async ({ factory, spec }) => {
      const container = await factory.create(spec(), deadline())
      await init(container, 'function main() { setImmediate(() => process.exit(0)); return { said: "it" } }')
      assert.equal((await run(container)).body, '{"said":"it"}')
      assert.equal((await container.ended).cause, 'exited')
    })

    scenario('S0-1: destroy ends a busy container, whatever it does, and is idempotent', async ({ factory, spec }) => {
      const container = await factory.create(spec(), deadline())
      await init(container, 'function main() { for (;;); }')
      const lost = run(container)
      await delay(50)
      await Promise.all([container.destroy(), container.destroy()])
      assert.equal((await lost).type, 'lost')
      await container.destroy()
      await container.suspend()
      await container.resume()
      assert.equal(await container.resize(512), false)
      assert.equal((await run(container)).type, 'lost')
    })

    scenario('S2-12: a suspended container does not run until it is resumed', async ({ factory, spec }) => {
      if (factory.canSuspend !== true) return
      const container = await factory.create(spec(), deadline())
      await init(container, 'let ticks = 0; setInterval(() => ticks++, 2); function main() { return { ticks } }')
      await container.suspend()
      await container.suspend()
      const answer = run(container)
      assert.equal(await Promise.race([answer, delay(300, 'nothing')]), 'nothing')
      await container.resume()
      assert.equal((await answer).status, 200)
      await container.resume()
      await container.suspend()
      await container.destroy()
      assert.deepEqual(await container.ended, { cause: 'destroyed' })
    })

    scenario('S4-74: more memory than allowed ends the container as out of memory', async ({ factory, spec }) => {
      if (!subject.limitsMemory) return
      const container = await factory.create({ ...spec(), memoryMb: 128 }, deadline())
      await init(container, 'const held = []; function main() { for (;;) held.push(Buffer.alloc(8e6, 1)) }')
      assert.equal((await run(container)).type, 'lost')
      assert.deepEqual(await container.ended, { cause: 'outOfMemory' })
    })

    scenario('S4-74: who destroys a container because its line closed does not hide why', async ({ factory, spec }) => {
      if (!subject.limitsMemory) return
      for (let round = 0; round < 3; round++) {
        const container = await factory.create({ ...spec(), memoryMb: 128 }, deadline())
        await init(container, 'const held = []; function main() { for (;;) held.push(Buffer.alloc(8e6, 1)) }')
        assert.equal((await run(container)).type, 'lost')
        await container.destroy()
        assert.deepEqual(await container.ended, { cause: 'outOfMemory' })
      }
    })

    scenario('S4-74: resize lets a container have more memory', async ({ factory, spec }) => {
      if (factory.canResize !== true) return
      const container = await factory.create({ ...spec(), memoryMb: 128 }, deadline())
      await init(container, 'const held = []; function main() { held.push(Buffer.alloc(200e6, 1)); return {} }')
      assert.equal(await container.resize(512), true)
      assert.equal((await run(container)).status, 200)
    })

    scenario('S4-74: the environment is the container’s, not the platform’s', async ({ factory, spec }) => {
      const container = await factory.create({ ...spec(), concurrent: true }, deadline())
      await init(container, 'function main() { return { environment: process.env } }')
      const { body } = await run(container)
      assert.match(body, /"__OW_API_HOST":"http/)
      assert.match(body, /"__OW_ALLOW_CONCURRENT":"true"/)
      assert.ok(!body.includes('NODE_TEST_CONTEXT'), body)
    })

    scenario('S0-1: stop ends all containers, and is idempotent', async ({ factory, spec }) => {
      const containers = await Promise.all([1, 2, 3].map(() => factory.create(spec(), deadline())))
      await factory.stop()
      for (const container of containers) assert.deepEqual(await container.ended, { cause: 'destroyed' })
      await factory.stop()
      await assert.rejects(factory.create(spec(), deadline()), failure('startFailed'))
    })
  })
}

interface Scene {
  readonly factory: ContainerFactory
  readonly spec: (runtime?: Pick<ContainerSpec, 'kind' | 'image'>) => ContainerSpec
}

function scene(factory: ContainerFactory, subject: ContainerFactorySubject): Scene {
  return {
    factory,
    spec: (runtime = subject.works) => ({
      id: ids.containerId(),
      ...runtime,
      memoryMb: 256,
      cpuMilli: 0,
      concurrent: false,
      labels: {},
    }),
  }
}

function deadline(): { readonly at: number } {
  return deadlineIn(WAIT_MS, systemClock)
}

function failure(wanted: ContainerStartError['failure']): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ContainerStartError, String(error))
    assert.equal(error.failure, wanted, error.message)
    return true
  }
}

export interface Reply {
  readonly type: RuntimeReply['type']
  readonly status: number
  readonly body: string
}

function reply(of: RuntimeReply): Reply {
  if (of.type === 'lost') return { type: 'lost', status: 0, body: '' }
  return { type: of.type, status: of.status, body: (of.type === 'answer' ? of.body : of.prefix).toString() }
}

/** Initialises with JavaScript. */
export function init(container: Container, code: string): Promise<Reply> {
  return new Promise((resolve) => {
    const message = JSON.stringify({ value: { name: 'test', main: 'main', binary: false, code, env: {} } })
    container.channel.init(message, (answer) => {
      resolve(reply(answer))
    })
  })
}

export function run(container: Container, value: Readonly<Record<string, unknown>> = {}): Promise<Reply> {
  return new Promise((resolve) => {
    container.channel.run(ids.activationId(systemClock.now()), JSON.stringify({ value }), (answer) => {
      resolve(reply(answer))
    })
  })
}

/** Collects what the container prints from now on. */
export function collect(container: Container): () => string {
  let said = ''
  container.channel.onOutput = (_stream, chunk) => {
    said += chunk.toString()
  }
  return () => said
}
