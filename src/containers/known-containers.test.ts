import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scriptedContainer } from '../../test/scripted-container.ts'
import type { ContainerId } from '../model/ids.ts'
import { knownContainers } from './known-containers.ts'

const id = 'c1' as ContainerId

test('an id has one start, whoever asks for it, and is forgotten when its container has ended', async () => {
  const known = knownContainers()
  const container = scriptedContainer()
  const ends: string[] = []
  const begin = (): Promise<typeof container> => Promise.resolve(container)
  const onEnd = (_container: unknown, end: { readonly cause: string }): void => void ends.push(end.cause)
  const first = known.start(id, begin, onEnd)
  const second = known.start(id, () => assert.fail('started twice'), onEnd)
  assert.equal(await first, await second)
  assert.deepEqual([known.size, known.has(id)], [1, true])
  container.end({ cause: 'exited', code: 1 })
  await container.ended
  await Promise.resolve()
  assert.deepEqual([known.size, ends], [0, ['exited']])
})

test('a start that fails leaves the id free for another', async () => {
  const known = knownContainers()
  await assert.rejects(
    known.start(id, () => Promise.reject(new Error('no')), assert.fail),
    /no/,
  )
  assert.equal(known.has(id), false)
  await known.start(
    id,
    () => Promise.resolve(scriptedContainer()),
    () => undefined,
  )
  assert.equal(known.has(id), true)
})

test('all are destroyed, those that are being started as soon as they are, and a failing start is no obstacle', async () => {
  const known = knownContainers()
  const [one, two] = [scriptedContainer(), scriptedContainer()]
  const starting = Promise.withResolvers<typeof two>()
  await known.start(
    id,
    () => Promise.resolve(one),
    () => undefined,
  )
  void known.start(
    'c2' as ContainerId,
    () => starting.promise,
    () => undefined,
  )
  const failing = known.start(
    'c3' as ContainerId,
    () => Promise.reject(new Error('no')),
    () => undefined,
  )
  const destroyed = known.destroyAll()
  starting.resolve(two)
  await assert.rejects(failing)
  await destroyed
  assert.deepEqual([one.calls, two.calls], [['destroy'], ['destroy']])
})
