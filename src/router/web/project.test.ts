import assert from 'node:assert/strict'
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Outcome } from '../../model/activation.ts'
import { Refusal } from '../../model/errors.ts'
import { project, Unprojectable } from './project.ts'
import { readHeaders } from './result-headers.ts'

const extension = fc.constantFrom('http', 'json', 'html', 'svg', 'text')
const anything = fc.jsonValue({ maxDepth: 4 })
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom(
    'x\r\ny',
    'text/html',
    'image/png',
    'aGk=',
    '\u0000',
    '€',
    '__proto__',
    'content-type',
    'Set-Cookie',
    'Transfer-Encoding',
  ),
)
const headerValue = fc.oneof(text, fc.integer(), fc.boolean(), anything, fc.array(fc.oneof(text, fc.array(text))))
const httpResult = fc.record(
  {
    statusCode: fc.oneof(
      fc.integer({ min: -100, max: 1000 }),
      fc.integer({ min: 100, max: 599 }).map(String),
      anything,
    ),
    headers: fc.oneof(
      fc.dictionary(text, headerValue),
      fc.record({ 'content-type': fc.oneof(text, headerValue) }),
      anything,
    ),
    body: fc.oneof(text, anything),
  },
  { requiredKeys: [] },
)
const result = fc.oneof(
  { weight: 4, arbitrary: httpResult },
  {
    weight: 1,
    arbitrary: fc.record({ html: anything, svg: anything, text: anything, body: anything }, { requiredKeys: [] }),
  },
  { weight: 1, arbitrary: anything },
)
const outcome = fc.oneof(
  result.map((value): Outcome => ({ statusCode: 0, resultJson: JSON.stringify(value) })),
  result.map((value): Outcome => ({ statusCode: 1, resultJson: JSON.stringify({ error: value }, null, 2) })),
  fc.constantFrom(2 as const, 3 as const).map((statusCode): Outcome => ({ statusCode, resultJson: '{"error":"x"}' })),
)

test('5.9: whatever an action returns is an answer that can be sent, or a refusal', () => {
  const seen = { answers: 0, refusals: 0 }
  fc.assert(
    fc.property(outcome, extension, (each, ext) => {
      try {
        const { status, headers, content } = project(each, ext)
        seen.answers++
        assert.ok(Number.isInteger(status) && status >= 200 && status <= 599, String(status))
        assert.equal(headers.length % 2, 0)
        for (let at = 0; at < headers.length; at += 2) {
          validateHeaderName(headers[at] ?? '')
          validateHeaderValue(headers[at] ?? '', headers[at + 1] ?? '')
          assert.doesNotMatch(headers[at] ?? '', /^(?:content-(?:type|length)|transfer-encoding|connection)$/i)
        }
        if (content !== undefined) validateHeaderValue('Content-Type', content.mediaType.contentType)
      } catch (error) {
        seen.refusals++
        const expected =
          (error instanceof Refusal && [400, 404].includes(error.status)) || error instanceof Unprojectable
        if (!expected) throw error
      }
    }),
    { numRuns: 5000 },
  )
  assert.ok(seen.answers > 500 && seen.refusals > 500, JSON.stringify(seen))
})

test('5.9: a header with values nested without end is read without recursion', () => {
  const depth = 200_000
  const nested: string = `${'['.repeat(depth)}"x"${']'.repeat(depth)}`
  assert.deepEqual(readHeaders(JSON.parse(`{"X-Deep":${nested}}`)), { contentType: undefined, lines: ['X-Deep', 'x'] })
})

test('5.9: a body nested without end is an answer', () => {
  const depth = 200_000
  const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`
  const answer = project({ statusCode: 0, resultJson: `{"body":${nested}}` }, 'http')
  assert.equal(answer.content?.data.length, nested.length)
})
