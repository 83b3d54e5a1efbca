/** Headers, targets, queries and bodies as text: examples from the specification, and properties over arbitrary input. */

import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { Refusal } from '../model/errors.ts'
import type { TransactionId } from '../model/ids.ts'
import { accepts } from './accept.ts'
import { parseBasicAuthorization } from './authorization.ts'
import { parseJson, parseJsonObject, requireJsonType } from './json-body.ts'
import { booleanParameter, listRange, parseInvokeQuery, queryValue } from './query.ts'
import { TransportRefusal } from './rejections.ts'
import { decodeSegment, splitTarget } from './request-target.ts'
import { transactionIdOf } from './transaction-id.ts'

const refuses =
  (message: string | RegExp, status = 400) =>
  (error: unknown) =>
    error instanceof Refusal &&
    error.status === status &&
    (typeof message === 'string' ? error.message === message : message.test(error.message))

describe('request target', () => {
  test('is split at the first question mark, authority dropped', () => {
    assert.deepEqual(splitTarget('/a/b?c=d?e'), { path: '/a/b', query: 'c=d?e' })
    assert.deepEqual(splitTarget('http://host:1/a?b'), { path: '/a', query: 'b' })
    assert.deepEqual(splitTarget('http://host'), { path: '/', query: '' })
  })

  test('0.6: too long is 414, a bad escape 400 with its column', () => {
    splitTarget(`/${'a'.repeat(8191)}`)
    assert.throws(() => splitTarget(`/${'a'.repeat(8192)}`), {
      status: 414,
      message: 'URI length exceeds the configured limit of 8192 characters',
    })
    assert.throws(() => splitTarget('/a%zz'), {
      status: 400,
      message: "Illegal request-target: Invalid input 'z', expected HEXDIG (line 1, column 4)",
    })
    assert.throws(() => splitTarget('/a?b=%2'), { status: 400 })
  })

  test('decoding undoes encoding, and never throws on what splitTarget lets through', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => decodeSegment(encodeURIComponent(text)) === text))
    fc.assert(
      fc.property(fc.array(fc.constantFrom('%', 'f', '0', 'z', '/', '?', '%c3', '%28', '%ff')), (parts) => {
        const url = `/${parts.join('')}`
        try {
          const { path } = splitTarget(url)
          decodeSegment(path)
        } catch (error) {
          assert.ok(error instanceof TransportRefusal)
        }
      }),
    )
  })
})

describe('query', () => {
  test('values are found as URLSearchParams finds them', () => {
    const key = fc.constantFrom('a', 'ab', 'blocking', 'b c', '')
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.string({ unit: 'grapheme' })), { maxLength: 5 }), key, (pairs, name) => {
        const query = new URLSearchParams(pairs).toString()
        assert.equal(queryValue(query, name), new URLSearchParams(query).get(name) ?? undefined)
      }),
    )
  })

  test('0.5: booleans', () => {
    for (const text of ['true', 'YES', 'on', '1']) assert.equal(booleanParameter(`x=${text}`, 'x', false), true)
    for (const text of ['false', 'No', 'off', '0']) assert.equal(booleanParameter(`x=${text}`, 'x', true), false)
    for (const query of ['', 'x', 'x=', 'y=1']) assert.equal(booleanParameter(query, 'x', true), true)
    const expected = "The query parameter 'blocking' was malformed:\n'maybe' is not a valid Boolean value"
    assert.throws(() => booleanParameter('blocking=Maybe', 'blocking', false), refuses(expected))
  })

  test('0.7: lists', () => {
    const range = (query: string) => listRange(query, 'actions', 30, 200)
    assert.deepEqual(range(''), { skip: 0, limit: 30, count: false })
    assert.deepEqual(range('limit=0&skip=5&count=true'), { skip: 5, limit: 200, count: true })
    for (const [query, name, detail] of [
      ['limit=201', 'limit', "The value '201' is not in the range of 0 to 200 for actions."],
      ['limit=-1', 'limit', "The value '-1' is not in the range of 0 to 200 for actions."],
      ['limit=foo', 'limit', "The value 'foo' is not an integer for actions."],
      ['limit=1.5', 'limit', "The value '1.5' is not an integer for actions."],
      ['limit=', 'limit', "The value '' is not an integer for actions."],
      ['limit=2147483648', 'limit', "The value '2147483648' is not an integer for actions."],
      ['skip=-1', 'skip', "The value '-1' is not greater than or equal to 0 for actions."],
      ['skip=-1&limit=foo', 'skip', "The value '-1' is not greater than or equal to 0 for actions."],
    ] as const) {
      assert.throws(() => range(query), refuses(`The query parameter '${name}' was malformed:\n${detail}`))
    }
  })

  test('4.9: invokes', () => {
    const text = "The query parameter 'timeout' was malformed:\nTimeout must be number of milliseconds up to 60000."
    assert.deepEqual(parseInvokeQuery('', 60_000), { blocking: false, result: false, timeoutMs: 60_000 })
    assert.deepEqual(parseInvokeQuery('blocking=true&result=1&timeout=5', 60_000), {
      blocking: true,
      result: true,
      timeoutMs: 5,
    })
    for (const bad of ['0', '60001', 'abc', '-1', '', '1e3']) {
      assert.throws(() => parseInvokeQuery(`timeout=${bad}`, 60_000), refuses(text))
    }
  })

  test('any query either parses or is refused with 400', () => {
    fc.assert(
      fc.property(fc.string(), (query) => {
        try {
          parseInvokeQuery(query, 60_000)
          listRange(query, 'actions', 30, 200)
        } catch (error) {
          assert.ok(error instanceof Refusal && error.status === 400)
        }
      }),
    )
  })
})

describe('credentials', () => {
  const uuid = '23bc46b1-71f6-4ed5-8c54-816aa4f8c502'
  const key = 'k'.repeat(64)
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`

  test('1.7: a pair, nothing, and what cannot be a pair', () => {
    assert.deepEqual(parseBasicAuthorization(basic(`${uuid}:${key}`)), { uuid, key })
    assert.deepEqual(parseBasicAuthorization(basic(`${uuid}:${key}`).replace('Basic', 'bAsic')), { uuid, key })
    for (const header of [undefined, '', 'Bearer x', 'Basically x']) {
      assert.equal(parseBasicAuthorization(header), 'missing')
    }
    for (const pair of ['', ':', uuid, `${uuid}:${key}k`, `${uuid}:${key.slice(1)}`, `x${uuid}:${key}`, `:${key}`]) {
      assert.equal(parseBasicAuthorization(basic(pair)), 'malformed')
    }
    assert.equal(parseBasicAuthorization('Basic'), 'malformed')
    assert.equal(parseBasicAuthorization(`Basic ${'%'.repeat(1000)}`), 'malformed')
  })

  test('no header makes it throw', () => {
    fc.assert(fc.property(fc.string(), (text) => parseBasicAuthorization(`Basic ${text}`) !== 'missing'))
  })
})

test('1.6: inbound transaction ids are kept when they can be repeated safely', () => {
  const ids = { transactionId: () => 'new' as TransactionId }
  const of = (value: string) =>
    transactionIdOf({ headers: { 'x-request-id': value } } as unknown as IncomingMessage, ids)
  assert.equal(of('aB-9_x.y'), 'aB-9_x.y')
  for (const bad of ['sid_x', '', 'a b', 'a"b', 'é', 'x'.repeat(129), 'a, b']) assert.equal(of(bad), 'new')
})

describe('JSON bodies', () => {
  test('0.3: content types', () => {
    requireJsonType('application/json')
    requireJsonType('Application/JSON; charset=iso-8859-1')
    const text = (given: string) =>
      `The request's Content-Type [${given}] is not supported. Expected:\napplication/json`
    assert.throws(() => requireJsonType(undefined), refuses(text('application/octet-stream'), 415))
    assert.throws(() => requireJsonType('text/plain; charset=UTF-8'), refuses(text('text/plain; charset=UTF-8'), 415))
    assert.throws(() => requireJsonType('application/vnd.x+json'), refuses(text('application/vnd.x+json'), 415))
  })

  test('0.3, correction 1: bodies that are no JSON', () => {
    const malformed = refuses(/^The request content was malformed:\n./)
    assert.throws(() => parseJson(Buffer.alloc(0)), refuses(/malformed:\nUnexpected end-of-input at input index 0 /))
    for (const text of ['{', '{"a":1', 'nul', '{"a":1}}', "{'a':1}"]) {
      assert.throws(() => parseJson(Buffer.from(text)), malformed)
    }
    assert.throws(() => parseJson(Buffer.from([0x22, 0xff, 0x22])), malformed)
    assert.throws(() => parseJson(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])), malformed)
    assert.throws(() => parseJson(Buffer.from('['.repeat(100_000) + ']'.repeat(100_000))), malformed)
    assert.throws(() => parseJson(Buffer.from('{"a":'.repeat(1001) + '1' + '}'.repeat(1001))), malformed)
  })

  test('4.9: an invocation takes an object or nothing', () => {
    assert.equal(parseJsonObject(Buffer.alloc(0), 'text/plain'), undefined)
    assert.deepEqual(parseJsonObject(Buffer.from('{"a":"ü"}'), 'application/json'), { a: 'ü' })
    for (const text of ['[]', '1', 'null', '"x"']) {
      const message = 'The request content was malformed:\nJSON object expected'
      assert.throws(() => parseJsonObject(Buffer.from(text), 'application/json'), refuses(message))
    }
  })

  test('JSON survives; any bytes parse or are refused', () => {
    fc.assert(fc.property(fc.json(), (text) => assert.deepEqual(parseJson(Buffer.from(text)), JSON.parse(text))))
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        try {
          parseJson(Buffer.from(bytes))
        } catch (error) {
          assert.ok(error instanceof Refusal && error.status === 400)
        }
      }),
    )
  })
})

test('0.3: Accept', () => {
  const json = (header: string | undefined) => accepts(header, 'application', 'json')
  for (const header of [undefined, '*/*', 'application/json', 'application/*', 'text/html, */*;q=0.1', '???']) {
    assert.equal(json(header), true, header)
  }
  for (const header of ['text/html', 'application/json;q=0, */*', 'text/*, image/png', '*/*;q=0']) {
    assert.equal(json(header), false, header)
  }
})
