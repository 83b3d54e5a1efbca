import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Refusal } from '../model/errors.ts'
import type { JsonValue } from '../model/json.ts'
import type { Parameter } from '../model/parameters.ts'
import { actionFixture } from '../../test/action-fixture.ts'
import { mergeArguments, parsePayload } from './arguments.ts'

const parse = (bytes: string): unknown => JSON.parse(Buffer.from(bytes, 'latin1').toString('utf8'))
const refusalOf = (act: () => unknown): Refusal => {
  try {
    act()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('nothing was refused')
}

test('an empty body is an empty object (spec 4.9)', () => {
  assert.equal(parsePayload(Buffer.alloc(0)).bytes, '{}')
})

test('arrays, scalars, null, bad JSON and bad UTF-8 are 400 (spec 4.9)', () => {
  for (const body of ['[1]', '3', 'null', '"x"']) {
    const { status, message } = refusalOf(() => parsePayload(Buffer.from(body)))
    assert.equal(status, 400)
    assert.equal(message, 'The request content was malformed:\nJSON object expected')
  }
  assert.equal(refusalOf(() => parsePayload(Buffer.from('{"a":'))).status, 400)
  assert.equal(refusalOf(() => parsePayload(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]))).status, 400)
})

const json = fc.jsonValue({ noUnicodeString: false }) as fc.Arbitrary<JsonValue>
const object = fc.dictionary(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }), json, {
  maxKeys: 5,
  noNullPrototype: true,
})
const plain = object.filter((value) => !Object.hasOwn(value, '__proto__'))

test('merging equals overlaying parsed objects, whatever was spliced (property)', () => {
  fc.assert(
    fc.property(plain, plain, fc.constantFrom(undefined, 1, 2), (bound, payload, indent) => {
      const parameters = Object.entries(bound).map(([key, value]): Parameter => ({ key, value }))
      const action = actionFixture({ parameters })
      const merged = mergeArguments(action, parsePayload(Buffer.from(JSON.stringify(payload, undefined, indent))))
      assert.equal(merged.bytes.includes('\n'), false)
      assert.deepEqual(parse(merged.bytes), JSON.parse(JSON.stringify({ ...bound, ...payload })))
    }),
  )
})

test('init parameters go to the environment, also when the payload sets them (spec 4.11)', () => {
  const action = actionFixture({
    parameters: [
      { key: 'A', value: { x: 1 }, init: true },
      { key: 'B', value: null, init: true },
      { key: 'c', value: 2 },
    ],
  })
  const merged = mergeArguments(action, parsePayload(Buffer.from('{"B":true,"d":3}')))
  assert.deepEqual(merged.initEnvironment, { A: '{"x":1}', B: 'true' })
  assert.deepEqual(parse(merged.bytes), { c: 2, d: 3 })
})

test('final parameters with a value cannot be set, those that are null can (spec 4.9)', () => {
  const action = actionFixture({
    parameters: [
      { key: 'fixed', value: 1 },
      { key: 'open', value: null },
    ],
    annotations: [{ key: 'final', value: true }],
  })
  const { status, message } = refusalOf(() => mergeArguments(action, parsePayload(Buffer.from('{"fixed":2}'))))
  assert.equal(status, 400)
  assert.equal(message, 'Request defines parameters that are not allowed (e.g., reserved properties).')
  assert.deepEqual(parse(mergeArguments(action, parsePayload(Buffer.from('{"open":2}'))).bytes), { fixed: 1, open: 2 })
})
