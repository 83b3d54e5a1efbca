import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { virtualClock } from '../../../test/virtual-clock.ts'
import { EngineError } from './engine-transport.ts'
import type { ImageCollector } from './image-collector.ts'
import { openImageCollector } from './image-collector.ts'

const directory = mkdtempSync(join(tmpdir(), 'stave-images-'))
const opened: ImageCollector[] = []
after(async () => {
  for (const collector of opened) await collector.stop()
  rmSync(directory, { recursive: true })
})
let files = 0

/** A disk on which each image takes 10 % and everything else 30 %. */
async function world(images: readonly string[], file = join(directory, `${files++}.json`)) {
  const clock = virtualClock()
  const here = new Set(images)
  const inUse = new Set<string>()
  const collector: ImageCollector = await openImageCollector({
    client: {
      listImages: () =>
        Promise.resolve([...here].map((image) => ({ imageId: image, tags: [`${image}:latest`], sizeBytes: 1 }))),
      removeImage: (image) => {
        if (inUse.has(image)) return Promise.reject(new EngineError(409, 'in use'))
        here.delete(image)
        return Promise.resolve()
      },
    },
    settings: { highWaterPercent: 85, lowWaterPercent: 70 },
    diskUsedPercent: () => Promise.resolve(30 + here.size * 10),
    isKept: (image) => image.startsWith('kind'),
    file,
    clock,
    timers: clock,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
  })
  opened.push(collector)
  /** One after the other, each a second later; the collector would look after each pull. */
  const pull = async (...names: readonly string[]): Promise<void> => {
    for (const name of names) {
      collector.used(name, true)
      await clock.advance(1000)
    }
  }
  return { clock, here, inUse, collector, pull, file }
}

test('above the high-water mark, what was pulled goes, the longest unused first, down to the low-water mark', async () => {
  const { clock, here, collector, pull } = await world(['a', 'b', 'c', 'd', 'others'])
  await pull('a', 'b', 'c', 'd')
  assert.equal(here.size, 5)
  here.add('e')
  collector.used('d', false)
  await clock.advance(1000)
  collector.used('a', false)
  await collector.collect()
  assert.deepEqual([...here].toSorted(), ['a', 'e', 'others'], 'a was used last, others is somebody else’s')
  assert.equal(collector.usedPercent, 60)
})

test('images of kinds and those that run stay', async () => {
  const { here, inUse, collector, pull } = await world(['kind/a', 'b'])
  await pull('kind/a', 'b')
  for (const name of ['x', 'y', 'z', 'w']) here.add(name)
  inUse.add('b')
  await collector.collect()
  assert.ok(here.has('kind/a') && here.has('b'))
  inUse.clear()
  collector.used('b', false)
  await collector.collect()
  assert.ok(here.has('kind/a') && !here.has('b'))
  assert.equal(collector.counters.removed, 1)
})

test('what was pulled last stays until somebody has come for it', async () => {
  const { here, collector, pull } = await world(['a', 'b', 'x', 'y', 'z', 'w'])
  await pull('a', 'b')
  await collector.collect()
  assert.ok(!here.has('a') && here.has('b'))
  collector.used('b', false)
  here.add('v')
  await collector.collect()
  assert.ok(!here.has('b'))
})

test('below the mark nothing is removed', async () => {
  const { here, collector, pull } = await world(['a', 'b'])
  await pull('a', 'b')
  await collector.collect()
  assert.equal(here.size, 2)
})

test('what was pulled is remembered beyond a restart', async () => {
  const first = await world(['a'])
  await first.pull('a')
  await first.collector.stop()
  const second = await world(['a', 'b', 'c', 'd', 'e', 'f'], first.file)
  await second.collector.collect()
  assert.ok(!second.here.has('a'))
  assert.equal(second.here.size, 5)
})

test('an image that somebody else has removed is not removed again', async () => {
  const { here, collector, pull } = await world(['a', 'b', 'c', 'd', 'e'])
  await pull('a', 'b')
  collector.used('b', false)
  here.delete('a')
  for (const name of ['x', 'y']) here.add(name)
  await collector.collect()
  assert.ok(!here.has('b'))
  assert.equal(collector.counters.removed, 1)
})
