import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLogDecoder } from './log-frames.ts'

function frame(type: number, payload: string): Buffer {
  const bytes = Buffer.from(payload)
  const header = Buffer.from([type, 0, 0, 0, 0, 0, 0, 0])
  header.writeUInt32BE(bytes.length, 4)
  return Buffer.concat([header, bytes])
}

test('an entry has its stream, its time in nanoseconds and its text', () => {
  const [entry, ...others] = createLogDecoder().decode(frame(2, '2026-11-28T02:44:02.421905288Z hi there\n'))
  assert.deepEqual(others, [])
  assert.equal(entry?.stream, 'stderr')
  assert.equal(entry?.timeNano, BigInt(Date.parse('2026-11-28T02:44:02Z')) * 1_000_000n + 421_905_288n)
  assert.equal(entry?.text.toString(), 'hi there\n')
})

test('a fraction may be short or missing, and a text without a time is kept whole', () => {
  const decoder = createLogDecoder()
  const time = (text: string): bigint | undefined => decoder.decode(frame(1, text))[0]?.timeNano
  assert.equal((time('2026-11-28T02:44:02.5Z x') ?? 0n) % 1_000_000_000n, 500_000_000n)
  assert.equal((time('2026-11-28T02:44:02Z x') ?? 1n) % 1_000_000_000n, 0n)
  assert.equal(decoder.decode(frame(1, 'no time\n'))[0]?.text.toString(), 'no time\n')
})

test('entries do not depend on where the stream is cut', () => {
  const entries = fc.array(fc.record({ type: fc.constantFrom(1, 2), text: fc.string({ unit: 'grapheme' }) }))
  fc.assert(
    fc.property(entries, fc.array(fc.nat(200)), (wanted, cuts) => {
      const time = '2026-01-02T03:04:05.000000006Z'
      const bytes = Buffer.concat(wanted.map(({ type, text }) => frame(type, `${time} ${text}\n`)))
      const decoder = createLogDecoder()
      const got: string[] = []
      let at = 0
      for (const length of [...cuts, bytes.length]) {
        for (const entry of decoder.decode(bytes.subarray(at, at + length)))
          got.push(`${entry.stream} ${entry.text.toString()}`)
        at += length
      }
      assert.deepEqual(
        got,
        wanted.map(({ type, text }) => `${type === 2 ? 'stderr' : 'stdout'} ${text}\n`),
      )
    }),
  )
})

test('output of a terminal, which has no frames, is recognised', () => {
  assert.throws(() => createLogDecoder().decode(Buffer.from('plain text on a terminal\n')), /without frames/)
})
