import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scriptedContainer } from '../../test/scripted-container.ts'
import { virtualClock } from '../../test/virtual-clock.ts'
import type { ContainerFactory } from '../containers/container-factory.ts'
import type { Deadline } from '../model/deadline.ts'
import { measuredFactory } from './measured-factory.ts'

test('S0-7: each operation is timed, those that fail are not, and a container stays one', async () => {
  const clock = virtualClock()
  const container = scriptedContainer()
  const bare: ContainerFactory = {
    provider: 'scripted',
    canSuspend: true,
    start: () => Promise.resolve(),
    async create() {
      await clock.advance(30)
      return container
    },
    list: () => Promise.resolve([]),
    remove: () => Promise.resolve(),
    nodes: () => [],
    stop: () => Promise.resolve(),
  }
  const seen: string[] = []
  const factory = measuredFactory(bare, clock, (operation, ms) => seen.push(`${operation} ${ms}`))
  assert.deepEqual([factory.canSuspend, factory.canResize], [true, false])
  const deadline: Deadline = { at: 1000 }
  const made = await factory.create(container.spec, deadline)
  assert.equal(await factory.create(container.spec, deadline), made)
  assert.equal(made.channel, container.channel)
  await made.suspend()
  await made.resume()
  container.failSuspend = true
  await assert.rejects(made.suspend())
  await made.destroy()
  assert.deepEqual(seen, ['create 30', 'suspend 0', 'resume 0', 'destroy 0'])
  assert.deepEqual(container.calls, ['suspend', 'resume', 'suspend', 'destroy'])
})
