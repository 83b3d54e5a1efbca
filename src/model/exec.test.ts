/** Code that counts as binary, names that are images, limits that operators set. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Refusal } from './errors.ts'
import { isBinary } from './exec.ts'
import { isImageReference } from './image-reference.ts'
import type { JsonObject } from './json.ts'
import { changeLimits, LIMIT_NAMES } from './limits-input.ts'

/** OpenWhisk's rule as it is written: fine for short text. */
const STRICT_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const nearBase64 = fc.string({ unit: fc.constantFrom('a', 'Z', '9', '+', '/', '=', ' ', '-', '\n') })

test('4.5: binary is what strict base64 is', () => {
  fc.assert(
    fc.property(fc.oneof(nearBase64, fc.base64String(), fc.string()), (code) => {
      assert.equal(isBinary(code), code.trim() !== '' && STRICT_BASE64.test(code.trim()))
    }),
  )
  assert.equal(isBinary(' abcd\n'), true)
  assert.equal(isBinary('a=bc'), false)
})

test('4.5: an archive of many megabytes is looked at without a stack', () => {
  assert.equal(isBinary('A'.repeat(4_000_000)), true)
  assert.equal(isBinary(`${'A'.repeat(3_999_999)}!`), false)
})

test('4.5: image names', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  for (const image of [
    'a',
    'openwhisk/dockerskeleton',
    'openwhisk/action-nodejs-v20:nightly',
    'localhost/a',
    'localhost:5000/a/b_c.d--e:1.0',
    'Registry.Example.com:443/a',
    `a/b@${digest}`,
    `a:tag@${digest}`,
  ]) {
    assert.equal(isImageReference(image), true, image)
  }
  for (const image of [
    '',
    'A',
    'a/B',
    'a//b',
    '/a',
    'a/',
    'a:',
    'a: b',
    'a b',
    `a@${digest}@${digest}`,
    'a@sha256:1',
    '-a',
    'a..b',
    'a:5/b/C',
    'x'.repeat(501),
    'a\n',
    '--privileged',
  ]) {
    assert.equal(isImageReference(image), false, image)
  }
  fc.assert(fc.property(fc.string(), (text) => typeof isImageReference(text) === 'boolean'))
})

test('11.1: limits are set one by one, removed by null, and stay in order', () => {
  assert.deepEqual(changeLimits({ firesPerMinute: 1 }, { invocationsPerMinute: 0, maxPayloadSize: '1 MB' }), {
    firesPerMinute: 1,
    invocationsPerMinute: 0,
    maxPayloadSize: '1 MB',
  })
  assert.deepEqual(changeLimits({ firesPerMinute: 1 }, { firesPerMinute: null }), {})
  for (const change of [
    { invocationsPerMinute: -1 },
    { invocationsPerMinute: 1.5 },
    { allowedKinds: 'nodejs:20' },
    { allowedKinds: [1] },
    { storeActivations: 'no' },
    { maxParameterSize: 'much' },
    { warmedContainerKeepingTimeout: 'long' },
    { unknown: 1 },
    JSON.parse('{"__proto__":1}') as JsonObject,
    { constructor: 1 },
    { minActionMemory: 512, maxActionMemory: 256 },
  ]) {
    assert.throws(
      () => changeLimits({}, change),
      (error) => error instanceof Refusal && error.status === 400,
      JSON.stringify(change),
    )
  }
  assert.equal(LIMIT_NAMES.length, 19)
})
