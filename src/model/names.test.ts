/** Names: the grammar as OpenWhisk states it, against arbitrary text. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Refusal } from './errors.ts'
import type { NamespaceName } from './names.ts'
import { formatPath, isLegalName, parseEntityName, parseFullyQualifiedName, parseNamespaceName } from './names.ts'

/** The regular expression of the specification, unchanged. */
const GRAMMAR = /^([\w]|[\w][\w@ .&-]{0,254}[\w@.&-])$/
const caller = 'guest' as NamespaceName
const candidate = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom('a', 'Z', '0', '_', '@', ' ', '.', '&', '-', '/', '\n', 'é'), maxLength: 6 }),
  fc.integer({ min: 250, max: 260 }).map((length) => 'x'.repeat(length)),
)
const legal = fc.stringMatching(/^\w([\w@ .&-]{0,20}[\w@.&-])?$/)

test('2.1: a name is legal when the grammar says so, and parsing agrees', () => {
  fc.assert(
    fc.property(candidate, (text) => {
      const expected = GRAMMAR.test(text) && !text.endsWith('\n')
      assert.equal(isLegalName(text), expected)
      for (const parse of [parseEntityName, parseNamespaceName]) {
        if (expected) assert.equal(parse(text), text)
        else
          assert.throws(
            () => parse(text),
            (error) => error instanceof Refusal && error.status === 400,
          )
      }
    }),
  )
})

test('2.1: fully qualified names survive formatting, with any slashes between', () => {
  fc.assert(
    fc.property(legal, fc.option(legal), legal, fc.constantFrom('/', '//'), (namespace, packageName, name, slash) => {
      fc.pre(namespace !== '_')
      const segments = [namespace, ...(packageName === null ? [] : [packageName]), name]
      const parsed = parseFullyQualifiedName(slash + segments.join(slash), caller)
      assert.equal(formatPath(parsed), segments.join('/'))
    }),
  )
})

test('1.8: _ is the caller’s namespace', () => {
  assert.deepEqual(parseFullyQualifiedName('/_/a', caller), { namespace: 'guest', name: 'a' })
})

test('any text is a qualified name or a refusal', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseFullyQualifiedName(text, caller)
      } catch (error) {
        assert.ok(error instanceof Refusal && error.status === 400)
      }
    }),
  )
})
