import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { actionOf } from '../../test/simulation/pool-world.ts'
import type { ImageStemCellSettings } from './image-stem-cells.ts'
import { ImageStemCells } from './image-stem-cells.ts'
import type { ActionRequirements } from './pool-protocol.ts'

const SETTINGS: ImageStemCellSettings = {
  reactive: { minCount: 0, maxCount: 3, ttlMs: 600_000, threshold: 2, increment: 1 },
  memoryMb: 1024,
}

function imageAction(name: string, image: string, own: Partial<ActionRequirements> = {}): ActionRequirements {
  return actionOf(name, { kind: 'blackbox', image, ...own })
}

function started(cells: ImageStemCells, ...actions: readonly ActionRequirements[]): void {
  for (const action of actions) cells.noteStart(action, false)
}

const counts = (cells: ImageStemCells): readonly (readonly [string, number])[] =>
  cells.wanted().map(({ plan, wanted }) => [plan.image, wanted])

test('#3389: an image has a cell for each so many starts, at once and up to the most; less only after a check', () => {
  const cells = new ImageStemCells(SETTINGS)
  const action = imageAction('a', 'team/app:1')
  started(cells, action)
  assert.deepEqual(counts(cells), [['team/app:1', 0]])
  started(cells, action)
  assert.deepEqual(counts(cells), [['team/app:1', 1]])
  started(cells, ...Array.from({ length: 20 }, () => action))
  assert.deepEqual(counts(cells), [['team/app:1', 3]])
  cells.check()
  assert.deepEqual(counts(cells), [['team/app:1', 3]])
  started(cells, action, action)
  cells.check()
  assert.deepEqual(counts(cells), [['team/app:1', 1]])
  cells.check()
  assert.deepEqual(counts(cells), [['team/app:1', 0]])
  cells.check()
  assert.deepEqual(counts(cells), [])
})

test('actions of one image share its cells; those with another memory or overlapping runs have their own, kinds and devices none', () => {
  const cells = new ImageStemCells(SETTINGS)
  started(
    cells,
    imageAction('a', 'team/app:1'),
    imageAction('b', 'team/app:1', { namespace: 'other' }),
    imageAction('c', 'team/app:1', { resources: { memoryMb: 512 } }),
    imageAction('d', 'team/app:1', { concurrency: 5 }),
    imageAction('e', 'team/app:1', { resources: { memoryMb: 256, gpu: 1 } }),
    actionOf('f'),
  )
  assert.deepEqual(
    cells.wanted().map(({ plan, wanted }) => [plan.memoryMb, plan.concurrent, wanted]),
    [
      [256, true, 0],
      [512, false, 0],
      [256, false, 1],
    ],
  )
})

test('where containers can be resized an image has cells of one size', () => {
  const cells = new ImageStemCells(SETTINGS)
  for (const memoryMb of [256, 512]) cells.noteStart(imageAction('a', 'team/app:1', { resources: { memoryMb } }), true)
  assert.deepEqual(
    cells.wanted().map(({ plan, wanted }) => [plan.memoryMb, wanted]),
    [[256, 1]],
  )
})

test('behind `latest` there may be a newer image by now: a cell serves the revision alone that it was started for', () => {
  for (const image of ['team/app', 'host:5000/app:latest']) {
    const cells = new ImageStemCells(SETTINGS)
    const [one, two] = [imageAction('a', image), imageAction('b', image)]
    started(cells, one, one, two)
    assert.deepEqual(
      cells.wanted().map(({ plan, wanted }) => [plan.actionKey, wanted]),
      [
        [two.actionKey, 0],
        [one.actionKey, 1],
      ],
    )
  }
  const pinned = new ImageStemCells(SETTINGS)
  started(pinned, imageAction('a', `team/app@sha256:${'0'.repeat(64)}`))
  assert.equal(pinned.wanted()[0]?.plan.actionKey, undefined)
})

test('a plan whose cell could not be started is forgotten; a plan of a kind is none of its own', () => {
  const cells = new ImageStemCells(SETTINGS)
  const action = imageAction('a', 'team/gone:1')
  started(cells, action, action)
  const plan = cells.wanted()[0]?.plan
  assert.ok(plan)
  assert.equal(cells.forget(plan), true)
  assert.deepEqual(counts(cells), [])
  assert.equal(cells.forget(plan), false)
})

test('property: never more than the most of an image, never more images than are remembered, the last started always among them', () => {
  const step = fc.oneof({ weight: 20, arbitrary: fc.nat(400) }, { weight: 1, arbitrary: fc.constant('check' as const) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 1_000 }), (steps) => {
      const cells = new ImageStemCells(SETTINGS)
      for (const one of steps) {
        if (one === 'check') {
          cells.check()
          continue
        }
        started(cells, imageAction('a', `team/app:${one}`))
        assert.equal(cells.wanted()[0]?.plan.image, `team/app:${one}`)
      }
      assert.ok(cells.wanted().length <= 256)
      assert.ok(cells.wanted().every(({ wanted }) => wanted <= SETTINGS.reactive.maxCount))
    }),
    { numRuns: 50 },
  )
})
