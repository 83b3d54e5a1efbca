import assert from 'node:assert/strict'
import { createCipheriv, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonValue } from '../model/json.ts'
import { parseParameterKeys } from '../model/parameter-keys.ts'
import type { Parameter } from '../model/parameters.ts'
import type { ParameterCipher } from './parameter-cipher.ts'
import { createParameterCipher, UnreadableParameter } from './parameter-cipher.ts'

const SCHEMES = ['aes-128', 'aes-256'] as const
const newKey = (scheme: 'aes-128' | 'aes-256'): string => randomBytes(scheme === 'aes-128' ? 16 : 32).toString('base64')

function cipherOf(current: 'aes-128' | 'aes-256' | undefined, keys: Partial<Record<'aes-128' | 'aes-256', string>>) {
  return createParameterCipher({
    current,
    keys: SCHEMES.flatMap((scheme) => parseParameterKeys(scheme, keys[scheme] ?? '')),
  })
}

const entityOf = (parameters: readonly Parameter[]) => ({ entityType: 'action', name: 'a', parameters })
const textOf = (value: JsonValue | undefined): string => {
  assert.ok(typeof value === 'string')
  return value
}
const parameters = fc.uniqueArray(
  fc.record(
    {
      key: fc.string(),
      value: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as JsonValue),
      init: fc.constant(true as const),
    },
    { requiredKeys: ['key', 'value'], noNullPrototype: true },
  ),
  { selector: ({ key }) => key, maxLength: 5 },
)

for (const scheme of SCHEMES) {
  test(`2.4: what goes in comes out, and nothing of it is seen in between (${scheme})`, () => {
    const cipher = cipherOf(scheme, { [scheme]: newKey(scheme) })
    fc.assert(
      fc.property(parameters, (given) => {
        const sealed = cipher.seal(entityOf(given))
        for (const [at, { value, encryption, key, init }] of sealed.parameters.entries()) {
          assert.equal(encryption, scheme)
          assert.deepEqual([key, init], [given[at]?.key, given[at]?.init])
          assert.match(textOf(value), /^[A-Za-z0-9+/]+=*$/)
        }
        assert.deepEqual(cipher.open(sealed), entityOf(given))
        assert.deepEqual(cipher.seal(sealed), sealed)
      }),
    )
  })

  test(`2.4: every bit flip is found out (${scheme})`, () => {
    const cipher = cipherOf(scheme, { [scheme]: newKey(scheme) })
    const sealed = cipher.seal(entityOf([{ key: 'password', value: 'open sesame' }]))
    const bytes = Buffer.from(textOf(sealed.parameters[0]?.value), 'base64')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const changed = entityOf([{ key: 'password', value: flipped.toString('base64'), encryption: scheme }])
      assert.throws(() => cipher.open(changed), UnreadableParameter, `bit ${bit}`)
    }
    for (let length = 0; length < bytes.length; length++) {
      const value = bytes.subarray(0, length).toString('base64')
      assert.throws(() => cipher.open(entityOf([{ key: 'password', value, encryption: scheme }])), UnreadableParameter)
    }
  })
}

test('2.4: values that OpenWhisk wrote are read: length of the vector, vector, AES-GCM', () => {
  for (const [scheme, vectorBytes] of [
    ['aes-128', 12],
    ['aes-256', 128],
  ] as const) {
    const key = newKey(scheme)
    const vector = randomBytes(vectorBytes)
    const theirs = createCipheriv(`${scheme}-gcm`, Buffer.from(key, 'base64'), vector)
    const length = Buffer.from([0, 0, 0, vectorBytes])
    const bytes = [length, vector, theirs.update('{"a":[1,"ü"]}', 'utf8'), theirs.final(), theirs.getAuthTag()]
    const value = Buffer.concat(bytes).toString('base64')
    const { parameters: opened } = cipherOf(undefined, { [scheme]: key }).open(
      entityOf([{ key: 'k', value, encryption: scheme, init: true }]),
    )
    assert.deepEqual(opened, [{ key: 'k', value: { a: [1, 'ü'] }, init: true }])
  }
})

test('the same value looks different each time', () => {
  const cipher = cipherOf('aes-256', { 'aes-256': newKey('aes-256') })
  const plain = entityOf([{ key: 'k', value: 'v' }])
  assert.notEqual(cipher.seal(plain).parameters[0]?.value, cipher.seal(plain).parameters[0]?.value)
})

test('a fault of decryption names the parameter and neither value nor key', () => {
  const secret = newKey('aes-256')
  const sealed = cipherOf('aes-256', { 'aes-256': secret }).seal(entityOf([{ key: 'password', value: 'open sesame' }]))
  const other = cipherOf('aes-256', { 'aes-256': newKey('aes-256') })
  assert.throws(
    () => other.open(sealed),
    (error: unknown) => {
      assert.ok(error instanceof UnreadableParameter)
      assert.equal(error.told, "The parameter 'password' cannot be decrypted.")
      assert.ok(!error.message.includes(secret) && !error.message.includes(textOf(sealed.parameters[0]?.value)))
      return true
    },
  )
  assert.equal(other.counters.failures, 1)
})

test('rotation: old keys decrypt, the first encrypts, and renewing leaves nothing under old ones', () => {
  const [older, old, fresh, short] = [newKey('aes-256'), newKey('aes-256'), newKey('aes-256'), newKey('aes-128')]
  const value = { deep: ['value'] }
  const plain = entityOf([{ key: 'k', value }])
  const rotated = cipherOf('aes-256', { 'aes-256': `new:${fresh},old:${old},${older}`, 'aes-128': short })
  const before: readonly ParameterCipher[] = [
    cipherOf('aes-256', { 'aes-256': older }),
    cipherOf('aes-256', { 'aes-256': old }),
    cipherOf('aes-128', { 'aes-128': short }),
    cipherOf(undefined, {}),
  ]
  const onlyNew = cipherOf('aes-256', { 'aes-256': fresh })
  for (const cipher of before) {
    const stored = cipher.seal(plain)
    assert.deepEqual(rotated.open(stored), plain)
    const renewed = rotated.renew(stored)
    assert.deepEqual([renewed.changed, renewed.unreadable], [true, 0])
    assert.deepEqual(onlyNew.open(renewed.entity), plain)
    assert.equal(rotated.renew(renewed.entity).changed, false)
    // Encryption was turned off again.
    const off = createParameterCipher({ current: undefined, keys: parseParameterKeys('aes-256', fresh) })
    assert.deepEqual(off.renew(renewed.entity).entity, plain)
  }
  const foreign = cipherOf('aes-256', { 'aes-256': newKey('aes-256') }).seal(plain)
  assert.deepEqual(rotated.renew(foreign), { entity: foreign, changed: false, unreadable: 1 })
  const unknown = entityOf([{ key: 'k', value: 'as it is', encryption: 'rot13' }])
  assert.deepEqual(rotated.renew(unknown), { entity: unknown, changed: false, unreadable: 0 })
  assert.deepEqual(rotated.open(unknown), unknown)
})

test('keys are read from text, refused without being quoted', () => {
  const [one, two] = [newKey('aes-256'), newKey('aes-256')]
  assert.deepEqual(
    parseParameterKeys('aes-256', ` 2026:${one} , ${two} `).map(({ id, key }) => [
      id.length > 0,
      key.toString('base64'),
    ]),
    [
      [true, one],
      [true, two],
    ],
  )
  assert.equal(parseParameterKeys('aes-256', `2026:${one}`)[0]?.id, '2026')
  assert.deepEqual(parseParameterKeys('aes-256', ''), [])
  for (const wrong of [newKey('aes-128'), 'topsecret', `${one},${one}`, `a:${one},a:${two}`, `a b:${one}`, `${one}!`]) {
    assert.throws(
      () => parseParameterKeys('aes-256', wrong),
      (error: unknown) => error instanceof Error && !error.message.includes(wrong.slice(0, 8)),
    )
  }
})
