import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionOf } from '../../test/simulation/pool-world.ts'
import type { RuntimesManifest, StemCellSetting } from '../model/manifest.ts'
import { boundStemCells, servesAction, stemCellPlans, StemCells } from './stem-cells.ts'

const REACTIVE = { minCount: 1, maxCount: 4, ttlMs: 120_000, threshold: 2, increment: 1 }

function manifest(stemCells: readonly StemCellSetting[]): RuntimesManifest {
  const image = { prefix: 'openwhisk', name: 'action-nodejs-v24', tag: 'nightly' }
  const common = { family: 'nodejs', requireMain: false, attached: true, sentinelledLogs: true, image }
  return {
    kinds: [
      { ...common, kind: 'nodejs:24', default: true, deprecated: false, stemCells },
      { ...common, kind: 'nodejs:6', default: false, deprecated: true, stemCells },
    ],
    blackboxes: [],
  }
}

const SETTINGS = [
  { initialCount: 2, memoryMb: 256, reactive: REACTIVE },
  { initialCount: 1, memoryMb: 512 },
]

test('plans follow the manifest: one a memory size, or one a kind where containers can be resized; none for deprecated kinds', () => {
  assert.deepEqual(
    stemCellPlans(manifest(SETTINGS), false).map(({ kind, memoryMb, initialCount }) => [kind, memoryMb, initialCount]),
    [
      ['nodejs:24', 256, 2],
      ['nodejs:24', 512, 1],
    ],
  )
  assert.deepEqual(stemCellPlans(manifest(SETTINGS), true), [
    {
      kind: 'nodejs:24',
      image: 'openwhisk/action-nodejs-v24:nightly',
      memoryMb: 256,
      initialCount: 3,
      concurrent: false,
      reactive: REACTIVE,
    },
  ])
})

test('a cell serves its kind, image and memory; another memory only where it can be resized, and never devices or CPU that it has not got', () => {
  const [plan] = stemCellPlans(manifest(SETTINGS), false)
  assert.ok(plan)
  const fitting = { kind: plan.kind, image: plan.image }
  assert.equal(servesAction(plan, actionOf('a', fitting), false), true)
  assert.equal(servesAction(plan, actionOf('a', { ...fitting, resources: { memoryMb: 128 } }), false), false)
  assert.equal(servesAction(plan, actionOf('a', { ...fitting, resources: { memoryMb: 128 } }), true), true)
  assert.equal(servesAction(plan, actionOf('a', { ...fitting, resources: { memoryMb: 256, gpu: 1 } }), true), false)
  assert.equal(servesAction(plan, actionOf('a', { ...fitting, concurrency: 5 }), true), false)
  assert.equal(servesAction(plan, actionOf('a', { ...fitting, image: 'mine' }), true), false)
})

test('runtimes 2.1: at each check clamp(floor(cold starts / threshold) * increment, min, max), the minimum without cold starts', () => {
  const [plan] = stemCellPlans(manifest([{ initialCount: 2, memoryMb: 256, reactive: REACTIVE }]), false)
  assert.ok(plan)
  const cells = new StemCells([plan], 1_000, 0)
  const wanted = (): number | undefined => cells.wanted()[0]?.wanted
  const action = actionOf('a', { kind: plan.kind, image: plan.image })
  assert.equal(wanted(), 2)
  cells.check(999)
  assert.equal(wanted(), 2)
  cells.check(1_000)
  assert.equal(wanted(), 1)
  for (let start = 0; start < 7; start++) cells.noteColdStart(action, false)
  cells.check(2_000)
  assert.equal(wanted(), 3)
  for (let start = 0; start < 99; start++) cells.noteColdStart(action, false)
  cells.check(3_000)
  assert.equal(wanted(), 4)
  cells.check(4_000)
  assert.equal(wanted(), 1)
})

test('a plan that is not reactive keeps its initial count', () => {
  const [plan] = stemCellPlans(manifest([{ initialCount: 3, memoryMb: 256 }]), false)
  assert.ok(plan)
  const cells = new StemCells([plan], 1_000, 0)
  cells.check(5_000)
  assert.equal(cells.wanted()[0]?.wanted, 3)
})

test('stem cells reserve a quarter of the memory at most: one of each kind first, then in proportion', () => {
  const plan = (kind: string, initialCount: number) => ({
    kind,
    image: kind,
    memoryMb: 256,
    initialCount,
    concurrent: false,
  })
  const plans = [plan('nodejs:24', 12), plan('python:3.11', 1)]
  const counts = (memoryMb: number): number[] => boundStemCells(plans, memoryMb).map(({ initialCount }) => initialCount)
  assert.deepEqual(counts(64_000), [12, 1])
  assert.deepEqual(counts(5120), [4, 1])
  assert.deepEqual(counts(2048), [1, 1])
  assert.deepEqual(counts(1024), [1])
  assert.deepEqual(counts(512), [])
})
