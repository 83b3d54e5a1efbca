/** The manifest's schema: what OpenWhisk's own files have, and messages that name the place of a mistake. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findKind, formatImage } from '../model/manifest.ts'
import { parseManifest } from './parse-manifest.ts'
import { readManifest } from './read-manifest.ts'

const IMAGE = { prefix: 'openwhisk', name: 'action-nodejs-v20', tag: 'nightly' }

function manifest(kinds: readonly unknown[], family = 'nodejs'): string {
  return JSON.stringify({
    runtimes: { [family]: kinds },
    blackboxes: [{ prefix: 'openwhisk', name: 'dockerskeleton' }],
  })
}

test('S4-2: a kind with everything that OpenWhisk’s schema has', () => {
  const reactive = { minCount: 1, maxCount: 4, ttl: '2 minutes', threshold: 1, increment: 1 }
  const parsed = parseManifest(
    manifest([
      { kind: 'nodejs:18', image: { name: 'n18' }, deprecated: true, sentinelledLogs: false },
      {
        kind: 'nodejs:20',
        default: true,
        requireMain: true,
        image: { ...IMAGE, registry: 'reg.example:5000' },
        attached: { attachmentName: 'codefile', attachmentType: 'text/plain' },
        stemCells: [
          { initialCount: 2, memory: '256 MB', reactive },
          { count: 1, memory: '1GB' },
        ],
      },
    ]),
  )
  assert.deepEqual(parsed.kinds[0], {
    kind: 'nodejs:18',
    family: 'nodejs',
    default: false,
    deprecated: true,
    requireMain: false,
    attached: false,
    sentinelledLogs: false,
    image: { name: 'n18' },
    stemCells: [],
  })
  const found = findKind(parsed, 'nodejs:default')
  assert.ok(found !== undefined)
  assert.equal(formatImage(found.image), 'reg.example:5000/openwhisk/action-nodejs-v20:nightly')
  assert.ok(found.requireMain && found.attached && found.sentinelledLogs)
  assert.deepEqual(found.stemCells, [
    {
      initialCount: 2,
      memoryMb: 256,
      reactive: { minCount: 1, maxCount: 4, ttlMs: 120_000, threshold: 1, increment: 1 },
    },
    { initialCount: 1, memoryMb: 1024 },
  ])
  assert.deepEqual(parsed.blackboxes.map(formatImage), ['openwhisk/dockerskeleton'])
})

test('S4-2: the only kind of a family is its default', () => {
  const parsed = parseManifest(manifest([{ kind: 'java:8', image: IMAGE }], 'java'))
  assert.equal(findKind(parsed, 'java:default')?.kind, 'java:8')
})

const cell = (fields: object): unknown => ({
  kind: 'nodejs:20',
  image: IMAGE,
  stemCells: [{ initialCount: 1, memory: '256 MB', ...fields }],
})
const reactive = (fields: object): unknown =>
  cell({ reactive: { minCount: 1, maxCount: 2, ttl: '1 minute', threshold: 1, increment: 1, ...fields } })
const WRONG: Readonly<Record<string, readonly [string, RegExp]>> = {
  'no JSON': ['{"runtimes":', /^Error: the runtimes manifest is not JSON: /],
  'no runtimes': ['{}', /wrong at runtimes/],
  'a kind without image': [manifest([{ kind: 'nodejs:20' }]), /wrong at runtimes\.nodejs\.0\.image/],
  'a kind without version': [
    manifest([{ kind: 'nodejs', image: IMAGE }]),
    /runtimes\.nodejs\.0\.kind: must be written family:version/,
  ],
  'a kind of another family': [manifest([{ kind: 'python:3.11', image: IMAGE }]), /lists python:3\.11 under nodejs/],
  'no default among two': [
    manifest([
      { kind: 'nodejs:20', image: IMAGE },
      { kind: 'nodejs:22', image: IMAGE },
    ]),
    /one default kind for nodejs, it names 0/,
  ],
  'a kind twice': [
    manifest([
      { kind: 'nodejs:20', image: IMAGE, default: true },
      { kind: 'nodejs:20', image: IMAGE },
    ]),
    /lists nodejs:20 twice/,
  ],
  'no stem cells': [manifest([cell({ initialCount: 0 })]), /stemCells\.0\.initialCount/],
  'no count at all': [manifest([cell({ initialCount: undefined })]), /initialCount is missing/],
  'memory of no size': [
    manifest([cell({ memory: 'much' })]),
    /stem cell of nodejs:20 with memory 'much', not like '256 MB'/,
  ],
  'less than a megabyte': [manifest([cell({ memory: '10 KB' })]), /memory '10 KB'/],
  'no duration': [manifest([reactive({ ttl: '0 seconds' })]), /ttl '0 seconds', not like '2 minutes'/],
  'minCount above maxCount': [manifest([reactive({ minCount: 3 })]), /minCount must not exceed maxCount/],
  'increment above maxCount': [manifest([reactive({ increment: 3 })]), /increment must not exceed maxCount/],
  'threshold 0': [manifest([reactive({ threshold: 0 })]), /reactive\.threshold/],
}
for (const [name, [json, message]] of Object.entries(WRONG)) {
  test(`S4-2: refused: ${name}`, () => {
    assert.throws(() => parseManifest(json), message)
  })
}

test('S4-2: the built-in manifest has the kinds of OpenWhisk’s, and newer ones', () => {
  const builtIn = readManifest(undefined)
  for (const kind of [
    'nodejs:20',
    'nodejs:24',
    'python:3.11',
    'swift:5.3',
    'java:8',
    'php:8.1',
    'go:1.20',
    'dotnet:6.0',
  ]) {
    assert.ok(findKind(builtIn, kind) !== undefined, kind)
  }
  assert.deepEqual(
    builtIn.kinds.filter(({ family }) => family === 'python').map(({ kind }) => kind),
    ['python:3.9', 'python:3.10', 'python:3.11', 'python:3.12', 'python:3.13', 'python:3.14'],
  )
  assert.equal(findKind(builtIn, 'nodejs:default')?.kind, 'nodejs:24')
  assert.ok(findKind(builtIn, 'java:default')?.requireMain)
})

test('S4-2: a manifest file that is missing or wrong is named', () => {
  assert.throws(
    () => readManifest('/nowhere/runtimes.json'),
    /the runtimes manifest \/nowhere\/runtimes\.json cannot be read: ENOENT/,
  )
  assert.throws(() => readManifest('/dev/null'), /is not JSON.*\(\/dev\/null\)$/)
})
