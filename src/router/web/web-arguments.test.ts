import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { actionFixture, identityFixture } from '../../../test/action-fixture.ts'
import { Refusal } from '../../model/errors.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { Parameter } from '../../model/parameters.ts'
import type { Arguments } from '../arguments.ts'
import { contextMembers, RESERVED } from './context.ts'
import { decodeBody, rawBody } from './decode-body.ts'
import { matchWeb } from './target.ts'
import { rawArguments, webArguments } from './web-arguments.ts'

const TYPES = [
  'application/json',
  'application/x+json',
  'application/x-www-form-urlencoded',
  'text/plain',
  'text/plain; charset=latin1',
  'image/png',
  'multipart/form-data; boundary=x',
  '',
  'nonsense',
  'a/b',
  'a/b; charset=utf-8',
  undefined,
]
const target = matchWeb('/api/v1/web/guest/default/hello.json/a%20b') ?? assert.fail()
const request = { method: 'POST', rawHeaders: ['Host', 'h', 'X-A', 'é', 'x-a', '"\\'] }
const context = contextMembers(request, target, identityFixture())
const CONTEXT = {
  __ow_method: 'post',
  __ow_headers: { host: 'h', 'x-a': '"\\' },
  __ow_path: '/a%20b',
  __ow_user: 'guest',
}

const key = fc
  .oneof(
    fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', 'toString', 'ä', ''),
    fc.string({ maxLength: 4, unit: 'binary' }),
  )
  .filter((text) => !RESERVED.has(text))
const value = fc.jsonValue({ maxDepth: 3 }).map((made): JsonValue => {
  const parsed: JsonValue = JSON.parse(JSON.stringify(made))
  return parsed
})
const members = fc.array(fc.tuple(key, value), { maxLength: 6 })
const texts = fc.array(fc.tuple(key, fc.string({ unit: 'grapheme' })), { maxLength: 6 })

function argumentsIn({ bytes }: Arguments): ReadonlyMap<string, JsonValue | undefined> {
  assert.equal(bytes.includes('\n'), false)
  const object: JsonObject = JSON.parse(Buffer.from(bytes, 'latin1').toString('utf8'))
  return new Map(Object.entries(object))
}

/** Text of an object with these members, last of equal names winning, without the traps of building one. */
function objectText(entries: readonly (readonly [string, JsonValue])[], space: string): string {
  const inner = [...new Map(entries)].map(
    ([name, member]) => `${space}${JSON.stringify(name)}:${space}${JSON.stringify(member)}`,
  )
  return `${space}{${inner.join(',')}${space}}`
}

/** As it is after a way through UTF-8, in which there are no lone surrogates. */
function throughUtf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}

function encoded(pairs: readonly (readonly [string, string])[]): string {
  return pairs
    .map(([name, text]) => `${encodeURIComponent(throughUtf8(name))}=${encodeURIComponent(throughUtf8(text))}`)
    .join('&')
}

test('5.5: parameters below context below query below a JSON body', () => {
  const bound = fc.array(fc.record({ key, value }), { maxLength: 4 })
  const space = fc.constantFrom('', ' ', '\n\t')
  fc.assert(
    fc.property(bound, texts, members, space, (parameters: readonly Parameter[], query, body, blank) => {
      const action = actionFixture({ parameters: [...new Map(parameters.map((each) => [each.key, each])).values()] })
      const payload = {
        query: encoded(query),
        body: Buffer.from(objectText(body, blank)),
        contentType: 'application/json',
      }
      const expected = new Map<string, JsonValue | undefined>([
        ...parameters.map((each): [string, JsonValue] => [throughUtf8(each.key), each.value]),
        ...Object.entries(CONTEXT),
        ...query.map(([name, text]): [string, JsonValue] => [throughUtf8(name), throughUtf8(text)]),
        ...body,
      ])
      const found = argumentsIn(webArguments(action, context, payload))
      // Lone surrogates are written as escapes in JSON, and are no UTF-8 in a URL: not worth telling apart.
      const known = [...found].filter(([name]) => name === throughUtf8(name))
      for (const [name, member] of known) assert.deepEqual(member, expected.get(name), name)
      for (const name of expected.keys()) assert.ok(found.has(name), name)
    }),
  )
})

test('5.5: a form counts like a query, above it', () => {
  fc.assert(
    fc.property(texts, texts, (query, form) => {
      const payload = {
        query: encoded(query),
        body: Buffer.from(encoded(form)),
        contentType: 'application/x-www-form-urlencoded',
      }
      const expected = new Map<string, JsonValue>([
        ...Object.entries(CONTEXT),
        ...[...query, ...form].map(([name, text]): [string, string] => [throughUtf8(name), throughUtf8(text)]),
      ])
      assert.deepEqual(argumentsIn(webArguments(actionFixture(), context, payload)), expected)
    }),
  )
})

test('5.5, 5.6: whatever the body is, it is refused with 400 or there is JSON of it', () => {
  const body = fc.oneof(
    fc.uint8Array(),
    fc.json(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('{', '{"a":', 'null', '[]', 'a=%', '\ufeff{}'),
  )
  fc.assert(
    fc.property(body, fc.constantFrom(...TYPES), (content, contentType) => {
      const bytes = Buffer.from(typeof content === 'string' ? Buffer.from(content) : content)
      const payload = { query: '', body: bytes, contentType }
      assert.ok(argumentsIn(rawArguments(actionFixture(), context, payload)).has('__ow_body'))
      try {
        argumentsIn(webArguments(actionFixture(), context, payload))
      } catch (error) {
        assert.ok(error instanceof Refusal && error.status === 400, String(error))
      }
    }),
    { numRuns: 500 },
  )
})

test('5.6: bytes come back as they were', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1 }),
      fc.constantFrom('image/png', undefined, 'a/b'),
      (content, contentType) => {
        const bytes = Buffer.from(content)
        const text: string = JSON.parse(rawBody(bytes, contentType))
        assert.deepEqual(Buffer.from(text, 'base64'), bytes)
        assert.deepEqual(decodeBody(bytes, contentType), { type: 'value', bytes: rawBody(bytes, contentType) })
      },
    ),
  )
})
