import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ActivationId } from '../model/ids.ts'
import type { NamespaceName } from '../model/names.ts'
import type { StatusCode } from '../model/activation.ts'
import { lineOf, lineOfRecord, parseLine, rowsOf } from './activation-lines.ts'
import type { ActivationRow } from './activation-store.ts'

const name = fc.stringMatching(/^[\w][\w@ .-]{0,30}[\w@.-]$/)
const row: fc.Arbitrary<ActivationRow> = fc
  .record({
    activationId: fc.stringMatching(/^[0-9a-f]{32}$/),
    namespace: name,
    filter: fc.oneof(
      name,
      fc.tuple(name, name).map((parts) => parts.join('/')),
    ),
    start: fc.integer({ min: 0 }),
    statusCode: fc.constantFrom<StatusCode>(0, 1, 2, 3),
    result: fc.json(),
  })
  .map(({ activationId, namespace, filter, start, statusCode, result }) => ({
    activationId: activationId as ActivationId,
    namespace: namespace as NamespaceName,
    filter,
    start,
    statusCode,
    document: `{"response":${result},"logs":["]","\\n","é\u2028"],"annotations":[]}`,
  }))

test('rows come out of lines as they went in, read with trust and without', () => {
  fc.assert(
    fc.property(fc.array(row), (rows) => {
      const lines = rows.map((each) => lineOf(each))
      assert.deepEqual(rowsOf(lines.join('')), rows)
      assert.deepEqual(
        lines.map((line) => parseLine(line.slice(0, -1))),
        rows,
      )
    }),
  )
})

test('no beginning of a line is taken for the line', () => {
  fc.assert(
    fc.property(row, fc.nat(), (each, cut) => {
      const line = lineOf(each).slice(0, -1)
      assert.equal(parseLine(line.slice(0, cut % line.length)), undefined)
    }),
  )
})

test('a result that was answered over several lines is kept in one', () => {
  const line = lineOfRecord({
    activationId: '0'.repeat(32) as ActivationId,
    namespace: 'guest' as NamespaceName,
    subject: 'guest',
    name: 'a',
    filter: 'a',
    version: '0.0.1',
    start: 1,
    outcome: { statusCode: 0, resultJson: '{\n  "text": "a\\nb"\n}' },
    logsJson: '[]',
    annotationsJson: '[]',
  })
  const [stored] = rowsOf(line)
  const { response } = JSON.parse(stored?.document ?? '') as { response: { result: unknown } }
  assert.deepEqual(response.result, { text: 'a\nb' })
  assert.equal(line.indexOf('\n'), line.length - 1)
})
