/** Records rendered by the product, taken apart again: every part is what parsing the whole would give. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { ActivationRecord, StatusCode } from './activation.ts'
import { renderRecord } from './activation.ts'
import { listedActivation, logsJson, responseJson } from './activation-document.ts'
import type { ActivationId } from './ids.ts'
import type { JsonObject } from './json.ts'
import type { NamespaceName } from './names.ts'

const tricky = fc.constantFrom(',"logs":[', ',"response":{', '"', '\\', ']', ',"annotations":[')
const text = fc.oneof(fc.string(), tricky)
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('any'), { maxLength: 3 }),
  object: fc.dictionary(fc.oneof(text, fc.constantFrom('logs', 'response', 'annotations')), tie('any'), { maxKeys: 3 }),
})).any

const record: fc.Arbitrary<ActivationRecord> = fc
  .record({
    activationId: fc.constant('0'.repeat(32) as ActivationId),
    namespace: text.map((name) => name as NamespaceName),
    subject: text,
    name: text,
    filter: text,
    version: fc.constant('0.0.1'),
    start: fc.nat(),
    end: fc.option(fc.nat(), { nil: undefined }),
    outcome: fc.record({
      statusCode: fc.constantFrom<StatusCode>(0, 1, 2, 3),
      resultJson: value.map((result) => JSON.stringify(result)),
    }),
    logsJson: fc.array(text).map((lines) => JSON.stringify(lines)),
    annotationsJson: fc.array(fc.record({ key: text, value })).map((entries) => JSON.stringify(entries)),
    cause: fc.option(fc.constant('1'.repeat(32) as ActivationId), { nil: undefined }),
  })
  .map(({ end, cause, ...rest }) =>
    Object.assign(rest, end !== undefined && { end, duration: 1 }, cause !== undefined && { cause }),
  )

test('8.4, 8.5: response, logs and list line are those of the whole record', () => {
  fc.assert(
    fc.property(record, (record) => {
      const document = renderRecord(record)
      const whole: JsonObject = JSON.parse(document)
      assert.deepEqual(JSON.parse(responseJson(document)), whole['response'])
      assert.deepEqual(JSON.parse(logsJson(document)), whole['logs'])
      const { response: _, logs: __, subject: ___, ...listed } = whole
      const expected = record.end === undefined ? listed : { ...listed, duration: record.end - record.start }
      const { statusCode, ...shown } = listedActivation(document, 1)
      assert.deepEqual(shown, expected)
      assert.equal(statusCode, record.end === undefined ? undefined : 1)
    }),
  )
})

test('numbers of a result pass as they were written', () => {
  const document = renderRecord({
    activationId: '0'.repeat(32) as ActivationId,
    namespace: 'guest' as NamespaceName,
    subject: 'guest',
    name: 'a',
    filter: 'a',
    version: '0.0.1',
    start: 1,
    end: 2,
    outcome: { statusCode: 0, resultJson: '{"n":123456789012345678901,"f":1.0}' },
    logsJson: '[]',
    annotationsJson: '[]',
  })
  assert.match(responseJson(document), /"n":123456789012345678901,"f":1\.0/)
})

test('a record whose fields are in another order is read all the same', () => {
  const document = '{"logs":["a"],"annotations":[],"response":{"success":true,"result":{"x":1}},"end":2,"name":"a"}'
  assert.equal(responseJson(document), '{"success":true,"result":{"x":1}}')
  assert.equal(logsJson(document), '["a"]')
  assert.deepEqual(listedActivation(document, 0), { annotations: [], end: 2, name: 'a', statusCode: 0 })
})
