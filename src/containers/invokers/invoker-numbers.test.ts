/** Numbers of invokers: one a name, for ever, whoever asks and however many at once. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openInvokerNumbers } from './invoker-numbers.ts'

async function inDirectory(body: (file: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'stave-numbers-'))
  try {
    await body(join(directory, 'invokers.json'))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

test('S0-5: fifty names at once get fifty numbers, and the same name always gets the same', async () => {
  await inDirectory(async (file) => {
    const numbers = await openInvokerNumbers(file)
    const names = Array.from({ length: 50 }, (_, index) => `node-${index}`)
    const asked = [...names, ...names].map((name) => numbers.numberOf(name))
    const given = await Promise.all(asked)
    assert.deepEqual(given.slice(50), given.slice(0, 50))
    assert.deepEqual(
      given.slice(0, 50).toSorted((one, other) => one - other),
      names.map((_, index) => index),
    )
    const after = await openInvokerNumbers(file)
    assert.deepEqual(await Promise.all(names.map((name) => after.numberOf(name))), given.slice(0, 50))
    assert.equal(await after.numberOf('one more'), 50)
  })
})

test('S0-5: a number is in the file before anybody is told it', async () => {
  await inDirectory(async (file) => {
    const numbers = await openInvokerNumbers(file)
    const number = await numbers.numberOf('node-a')
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { 'node-a': number })
  })
})

test('S0-5: a file that cannot be understood is not taken for an empty one', async () => {
  await inDirectory(async (file) => {
    writeFileSync(file, '{"node-a": "first"}')
    await assert.rejects(openInvokerNumbers(file), /holds no numbers of invokers/)
  })
})

test('S0-5: a number that could not be kept is given to nobody', async () => {
  await inDirectory(async (file) => {
    const numbers = await openInvokerNumbers(join(file, 'no such directory'))
    await assert.rejects(numbers.numberOf('node-a'))
    await assert.rejects(numbers.numberOf('node-a'))
    assert.equal(numbers.known.size, 0)
  })
})
