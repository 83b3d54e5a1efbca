/** How invokers come and go: registration, loss, replacement and leaving, over real connections. The containers are of a factory that remembers what it did. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import type { ContainerSpec } from '../../src/containers/container-factory.ts'
import { ContainerStartError } from '../../src/containers/container-factory.ts'
import { systemClock } from '../../src/model/clock.ts'
import { deadlineIn } from '../../src/model/deadline.ts'
import { randomIds } from '../../src/model/ids.ts'
import { openFleet, TOKEN, until } from './fleet-kit.ts'
import type { TestFleet } from './fleet-kit.ts'
import { rememberingFactory } from './remembering-factory.ts'

const ids = randomIds()
const AUTHORIZED = { Authorization: `Bearer ${TOKEN}` }
const deadline = (): { readonly at: number } => deadlineIn(5000, systemClock)

function spec(node: string): ContainerSpec {
  const id = ids.containerId()
  return { id, kind: 'test', image: '', memoryMb: 256, cpuMilli: 0, node, concurrent: false, labels: { id } }
}

async function inFleet(body: (fleet: TestFleet) => Promise<void>, leaseMs?: number): Promise<void> {
  const fleet = await openFleet(leaseMs === undefined ? {} : { leaseMs })
  try {
    await body(fleet)
  } finally {
    await fleet.close()
  }
}

/** States by name. */
function states({ factory }: TestFleet): Readonly<Record<string, string>> {
  return Object.fromEntries(factory.invokers().map(({ node, state }) => [node, state]))
}

describe('registration', () => {
  test('S0-5: fifty invokers at once are numbered, and a name that comes back has its number', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'stave-fleet-'))
    const numbersOf = async (fleet: TestFleet, names: readonly string[]): Promise<readonly (number | undefined)[]> => {
      const joined = await Promise.all(names.map((name) => fleet.join(name, rememberingFactory())))
      return joined.map(({ membership }) => membership.number)
    }
    const names = Array.from({ length: 50 }, (_, index) => `node-${index}`)
    const first = await openFleet({ directory })
    const given = await numbersOf(first, names)
    await first.close()
    assert.equal(new Set(given).size, 50)
    const second = await openFleet({ directory })
    assert.deepEqual(await numbersOf(second, names.toReversed()), given.toReversed())
    await second.close()
    rmSync(directory, { recursive: true, force: true })
  })

  test('S0-20: a node is there with its capacity while its invoker is, and known to be away after that', async () => {
    await inFleet(async (fleet) => {
      assert.deepEqual(fleet.factory.nodes(), [])
      const { membership } = await fleet.join('node-a', rememberingFactory({ memoryMb: 512 }))
      const capacity = { memoryMb: 512, cpuMilli: 1000 }
      assert.deepEqual(fleet.factory.nodes(), [{ node: 'node-a', capacity, schedulable: true, kinds: ['test:works'] }])
      assert.equal(fleet.factory.nodes()[0], fleet.factory.nodes()[0])
      membership.stop()
      await until(() => fleet.factory.nodes().length === 0)
      assert.deepEqual(states(fleet), { 'node-a': 'away' })
    })
  })

  test('S0-20: a node that has more to give says so', async () => {
    await inFleet(async (fleet) => {
      let changes = 0
      fleet.factory.onChange = () => changes++
      const own = rememberingFactory({ memoryMb: 512 })
      await fleet.join('node-a', own)
      assert.equal(changes, 1)
      own.setMemory(1024)
      await until(() => fleet.factory.nodes()[0]?.capacity['memoryMb'] === 1024)
      assert.equal(changes, 2)
    })
  })

  test('S0-5: of two processes of one name the later is there, and the earlier is told', async () => {
    await inFleet(async (fleet) => {
      const earlier = rememberingFactory()
      const { membership } = await fleet.join('node-a', earlier, 'first')
      const container = await fleet.factory.create(spec('node-a'), deadline())
      const later = await fleet.join('node-a', rememberingFactory(), 'second')
      assert.match(await membership.replaced, /another process of its name/)
      assert.equal((await container.ended).cause, 'lost')
      assert.equal(later.membership.number, 0)
      assert.equal(fleet.factory.metrics.replaced, 1)
    })
  })

  for (const [what, frame] of [
    ['text', 'hello'],
    ['a frame that is cut off', Buffer.from([0, 0, 0, 99, 123])],
    ['a first message that is not hello', framed({ type: 'done', call: 1 })],
    ['a message that does not fit', framed({ type: 'hello', protocol: 1, node: '' })],
    ['another version', framed({ ...hello(), protocol: 99 })],
  ] as const) {
    test(`S0-5: ${what} ends the connection, and nobody is registered`, async () => {
      await inFleet(async (fleet) => {
        const socket = new WebSocket(`${fleet.url}/invokers`, { headers: AUTHORIZED })
        const closed = new Promise<number>((resolve) => socket.once('close', resolve))
        socket.once('open', () => socket.send(frame))
        assert.equal(await closed, 4002)
        assert.deepEqual(fleet.factory.invokers(), [])
      })
    })
  }
})

describe('strangers', () => {
  for (const [what, path, headers, status] of [
    ['without the token', '/invokers', {}, 401],
    ['with another token', '/invokers', { Authorization: 'Bearer a token of the tests!' }, 401],
    ['elsewhere', '/', AUTHORIZED, 404],
  ] as const) {
    test(`S0-5: who comes ${what} is refused with ${status}`, async () => {
      await inFleet(async (fleet) => {
        const socket = new WebSocket(`${fleet.url}${path}`, { headers })
        const error = await new Promise<Error>((resolve) => socket.once('error', resolve))
        assert.match(error.message, new RegExp(`${status}$`))
        assert.equal((await fetch(fleet.url.replace('ws:', 'http:'))).status, 426)
      })
    })
  }
})

describe('loss', () => {
  test('S0-8: with the connection go what runs and what is asked; the invoker dials again and keeps what is idle', async () => {
    await inFleet(async (fleet) => {
      const own = rememberingFactory()
      const { membership, containers } = await fleet.join('node-a', own)
      const idle = await fleet.factory.create(spec('node-a'), deadline())
      await initialise(idle)
      const busy = await fleet.factory.create(spec('node-a'), deadline())
      await initialise(busy)
      const answer = new Promise((resolve) => busy.channel.run(ids.activationId(0), '{"hang":true}', resolve))
      own.hangNextCreate()
      const starting = fleet.factory.create(spec('node-a'), deadline())
      await until(() => own.counters.creates === 3)
      fleet.cut()
      assert.deepEqual(await answer, { type: 'lost' })
      await assert.rejects(starting, (error) => error instanceof ContainerStartError && error.failure === 'noCapacity')
      assert.equal((await idle.ended).cause, 'lost')
      await until(() => membership.losses === 1 && membership.number === 0)
      await until(() => containers.size === 1)
      const listed = await fleet.factory.list()
      assert.deepEqual(
        listed.map(({ id, adoptable, node }) => ({ id, adoptable, node })),
        [{ id: idle.spec.id, adoptable: true, node: 'node-a' }],
      )
    })
  })

  test('S0-5: who takes a container over finds its action in it, and awake', async () => {
    await inFleet(async (fleet) => {
      const own = rememberingFactory()
      await fleet.join('node-a', own)
      const first = await fleet.factory.create(spec('node-a'), deadline())
      await initialise(first)
      first.relabel?.({ owner: 'somebody' })
      await first.suspend()
      assert.deepEqual(own.suspended(), [first.spec.id])
      fleet.cut()
      await first.ended
      await until(() => fleet.factory.nodes().length === 1)
      assert.deepEqual((await fleet.factory.list())[0]?.labels, { owner: 'somebody' })
      const again = await fleet.factory.create(first.spec, deadline())
      assert.equal(again.initialised, true)
      assert.deepEqual(own.suspended(), [])
      assert.equal(own.counters.creates, 1)
      const answer = await new Promise((resolve) => again.channel.run(ids.activationId(0), '{"value":1}', resolve))
      assert.deepEqual(answer, { type: 'answer', status: 200, body: Buffer.from('{"value":1}') })
    })
  })

  test('S0-5: who goes while it is being numbered is not counted on', async () => {
    await inFleet(async (fleet) => {
      const socket = new WebSocket(`${fleet.url}/invokers`, { headers: AUTHORIZED })
      socket.once('open', () => {
        socket.send(framed(hello()))
        socket.terminate()
      })
      await until(() => fleet.factory.metrics.lost + fleet.factory.metrics.registered > 0)
      await until(() => fleet.factory.nodes().length === 0)
      assert.deepEqual(states(fleet), { 'node-a': 'away' })
    })
  })

  test('S0-8: what comes of a call of the connection before is not taken for the answer to one of this', async () => {
    await inFleet(async (fleet) => {
      const own = rememberingFactory()
      const { membership } = await fleet.join('node-a', own)
      own.hangNextCreate()
      const before = fleet.factory.create(spec('node-a'), deadline())
      await until(() => own.counters.creates === 1)
      fleet.cut()
      await assert.rejects(before)
      await until(() => membership.losses === 1 && membership.number === 0)
      own.hangNextCreate()
      const after = fleet.factory.create(spec('node-a'), deadline())
      await until(() => own.counters.creates === 2)
      own.endHanging()
      assert.equal(await Promise.race([after, delay(100, 'nothing')]), 'nothing')
      own.endHanging()
      assert.equal((await after).node, 'node-a')
    })
  })

  test('S0-8: what a container says before its invoker is known again ends nothing', async () => {
    await inFleet(async (fleet) => {
      const own = rememberingFactory()
      const { membership } = await fleet.join('node-a', own)
      const container = await fleet.factory.create(spec('node-a'), deadline())
      fleet.cut()
      await container.ended
      // It ends at the moment at which the invoker says hello again.
      await until(() => membership.number === undefined)
      await own.remove(container.spec.id)
      await until(() => membership.number === 0)
      assert.equal(membership.losses, 1)
      assert.deepEqual(await fleet.factory.list(), [])
    })
  })

  test('S0-8: an invoker that hangs is lost after the lease', async () => {
    await inFleet(async (fleet) => {
      const socket = new WebSocket(`${fleet.url}/invokers`, { autoPong: false, headers: AUTHORIZED })
      socket.once('open', () => socket.send(framed(hello())))
      await until(() => fleet.factory.nodes().length === 1)
      await until(() => fleet.factory.nodes().length === 0)
      assert.equal(fleet.factory.metrics.lost, 1)
      socket.terminate()
    }, 500)
  })

  test('S0-8: why a start failed is told as its node says it', async () => {
    await inFleet(async (fleet) => {
      const own = rememberingFactory()
      await fleet.join('node-a', own)
      own.failNextCreate(new ContainerStartError('imageNotFound', 'there is no such image'))
      await assert.rejects(fleet.factory.create(spec('node-a'), deadline()), {
        failure: 'imageNotFound',
        message: 'there is no such image',
      })
      await assert.rejects(fleet.factory.create(spec('node-z'), deadline()), {
        failure: 'noCapacity',
        message: 'invoker node-z is not registered',
      })
    })
  })
})

describe('leaving', () => {
  test('S1-8: who leaves takes nothing new, and goes when it is empty and the pool knows', async () => {
    await inFleet(async (fleet) => {
      const { membership } = await fleet.join('node-a', rememberingFactory())
      const container = await fleet.factory.create(spec('node-a'), deadline())
      let left = false
      const leaving = membership.leave(deadlineIn(30_000, systemClock)).then(() => {
        left = true
      })
      await until(() => states(fleet)['node-a'] === 'leaving')
      assert.equal(fleet.factory.nodes()[0]?.schedulable, false)
      await container.resume()
      assert.equal(left, false)
      await container.destroy()
      await leaving
      membership.stop()
      await until(() => fleet.factory.metrics.released === 1)
      assert.equal(fleet.factory.metrics.lost, 0)
    })
  })

  test('S1-8: who leaves does not wait beyond its grace, nor for a control plane that is away', async () => {
    await inFleet(async (fleet) => {
      const { membership } = await fleet.join('node-a', rememberingFactory())
      await fleet.factory.create(spec('node-a'), deadline())
      await membership.leave(deadlineIn(50, systemClock))
      fleet.cut()
      await until(() => membership.number === undefined)
      await membership.leave(deadlineIn(30_000, systemClock))
    })
  })
})

function hello(): object {
  const own = { node: 'node-a', incarnation: '1', provider: 'test', kinds: [], capacity: {}, leaving: false }
  return { type: 'hello', protocol: 1, ...own }
}

function framed(message: object): Buffer {
  const header = Buffer.from(JSON.stringify(message))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(header.length)
  return Buffer.concat([length, header])
}

function initialise(container: Awaited<ReturnType<TestFleet['factory']['create']>>): Promise<void> {
  return new Promise((resolve) => container.channel.init('{}', () => resolve()))
}
