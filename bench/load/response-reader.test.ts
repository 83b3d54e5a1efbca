import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { responseReader } from './response-reader.ts'

test('every response is counted once, however the bytes are cut', () => {
  const responses = fc.array(
    fc.record({ status: fc.constantFrom(200, 202, 429, 502), body: fc.stringMatching(/^[\r\n{}a-z:]{0,60}$/) }),
    { minLength: 1, maxLength: 8 },
  )
  fc.assert(
    fc.property(responses, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sent, sizes) => {
      const bytes = Buffer.from(
        sent
          .map(({ status, body }) => `HTTP/1.1 ${status} OK\r\nX-A: b\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
          .join(''),
      )
      const seen: number[] = []
      const read = responseReader((status) => seen.push(status))
      for (let at = 0, cut = 0; at < bytes.length; cut++) {
        const size = sizes[cut % sizes.length] ?? 1
        read(bytes.subarray(at, at + size))
        at += size
      }
      assert.deepEqual(
        seen,
        sent.map(({ status }) => status),
      )
    }),
  )
})

test('a response without a length is an error, not an endless wait', () => {
  const read = responseReader(() => undefined)
  assert.throws(() => read(Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')), /Content-Length/)
})
