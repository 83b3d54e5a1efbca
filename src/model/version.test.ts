/** Versions: what is taken, what it becomes, and that they only go up. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Refusal } from './errors.ts'
import { nextPatch, parseVersion } from './version.ts'

const part = fc.nat({ max: 999_999_999 })

test('2.2: whole versions are kept, missing parts are 0, further parts dropped', () => {
  fc.assert(
    fc.property(part, part, part, (major, minor, patch) => {
      fc.pre(major + minor + patch > 0)
      assert.equal(parseVersion(`${major}.${minor}.${patch}`), `${major}.${minor}.${patch}`)
      assert.equal(parseVersion(`${major}.${minor}.${patch}.x`), `${major}.${minor}.${patch}`)
      assert.equal(nextPatch(parseVersion(`${major}.${minor}.${patch}`)), `${major}.${minor}.${patch + 1}`)
    }),
  )
  assert.equal(parseVersion('1'), '1.0.0')
  assert.equal(parseVersion('1.2'), '1.2.0')
})

test('2.2: anything else is malformed', () => {
  for (const value of ['', '0.0.0', '-1.0.0', '1.-2', 'a.b.c', '1..2', ' 1', 1, null, undefined, {}, ['1.0.0']]) {
    assert.throws(
      () => parseVersion(value),
      { message: 'The request content was malformed:\nsemantic version malformed' },
      JSON.stringify(value),
    )
  }
  fc.assert(
    fc.property(fc.anything(), (value) => {
      try {
        assert.match(parseVersion(value), /^\d+\.\d+\.\d+$/)
      } catch (error) {
        assert.ok(error instanceof Refusal)
      }
    }),
  )
})
