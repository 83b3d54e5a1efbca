import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { instanceOf } from './instance.ts'

let directories: readonly [string, string]
beforeEach(() => {
  directories = [mkdtempSync(join(tmpdir(), 'stave-a-')), mkdtempSync(join(tmpdir(), 'stave-b-'))]
})
afterEach(() => directories.forEach((directory) => rmSync(directory, { recursive: true })))

test('S0-5: one node name and one path are one instance, whatever the directory holds; another name is another one', () => {
  const [dataDir] = directories
  const named = instanceOf({ nodeName: 'worker-1', dataDir })
  assert.match(named, /^[0-9a-f]{16}$/)
  rmSync(join(dataDir, 'instance'), { force: true })
  assert.equal(instanceOf({ nodeName: 'worker-1', dataDir }), named)
  assert.notEqual(instanceOf({ nodeName: 'worker-2', dataDir }), named)
})

test('without a name a data directory is one instance for good, and another directory another one', () => {
  const [first, second] = directories
  const found = instanceOf({ nodeName: '', dataDir: first })
  assert.equal(instanceOf({ nodeName: '', dataDir: first }), found)
  assert.notEqual(instanceOf({ nodeName: '', dataDir: second }), found)
})

test('S1-5: two volumes at one path, as two platforms in containers have them, are two instances', () => {
  const [dataDir] = directories
  const first = instanceOf({ nodeName: '', dataDir })
  rmSync(join(dataDir, 'instance'))
  assert.notEqual(instanceOf({ nodeName: '', dataDir }), first)
})

test('a mark that was cut off while it was written is made anew', () => {
  const [dataDir] = directories
  writeFileSync(join(dataDir, 'instance'), '12ab')
  const found = instanceOf({ nodeName: '', dataDir })
  assert.equal(instanceOf({ nodeName: '', dataDir }), found)
})
