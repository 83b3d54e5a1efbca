import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { KEYS } from './keys.ts'
import { renderConfigurationReference } from './reference.ts'

test('docs/configuration.md is what the schema says; run npm run docs', () => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
  assert.equal(page, renderConfigurationReference())
})

test('S2-1: every key has a description, a failure mode and an audience', () => {
  for (const { name, field } of KEYS) {
    assert.match(field.doc, /^[^a-z].*\.$/, name)
    assert.match(field.failure, /\S.*\.$/, name)
    assert.match(field.whom, /\S.*\.$/, name)
  }
})

test('each default is accepted by its own key', () => {
  for (const { name, field } of KEYS) assert.deepEqual(field.parse(field.default), field.default, name)
})
