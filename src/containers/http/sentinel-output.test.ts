import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../../test/virtual-clock.ts'
import { SENTINEL, createSentinelOutput } from './sentinel-output.ts'
import type { SentinelOutput } from './sentinel-output.ts'

interface Scene {
  readonly output: SentinelOutput
  readonly advance: (ms: number) => Promise<void>
  /** Undefined while it is waited for. */
  whole(): boolean | undefined
}

/** Output of one run that was answered, and somebody who waits for all of it. */
function waitForRun(sentinelled: boolean): Scene {
  const clock = virtualClock()
  const output = createSentinelOutput(sentinelled, clock)
  let whole: boolean | undefined
  output.expect()
  output.whenWhole((told) => (whole = told))
  return { output, advance: (ms) => clock.advance(ms), whole: () => whole }
}

test('sentinels that do not come are waited for as long as something comes, and not for ever', async () => {
  const { output, advance, whole } = waitForRun(true)
  await advance(1999)
  assert.equal(whole(), undefined)
  for (let ms = 1999; ms < 19_000; ms += 1000) {
    output.feed('stdout', Buffer.from('still here\n'))
    await advance(1000)
    assert.equal(whole(), undefined)
  }
  output.feed('stdout', Buffer.from('still here\n'))
  await advance(1500)
  assert.equal(whole(), false)
})

test('silence before the sentinels ends the wait', async () => {
  const { output, advance, whole } = waitForRun(true)
  output.feed('stdout', Buffer.from(`${SENTINEL}\n`))
  await advance(2000)
  assert.equal(whole(), false)
})

test('output of an image without sentinels is over when it is quiet', async () => {
  const { output, advance, whole } = waitForRun(false)
  const texts: string[] = []
  output.onText = (_stream, text) => texts.push(text.toString())
  await advance(15)
  output.feed('stdout', Buffer.from(`${SENTINEL} is text here\n`))
  await advance(15)
  assert.equal(whole(), undefined)
  await advance(5)
  assert.equal(whole(), true)
  assert.deepEqual(texts, [`${SENTINEL} is text here\n`])
})

test('an image without sentinels that never stops printing is waited for half a second', async () => {
  const { output, advance, whole } = waitForRun(false)
  for (let ms = 0; ms < 500; ms += 10) {
    assert.equal(whole(), undefined)
    output.feed('stderr', Buffer.from('more\n'))
    await advance(10)
  }
  assert.equal(whole(), true)
})

test('the end of the container ends every wait', () => {
  const { output, whole } = waitForRun(true)
  output.end()
  assert.equal(whole(), true)
})
