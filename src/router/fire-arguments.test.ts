import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '../model/json.ts'
import { fireArguments, firedHeaders } from './fire-arguments.ts'
import type { JournalledFire } from './fire-entries.ts'

function fireOf(parameters: JsonObject, headers: JsonObject, payload: string): JournalledFire {
  return {
    type: 'fire',
    transactionId: 'tid',
    uuid: 'u',
    key: 'k',
    namespace: 'guest',
    subject: 'guest',
    trigger: { name: 't', version: '0.0.1' },
    payload,
    logs: [],
    headers,
    parameters,
    rules: [],
  }
}

const member = fc.constantFrom('a', 'b', '__ow_headers', '__proto__', 'constructor', 'ü', '"')
const value = fc.jsonValue({ maxDepth: 1 })
const object = fc.array(fc.tuple(member, value), { maxLength: 5 }).map((entries): JsonObject => {
  // By way of JSON, so that no name is anything but a name.
  const text = [...new Map(entries)].map(([key, held]) => `${JSON.stringify(key)}:${JSON.stringify(held)}`).join(',')
  return JSON.parse(`{${text}}`) as JsonObject
})

test('7.5: parameters of the trigger, below __ow_headers, below the payload', () => {
  fc.assert(
    fc.property(object, object, object, fc.nat(2), (parameters, headers, payload, indent) => {
      const { object: merged, bytes } = fireArguments(
        fireOf(parameters, headers, JSON.stringify(payload, null, indent)),
      )
      const expected = new Map<string, unknown>([
        ...Object.entries(parameters),
        ['__ow_headers', headers],
        ...Object.entries(payload),
      ])
      assert.deepEqual(new Map(Object.entries(merged)), expected)
      assert.deepEqual(JSON.parse(Buffer.from(bytes, 'latin1').toString('utf8')), merged)
    }),
  )
})

test('15.1: numbers of the payload stay as they were written', () => {
  const { bytes } = fireArguments(fireOf({ p: 1 }, {}, '{ "n": 12345678901234567890, "f": 1.0 }'))
  assert.equal(bytes, '{"p":1,"__ow_headers":{}, "n": 12345678901234567890, "f": 1.0 }')
})

test('7.5: headers by their lower-case names, without the key of who fires', () => {
  const headers = { authorization: 'Basic x', 'x-github-event': 'push', 'set-cookie': ['a=1', 'b=2'], none: undefined }
  assert.deepEqual(firedHeaders(headers), { 'x-github-event': 'push', 'set-cookie': 'a=1, b=2' })
})
