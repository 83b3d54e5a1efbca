/** Faults of a real engine, as a factory meets them: killed in the middle of creations, hung, its disk full; and nothing is left when they are over. */

import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { Container, ContainerSpec } from '../../src/containers/container-factory.ts'
import { ContainerStartError } from '../../src/containers/container-factory.ts'
import { INSTANCE_LABEL } from '../../src/containers/docker/settings.ts'
import { systemClock } from '../../src/model/clock.ts'
import { deadlineIn } from '../../src/model/deadline.ts'
import { randomIds } from '../../src/model/ids.ts'
import { collect, init, run } from '../conformance/container-factory.ts'
import { eventually } from '../e2e/server.ts'
import { askEngine, needEngine } from './engine-api.ts'
import { dockerHost, privateEngine, skipWithoutPrivateEngine } from './engine.ts'
import type { OpenedFactory } from './factory-kit.ts'
import { NODE, openFactory, PYTHON } from './factory-kit.ts'
import type { PrivateEngine } from './private-engine.ts'
import { startPrivateEngine } from './private-engine.ts'

const ids = randomIds()
const AWAY = /Docker Engine/
const WAIT_MS = 30_000

function spec(runtime: Pick<ContainerSpec, 'kind' | 'image'> = NODE): ContainerSpec {
  return { id: ids.containerId(), ...runtime, memoryMb: 128, cpuMilli: 0, concurrent: false, labels: {} }
}

function create(opened: OpenedFactory, withinMs = WAIT_MS, wanted = spec()): Promise<Container> {
  return opened.factory.create(wanted, deadlineIn(withinMs, systemClock))
}

/** What the engine lists of a factory, whatever the factory says. */
async function onEngine({ instance }: OpenedFactory): Promise<readonly string[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${INSTANCE_LABEL}=${instance}`] }))
  const answer = await needEngine(dockerHost, 'GET', `/containers/json?all=1&filters=${filters}`)
  return (answer.json() as readonly { Id: string }[]).map(({ Id }) => Id)
}

/** Each creation has come to a container or to a reason that a person can use. */
function sorted(settled: readonly PromiseSettledResult<Container>[]): {
  readonly made: readonly Container[]
  readonly reasons: readonly string[]
} {
  const reasons = settled.flatMap((one) => {
    if (one.status === 'fulfilled') return []
    assert.ok(one.reason instanceof ContainerStartError, String(one.reason))
    return [one.reason.message]
  })
  return { made: settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])), reasons }
}

async function works(opened: OpenedFactory): Promise<void> {
  const container = await create(opened)
  await init(container, 'function main() { return { works: true } }')
  assert.equal((await run(container)).body, '{"works":true}')
  await container.destroy()
}

const isBack = (opened: OpenedFactory): Promise<void> =>
  eventually('the engine is back', () => opened.factory.problem() === undefined, WAIT_MS)

describe('an engine that is killed', { skip: skipWithoutPrivateEngine }, () => {
  const engine = (): PrivateEngine => privateEngine ?? assert.fail('no engine')
  after(async () => engine().restart({ liveRestore: false }))

  for (const liveRestore of [false, true]) {
    test(`S0-5: in the middle of creations, containers ${liveRestore ? 'outlive' : 'end with'} it: nothing is left`, async () => {
      await engine().restart({ liveRestore })
      const opened = await openFactory()
      const { factory } = opened
      try {
        const before = await create(opened)
        await init(before, 'function main({ say }) { if (say) console.log(say); return { pid: process.pid } }')
        assert.equal((await run(before)).status, 200)
        // The first creation that is done says that the others are in all of their phases.
        const creating = Array.from({ length: 8 }, () => create(opened))
        await Promise.race(creating)
        await engine().kill()
        const { made, reasons } = sorted(await Promise.allSettled(creating))
        for (const reason of reasons) assert.match(reason, AWAY)
        assert.ok(made.length >= 1)
        await eventually('the factory says that it is away', () => AWAY.test(factory.problem() ?? ''))
        assert.equal((await run(before)).status, 200, 'the container goes on')
        await assert.rejects(create(opened), AWAY)

        await engine().restart()
        await isBack(opened)
        const living = [before, ...made]
        if (!liveRestore) {
          const ends = await Promise.all(living.map(({ ended }) => ended))
          for (const { cause } of ends) assert.match(cause, /^(exited|signalled|lost)$/)
        }
        const left = liveRestore ? living.length : 0
        await eventually('what nobody knows is removed', async () => (await onEngine(opened)).length === left, WAIT_MS)
        assert.equal((await factory.list()).length, left)
        if (liveRestore) {
          const printed = collect(before)
          assert.equal((await run(before, { say: 'heard again' })).status, 200)
          await eventually('its output is read on', () => printed().includes('heard again'))
        }
        await works(opened)
        assert.equal(factory.metrics.engineLosses, 1)
      } finally {
        await opened.close()
      }
    })
  }

  test('S0-5: restarted in order with containers that outlive it, their output is read on', async () => {
    await engine().restart({ liveRestore: true })
    const opened = await openFactory()
    try {
      const container = await create(opened)
      await init(container, 'function main({ say }) { console.log(say); return {} }')
      const printed = collect(container)
      await run(container, { say: 'before' })
      await engine().restart()
      await isBack(opened)
      assert.equal((await run(container, { say: 'after' })).status, 200)
      await eventually('what it prints is heard', () => printed().includes('after\n'))
      assert.match(printed(), /before/)
    } finally {
      await opened.close()
    }
  })
})

describe('an engine that hangs', { skip: skipWithoutPrivateEngine }, () => {
  test('S0-5: starts end at their deadlines, no more are sent than at once, health says why, nothing is left', async () => {
    const engine = privateEngine ?? assert.fail('no engine')
    const opened = await openFactory({ settings: { parallelStarts: 2 }, quickMs: 1500 })
    const { factory } = opened
    try {
      const warm = await create(opened, 20_000)
      await init(warm, 'function main() { return { warm: true } }')
      engine.hang()
      try {
        const creating = Promise.allSettled(Array.from({ length: 8 }, () => create(opened, 2000)))
        assert.ok(factory.metrics.startsUnderWay <= 2)
        const { made, reasons } = sorted(await creating)
        assert.equal(made.length, 0)
        for (const reason of reasons) assert.match(reason, /does not answer|deadline/)
        assert.equal(factory.metrics.startsUnderWay, 0)
        assert.equal((await run(warm)).body, '{"warm":true}')
        await eventually('health says why', () => /does not answer/.test(factory.problem() ?? ''), WAIT_MS)
        await assert.rejects(create(opened), /does not answer/)
        void warm.destroy()
      } finally {
        engine.goOn()
      }
      await isBack(opened)
      await works(opened)
      // Creations that it was sent while it hung may be carried out only now.
      await eventually('nothing is left', async () => (await onEngine(opened)).length === 0, WAIT_MS)
    } finally {
      await opened.close()
    }
  })
})

describe('an engine whose disk is full', { skip: skipWithoutPrivateEngine }, () => {
  test('S0-8: a start fails with the engine’s reason, and works when there is room', async () => {
    const engine = await startPrivateEngine({ networks: false, diskMb: 160 })
    try {
      await copyImage(PYTHON.image, engine.dockerHost)
      const opened = await openFactory({
        ...{ dockerHost: engine.dockerHost, settings: { startTimeoutMs: 3000 } },
        reach: { type: 'published', host: '192.0.2.1' },
      })
      const filler = join(engine.directory, 'data', 'filler')
      try {
        // This engine has a network of its own: its containers start, and are not reached.
        const starts = (): Promise<void> =>
          assert.rejects(create(opened, WAIT_MS, spec(PYTHON)), (error) => {
            assert.ok(error instanceof ContainerStartError)
            assert.equal(error.failure, 'timedOut', error.message)
            return true
          })
        await starts()
        fill(filler)
        await assert.rejects(create(opened, WAIT_MS, spec(PYTHON)), (error) => {
          assert.ok(error instanceof ContainerStartError)
          assert.match(error.message, /stave\/action-python.*no space left on device/)
          return true
        })
        assert.deepEqual(await opened.factory.list(), [])
        rmSync(filler)
        await starts()
        assert.deepEqual(await opened.factory.list(), [])
      } finally {
        rmSync(filler, { force: true })
        await opened.close()
      }
    } finally {
      await engine.stop()
    }
  })
})

/** Writes until nothing more goes in. */
function fill(path: string): void {
  const chunk = Buffer.alloc(1024 * 1024)
  for (let size = chunk.length; size >= 1; size = Math.floor(size / 4)) {
    try {
      for (;;) writeFileSync(path, chunk.subarray(0, size), { flag: 'a' })
    } catch (error) {
      assert.match(String(error), /ENOSPC/)
    }
  }
}

async function copyImage(image: string, to: string): Promise<void> {
  const { bytes } = await needEngine(dockerHost, 'GET', `/images/${image}/get`)
  await needEngine(to, 'POST', '/images/load?quiet=1', bytes)
  assert.equal((await askEngine(to, 'GET', `/images/${image}/json`)).status, 200)
}
