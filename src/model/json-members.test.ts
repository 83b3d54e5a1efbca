import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isArrayText, isObjectText, membersOf, objectOf } from './json-members.ts'

const text = fc.string({ unit: fc.constantFrom('a', 'é', '"', '\\', '{', '}', '[', ']', ',', ':', ' ', '\n', '😀') })
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    text,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value
const object = fc.dictionary(text, value, { maxKeys: 5, noNullPrototype: true })

test('members are those that JSON.parse finds, however the text is set (property)', () => {
  fc.assert(
    fc.property(object, fc.constantFrom(undefined, 1, 3), (given, indent) => {
      const json = JSON.stringify(given, undefined, indent)
      const members = membersOf(json)
      const parsed: Record<string, unknown> = JSON.parse(json)
      assert.deepEqual([...members.keys()].toSorted(), Object.keys(parsed).toSorted())
      for (const [key, member] of members) assert.deepEqual(JSON.parse(member), parsed[key])
      assert.deepEqual(JSON.parse(objectOf(members)), parsed)
    }),
  )
})

test('what JavaScript cannot hold passes unchanged, and of equal keys the last counts', () => {
  const members = membersOf('{"big":12345678901234567890.10, "a" : 1,"a":2}')
  assert.equal(members.get('big'), '12345678901234567890.10')
  assert.equal(members.get('a'), '2')
  assert.equal(membersOf(' { } ').size, 0)
})

test('texts of arrays and of objects are told apart', () => {
  assert.deepEqual([isArrayText(' [1]'), isArrayText('{"a":[]}'), isArrayText('"["')], [true, false, false])
  assert.deepEqual([isObjectText('\n{}'), isObjectText('[{}]'), isObjectText('1')], [true, false, false])
})
