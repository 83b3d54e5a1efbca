import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../../test/virtual-clock.ts'
import type { ActivationId } from '../../model/ids.ts'
import { SENTINEL } from '../sentinel.ts'
import { createSentinelOutput } from './sentinel-output.ts'
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
  output.expect(undefined, false)
  output.whenWhole(undefined, (told) => (whole = told))
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

test('where ids are told, each run has its own lines and its own end', async () => {
  const clock = virtualClock()
  const output = createSentinelOutput(true, clock)
  output.attributed = true
  const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(32) as ActivationId)
  const texts: string[] = []
  output.onText = (stream, text, run) => texts.push(`${run?.[0] ?? '-'} ${stream} ${text.toString()}`)
  const line = (run: ActivationId | undefined, text: string): Buffer => Buffer.from(`\x1e${run ?? ''} ${text}\n`)
  const both = (run: ActivationId | undefined): void => {
    for (const stream of ['stdout', 'stderr'] as const) output.feed(stream, line(run, SENTINEL))
  }
  output.feed('stdout', line(one, 'a'))
  output.feed('stdout', line(two, 'b'))
  output.feed('stdout', Buffer.from('nobody’s\n'))
  // A long line comes in parts.
  output.feed('stdout', Buffer.from(`\x1e${one ?? ''} long `))
  output.feed('stderr', line(two, 'c'))
  output.feed('stdout', Buffer.from('line\n'))
  output.feed('stdout', Buffer.from('nobody’s\n'))
  assert.deepEqual(texts, ['1 stdout a\n', '2 stdout b\n', '1 stdout long ', '2 stderr c\n', '1 stdout line\n'])

  const whole: string[] = []
  both(two)
  for (const run of [one, two]) {
    output.expect(run, false)
    output.whenWhole(run, (told) => whole.push(`${run?.[0] ?? ''} ${told}`))
  }
  assert.deepEqual(whole, ['2 true'])
  output.expect(three, true)
  both(three)
  assert.deepEqual(whole, ['2 true'])
  both(one)
  assert.deepEqual(whole, ['2 true', '1 true'])
  await clock.advance(60_000)
  assert.deepEqual(whole, ['2 true', '1 true'])
})

test('while the output cannot be read nobody waits, and what an abandoned run printed is not a later one’s', async () => {
  const { output, whole } = waitForRun(true)
  const told: string[] = []
  output.onText = (_stream, text) => void told.push(text.toString())
  output.interrupted = true
  assert.equal(whole(), false)
  output.interrupted = false
  // What the first run printed comes late.
  output.feed('stdout', Buffer.from('of the first\n'))
  for (const stream of ['stdout', 'stderr'] as const) output.feed(stream, Buffer.from(`${SENTINEL}\n`))
  output.expect(undefined, false)
  let second: boolean | undefined
  output.whenWhole(undefined, (now) => (second = now))
  output.feed('stdout', Buffer.from('of the second\n'))
  assert.equal(second, undefined)
  for (const stream of ['stdout', 'stderr'] as const) output.feed(stream, Buffer.from(`${SENTINEL}\n`))
  assert.equal(second, true)
  assert.deepEqual(told, ['of the second\n'])
})
