/** Parameters and annotations: parsing, merging, counting bytes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Refusal } from './errors.ts'
import { isTruthy } from './json.ts'
import { annotation, checkSize, mergeByKey, parseAnnotations, parseParameters, sizeOf } from './parameters.ts'

const key = fc.oneof(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.string())
const entry = fc.record({ key, value: fc.jsonValue() as fc.Arbitrary<never> })
const entries = fc.array(entry, { maxLength: 8 })

test('2.3: the last of equal keys wins, values are kept as they are', () => {
  fc.assert(
    fc.property(entries, (given) => {
      const last = new Map(given.map((one) => [one.key, one.value]))
      for (const parse of [parseParameters, parseAnnotations]) {
        const parsed = parse(given)
        assert.equal(parsed.length, last.size)
        for (const one of parsed) assert.deepEqual(one.value, last.get(one.key))
      }
    }),
  )
})

test('2.3: init is kept when it is true, annotations have none', () => {
  const value = 1
  assert.deepEqual(parseParameters([{ key: 'a', value, init: true }]), [{ key: 'a', value, init: true }])
  assert.deepEqual(parseParameters([{ key: 'a', value, init: false }]), [{ key: 'a', value }])
  assert.deepEqual(parseAnnotations([{ key: 'a', value, init: true }]), [{ key: 'a', value }])
})

test('2.3: anything parses or is malformed', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.array(fc.dictionary(key, fc.jsonValue()))), (value) => {
      try {
        parseParameters(value)
      } catch (error) {
        assert.ok(error instanceof Refusal)
        assert.equal(error.message, 'The request content was malformed:\nparameters malformed!')
      }
    }),
  )
})

test('4.8: a merge has every key once, the overlay’s value where both have it', () => {
  fc.assert(
    fc.property(entries, entries, (base, overlay) => {
      const expected = new Map([...base, ...overlay].map((one) => [one.key, one.value]))
      const merged = mergeByKey(base, overlay)
      assert.equal(merged.length, expected.size)
      for (const [name, value] of expected) assert.deepEqual(annotation(merged, name), value)
    }),
  )
})

test('2.3: sizes are UTF-8 bytes of keys and compact values', () => {
  assert.equal(sizeOf([{ key: 'é', value: { a: [1, 'ü'] } }]), 2 + Buffer.byteLength('{"a":[1,"ü"]}'))
  fc.assert(
    fc.property(entries, (given) => {
      const size = sizeOf(given)
      checkSize('parameters', given, size)
      if (size > 0) {
        const message = `parameters larger than allowed: ${size} > ${size - 1} bytes.`
        assert.throws(() => checkSize('parameters', given, size - 1), { status: 413, message })
      }
    }),
  )
})

test('14.7: OpenWhisk’s truth', () => {
  for (const value of [undefined, null, false, 0, '']) assert.equal(isTruthy(value), false)
  for (const value of [true, 1, 'false', {}, []]) assert.equal(isTruthy(value), true)
})
