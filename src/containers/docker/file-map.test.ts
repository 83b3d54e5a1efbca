import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as v from 'valibot'
import { openFileMap } from './file-map.ts'

const directory = mkdtempSync(join(tmpdir(), 'stave-file-map-'))
after(() => rmSync(directory, { recursive: true, force: true }))
let files = 0
const nextFile = (): string => join(directory, `${files++}.json`)
const quiet = { warn: () => undefined }

test('what was saved is there for the next process, as it was at the last save', async () => {
  const file = nextFile()
  const first = await openFileMap(file, v.number(), quiet)
  assert.equal(first.entries.size, 0)
  first.entries.set('a', 1).set('b', 2)
  first.save()
  first.entries.delete('a')
  first.save()
  await first.saved()
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { b: 2 })
  assert.deepEqual([...(await openFileMap(file, v.number(), quiet)).entries], [['b', 2]])
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.endsWith('.new')),
    [],
  )
})

test('a file that is cut off, or holds something else, counts as empty', async () => {
  for (const content of ['', '{"a":', '[1]', '{"a":"text"}', 'null']) {
    const file = nextFile()
    writeFileSync(file, content)
    assert.equal((await openFileMap(file, v.number(), quiet)).entries.size, 0, content)
  }
})

test('what cannot be written is told to the log and tried again with the next save', async () => {
  const file = nextFile()
  const warnings: string[] = []
  const map = await openFileMap(file, v.number(), { warn: (_detail, message) => void warnings.push(message) })
  mkdirSync(`${file}.new`)
  map.entries.set('a', 1)
  map.save()
  await map.saved()
  assert.deepEqual(warnings, [`${file} could not be written`])
  rmSync(`${file}.new`, { recursive: true })
  map.save()
  await map.saved()
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { a: 1 })
})
