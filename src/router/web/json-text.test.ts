import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonValue } from '../../model/json.ts'
import { isJsonObject } from '../../model/json.ts'
import { membersOf, stringIn } from './json-text.ts'
import { prettyJson } from './pretty-json.ts'

const value = fc.jsonValue({ maxDepth: 6, noUnicodeString: false }).map((made): JsonValue => {
  const parsed: JsonValue = JSON.parse(JSON.stringify(made))
  return parsed
})
const layout = fc.constantFrom<string | number | undefined>(undefined, 1, 4, '\t')

/** spray-json's printer as it is written there, over values. */
function printed(json: JsonValue, indent = 0): string {
  const inner = ' '.repeat(2 * (indent + 1))
  if (Array.isArray(json)) return `[${json.map((element: JsonValue) => printed(element, indent)).join(', ')}]`
  if (!isJsonObject(json)) return JSON.stringify(json)
  const members = Object.entries(json).map(
    ([name, member = null]) => `${inner}${JSON.stringify(name)}: ${printed(member, indent + 1)}`,
  )
  return `{\n${members.join(',\n')}\n${' '.repeat(2 * indent)}}`
}

test('correction 8: JSON is laid out as spray-json does, however it was laid out before', () => {
  fc.assert(
    fc.property(value, layout, (json, space) => {
      const compact: JsonValue = JSON.parse(JSON.stringify(json))
      assert.equal(prettyJson(JSON.stringify(json, null, space)), printed(compact))
    }),
  )
})

test('numbers, names and escapes stay as they are written', () => {
  assert.equal(
    prettyJson(String.raw`{"a\u0041":1.50e+3,"b":"\"{}[],:\\"}`),
    '{\n  "a\\u0041": 1.50e+3,\n  "b": "\\"{}[],:\\\\"\n}',
  )
})

test('an object that is nested without end does not grow without bound', () => {
  const depth = 100_000
  const text = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
  const out = prettyJson(text)
  assert.ok(out.length < text.length * 30, `${out.length}`)
  assert.equal(out.replaceAll(/\s/g, ''), text)
})

test('members of an object are cut out of its text, the last of equal names', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), value), layout, (object, space) => {
      const members = membersOf(JSON.stringify(object, null, space))
      const parsed = [...(members ?? [])].map(([name, text]): [string, JsonValue] => [name, JSON.parse(text)])
      const expected = Object.entries(object).map(([name, member]): [string, JsonValue] => [
        JSON.parse(JSON.stringify(name)),
        JSON.parse(JSON.stringify(member)),
      ])
      assert.deepEqual(new Map(parsed), new Map(expected))
    }),
  )
  assert.deepEqual(membersOf(String.raw`{"a":1 , "\u0061" : [ {"b":"]}"} ] }`), new Map([['a', '[ {"b":"]}"} ]']]))
})

test('what is no object has no members', () => {
  for (const text of ['[]', '[{"a":1}]', '"{}"', '1', 'null', 'true', '']) assert.equal(membersOf(text), undefined)
  assert.deepEqual(membersOf(' { } '), new Map())
})

test('a string is read, anything else is none', () => {
  assert.equal(stringIn(String.raw` "a\n\u00e9" `), 'a\né')
  for (const text of ['1', '["a"]', '{"a":"b"}', 'null']) assert.equal(stringIn(text), undefined)
})
