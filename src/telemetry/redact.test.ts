import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { REDACTED, redactFields, redactText } from './redact.ts'

const UUID = '23bc46b1-71f6-4ed5-8c54-816aa4f8c502'
const KEY = '123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP'

test('secrets in text are covered, whatever surrounds them', () => {
  const secrets = [
    `calls with ${UUID}:${KEY}.`,
    `Authorization: Basic ${Buffer.from(`${UUID}:${KEY}`).toString('base64')}`,
    `authorization: bearer ${KEY}`,
    `postgres://stave:${KEY}@db/stave`,
    `{"value":{"__OW_API_KEY":"${KEY}","a":1}}`,
    `{"api_key": "${KEY}"`,
    `{"password":"${KEY}`,
    `env __OW_API_KEY=${KEY} NEXT=1`,
    `${'x'.repeat(4000)} ${UUID}:${KEY}${'y'.repeat(4000)}`,
  ]
  for (const text of secrets) {
    const shown = redactText(text)
    assert.ok(!shown.includes(KEY.slice(0, 20)), shown)
    assert.ok(shown.includes(REDACTED), shown)
  }
  assert.equal(redactText('nothing to hide: 200 in 5 ms'), 'nothing to hide: 200 in 5 ms')
})

test('secret fields are covered by name at any depth', () => {
  const shown = JSON.stringify(
    redactFields({
      headers: { Authorization: KEY, 'x-request-id': 'abc', cookie: KEY },
      apiKey: KEY,
      api_key: KEY,
      key: KEY,
      parameters: [{ key: 'a', value: KEY }],
      params: { a: KEY },
      internalToken: KEY,
      nested: { list: [{ password: KEY }] },
      message: new Error(`failed for ${UUID}:${KEY}`, { cause: new Error(`Bearer ${KEY}`) }),
      map: new Map([['secret', KEY]]),
    }),
  )
  assert.ok(!shown.includes(KEY.slice(0, 20)), shown)
  assert.match(shown, /"x-request-id":"abc"/)
})

test('what is not secret is told: codes, names, counts', () => {
  const fields = {
    code: 'NOT_FOUND',
    actionKey: 'ns:ns/a@1',
    status: 404,
    ok: true,
    nothing: null,
    digest: 'ab'.repeat(32),
  }
  assert.deepEqual(redactFields(fields), fields)
})

test('control characters cannot reach a terminal', () => {
  assert.equal(redactText('a\u001b[31mred\u0007\r\nb\tc'), 'a\uFFFD[31mred\uFFFD\uFFFD\nb\tc')
})

test('cycles, depth, width and length are bounded, and the result is JSON', () => {
  const cycle: Record<string, unknown> = { big: 10n, at: new Date(0), buffer: Buffer.alloc(9), call: () => 1 }
  cycle['self'] = cycle
  const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`n${index}`, 'x'.repeat(10_000)]))
  const text = JSON.stringify(redactFields({ cycle, wide, list: Array.from({ length: 1e5 }, () => 1) }))
  assert.ok(text.length < 500_000)
  assert.match(text, /nested too deep/)
  assert.match(text, /936 more/)
  assert.match(text, /"big":"10".*1970-01-01.*\(9 bytes\).*\(function\)/)
})

test('any value can be redacted and written as JSON', () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string(),
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
      ),
      (fields) => {
        JSON.parse(JSON.stringify(redactFields(fields)))
      },
    ),
  )
})

test('redaction takes linear time on hostile text', () => {
  const started = performance.now()
  for (const unit of ['"', '"a', 'Basic ', 'a://', '://a:', `${UUID}:`, 'API_KEY', 'A', '\\"', '"token":"\\']) {
    for (let round = 0; round < 5; round++) redactText(unit.repeat(20_000))
  }
  assert.ok(performance.now() - started < 2000)
})
