/** Invocations of a real server, row by row: which of several faults is told, what a body and a query may be, and what is answered. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { isJsonObject } from '../../src/model/json.ts'
import { assertConforms } from '../api/conformance.ts'
import type { Request, Response } from '../api/table.ts'
import { exchange } from '../api/table.ts'
import type { TestServer } from './server.ts'
import { GUEST, SYSTEM, dispose, startServer } from './server.ts'

interface Row extends Omit<Request, 'auth'> {
  /** Sections of the API specification. */
  readonly section: string
  readonly what: string
  /** default: POST */
  readonly method?: string
  /** Below the namespace `_`, unless it begins with a slash. */
  readonly path: string
  /** `uuid:key`, or `none`. default: that of guest */
  readonly key?: string
  readonly status: number
  /** `error` of the envelope. */
  readonly error?: string
  readonly expect?: (response: Response) => void
}

const MISSING = 'The requested resource does not exist.'
const OBJECT_EXPECTED = 'The request content was malformed:\nJSON object expected'
const NOT_ALLOWED = 'Request defines parameters that are not allowed (e.g., reserved properties).'
const TIMEOUT = "The query parameter 'timeout' was malformed:\nTimeout must be number of milliseconds up to 60000."
const ONLY_JSON = 'Resource representation is only available with these types:\napplication/json'
const NO_CREDENTIALS = 'The resource requires authentication, which was not supplied with the request'
const SYSTEM_ACTIONS = '/api/v1/namespaces/whisk.system/actions'
const forbidden = (resource: string): string => `The supplied authentication is not authorized to access '${resource}'.`
const LARGE = JSON.stringify({ x: 'y'.repeat(1 << 20) })
const TOO_LARGE = `Request larger than allowed: ${LARGE.length} > 1048576 bytes.`

const text =
  (expected: string) =>
  (response: Response): void =>
    assert.equal(response.text, expected)

const ORDER: readonly Row[] = [
  {
    section: '0.3',
    what: 'who calls comes before what the query has wrong',
    path: 'actions/echo?blocking=x',
    key: 'none',
    status: 401,
    error: NO_CREDENTIALS,
  },
  ...[
    { what: 'the body', body: '{' },
    { what: 'the type of the body', body: 'x', headers: { 'content-type': 'text/plain' } },
    { what: 'the size of the body', body: LARGE },
    { what: 'the query', query: '?blocking=x' },
  ].flatMap(({ what, query = '', ...request }): Row[] => [
    {
      section: '1.8, 4.9',
      what: `that an action is not the caller's comes before what ${what} has wrong`,
      path: `${SYSTEM_ACTIONS}/own${query}`,
      ...request,
      status: 403,
      error: forbidden('whisk.system/own'),
    },
    {
      section: '1.8, 4.9',
      what: `so does that a package of the caller's is missing (${what})`,
      path: `actions/nowhere/echo${query}`,
      ...request,
      status: 404,
      error: MISSING,
    },
    {
      section: '1.8, 7.4',
      what: `and that a trigger is somebody else's (${what})`,
      path: `/api/v1/namespaces/whisk.system/triggers/t${query}`,
      ...request,
      status: 403,
      error: forbidden('whisk.system/t'),
    },
  ]),
  {
    section: '4.9',
    what: 'the size comes before that the action is missing',
    path: 'actions/nothing',
    body: LARGE,
    status: 413,
    error: TOO_LARGE,
  },
  {
    section: '7.4',
    what: 'the size comes before that the trigger is missing',
    path: 'triggers/nothing',
    body: LARGE,
    status: 413,
    error: TOO_LARGE,
  },
  {
    section: '4.9',
    what: 'so does what the body has wrong',
    path: 'actions/nothing',
    body: [],
    status: 400,
    error: OBJECT_EXPECTED,
  },
  { section: '4.9', what: 'and the query', path: 'actions/nothing?timeout=0', status: 400, error: TIMEOUT },
  {
    section: '4.9',
    what: 'the body comes before the query',
    path: 'actions/echo?timeout=0',
    body: [],
    status: 400,
    error: OBJECT_EXPECTED,
  },
  { section: '4.10', what: 'a missing action', path: 'actions/nothing', status: 404, error: MISSING },
  {
    section: '4.10',
    what: 'a missing action in a package that others share',
    path: `${SYSTEM_ACTIONS}/utils/nothing`,
    status: 404,
    error: MISSING,
  },
]

const REQUESTS: readonly Row[] = [
  ...['0', '60001', '-1', '1.5', 'abc', ''].map((value): Row => ({
    section: '4.9',
    what: `timeout=${value}`,
    path: `actions/echo?blocking=true&timeout=${value}`,
    status: 400,
    error: TIMEOUT,
  })),
  {
    section: '4.9',
    what: 'a timeout that nobody waits for',
    path: 'actions/echo?timeout=x',
    status: 400,
    error: TIMEOUT,
  },
  { section: '4.9', what: 'the longest timeout', path: 'actions/echo?blocking=true&timeout=60000', status: 200 },
  {
    section: '0.5',
    what: 'a Boolean that is none',
    path: 'actions/echo?blocking=Maybe',
    status: 400,
    error: "The query parameter 'blocking' was malformed:\n'maybe' is not a valid Boolean value",
  },
  ...['YES', 'On', '1', 'true'].map((value): Row => ({
    section: '0.5',
    what: `blocking=${value}`,
    path: `actions/echo?blocking=${value}&result=${value}`,
    body: { a: 1 },
    status: 200,
    expect: text('{"a":1}'),
  })),
  ...['no', 'OFF', '0', 'false', ''].map((value): Row => ({
    section: '0.5',
    what: `blocking=${value}`,
    path: `actions/echo?blocking=${value}&result=true`,
    status: 202,
  })),
  ...['[1]', '"x"', '1', 'null', 'true'].map((body): Row => ({
    section: '4.9',
    what: `the body ${body}`,
    path: 'actions/echo?blocking=true',
    body,
    status: 400,
    error: OBJECT_EXPECTED,
  })),
  ...[undefined, 'application/json', 'text/plain'].map((type): Row => ({
    section: '4.9',
    what: `no body, of the type ${type}`,
    path: 'actions/echo?blocking=true&result=true',
    headers: { 'content-type': type },
    status: 200,
    expect: text('{}'),
  })),
  {
    section: '0.3',
    what: 'JSON in a character set',
    path: 'actions/echo?blocking=true&result=true',
    body: { a: 'ü' },
    headers: { 'content-type': 'application/json; charset=utf-8' },
    status: 200,
    expect: text('{"a":"ü"}'),
  },
  {
    section: '0.3',
    what: 'a body without a type',
    path: 'actions/echo?blocking=true',
    body: {},
    headers: { 'content-type': undefined },
    status: 415,
    error: "The request's Content-Type [application/octet-stream] is not supported. Expected:\napplication/json",
  },
  {
    section: '0.4, 2.1',
    what: 'a name of many characters',
    path: 'actions/my%20a@b.c&d-e?blocking=true&result=true',
    status: 200,
    expect: text('{}'),
  },
  {
    section: '4.9',
    what: 'a final parameter',
    path: 'actions/final?blocking=true',
    body: { fixed: 2 },
    status: 400,
    error: NOT_ALLOWED,
  },
  {
    section: '4.9, 14.13',
    what: 'a final parameter without a value',
    path: 'actions/final?blocking=true&result=true',
    body: { free: 2 },
    status: 200,
    expect: ({ json }) => assert.deepEqual(json, { fixed: 1, free: 2 }),
  },
]

const ANSWERS: readonly Row[] = [
  {
    section: '4.10',
    what: 'not waited for',
    path: 'actions/echo',
    status: 202,
    expect({ json, headers }) {
      assert.ok(isJsonObject(json))
      assert.deepEqual(Object.keys(json), ['activationId'])
      assert.equal(headers['x-openwhisk-activation-id'], json['activationId'])
    },
  },
  {
    section: '4.10, 8.1',
    what: 'waited for: the record, without logs',
    path: 'actions/says?blocking=true',
    status: 200,
    expect({ json, headers }) {
      assert.ok(isJsonObject(json))
      assert.deepEqual(Object.keys(json).toSorted(), [
        'activationId',
        'annotations',
        'duration',
        'end',
        'logs',
        'name',
        'namespace',
        'publish',
        'response',
        'start',
        'subject',
        'version',
      ])
      assert.deepEqual(json['logs'], [])
      assert.deepEqual(json['response'], { status: 'success', success: true, result: { a: 1 }, size: 7 })
      assert.equal(headers['x-openwhisk-activation-id'], json['activationId'])
    },
  },
  {
    section: '4.10, 13.2, 14.9',
    what: 'an error is 502 without a code, and all that it is',
    path: 'actions/fails?blocking=true&result=true',
    status: 502,
    expect: text('{"error":null}'),
  },
  {
    section: '4.10',
    what: 'the record of an error',
    path: 'actions/fails?blocking=true',
    status: 502,
    expect({ json }) {
      assert.ok(isJsonObject(json))
      assert.partialDeepStrictEqual(json['response'], { status: 'application error', result: { error: null } })
      assert.equal('code' in json, false)
    },
  },
  {
    section: '4.10, 14.8',
    what: 'a list is answered as it is',
    path: 'actions/list?blocking=true',
    status: 200,
    expect: text('[1,{"a":2}]'),
  },
  {
    section: '4.10',
    what: 'a wait that ends',
    path: 'actions/slow?blocking=true&timeout=20',
    status: 202,
    expect: ({ json }) => assert.ok(isJsonObject(json) && Object.keys(json).join() === 'activationId'),
  },
  ...['', '?blocking=true', '?blocking=true&result=true'].map((query): Row => ({
    section: '0.3',
    what: `Accept that excludes JSON (${query})`,
    path: `actions/echo${query}`,
    headers: { accept: 'text/html' },
    status: 406,
    error: ONLY_JSON,
  })),
  {
    section: '0.3',
    what: 'Accept does not hide an error of the action',
    path: 'actions/fails?blocking=true&result=true',
    headers: { accept: 'text/html' },
    status: 502,
    expect: text('{"error":null}'),
  },
  {
    section: '4.9, 6.6',
    what: 'package below binding below action below payload',
    path: 'actions/bound/merges?blocking=true',
    body: { d: 'payload' },
    status: 200,
    expect({ json }) {
      const result = { a: 'package', b: 'binding', c: 'action', d: 'payload' }
      assert.partialDeepStrictEqual(json, { name: 'merges', response: { result } })
      assert.ok(isJsonObject(json))
      assert.match(
        JSON.stringify(json['annotations']),
        /"path","value":"guest\/p\/merges".*"binding","value":"guest\/bound"/,
      )
    },
  },
]

const UNRUN: readonly Row[] = [
  {
    section: '4.11',
    what: 'an image, where no images are run, is an image that cannot be had',
    path: 'actions/image?blocking=true',
    status: 502,
    expect({ json }) {
      assert.partialDeepStrictEqual(json, {
        duration: 0,
        response: {
          status: 'action developer error',
          result: { error: "Failed to pull container image 'me/image:1'." },
        },
      })
      assert.ok(isJsonObject(json))
      assert.match(JSON.stringify(json['annotations']), /"kind","value":"blackbox"/)
    },
  },
  {
    section: '4.11, 4.12',
    what: 'in a sequence it ends that',
    path: 'actions/images?blocking=true',
    status: 502,
    expect({ json }) {
      assert.ok(isJsonObject(json) && Array.isArray(json['logs']))
      assert.equal(json['logs'].length, 2)
      assert.partialDeepStrictEqual(json['response'], { status: 'action developer error' })
    },
  },
]

describe('invocations', () => {
  let server: TestServer
  before(async () => {
    server = await startServer()
    const echo = 'function main(args) { return args }'
    const made = await Promise.all([
      server.put('echo', echo),
      server.put('my%20a@b.c&d-e', echo),
      server.put('says', 'function main() { console.log("said"); return { a: 1 } }'),
      server.put('fails', 'function main() { return { error: null, more: 1 } }'),
      server.put('list', 'function main() { return [1, { a: 2 }] }'),
      server.put('slow', 'const main = () => new Promise((resolve) => setTimeout(() => resolve({}), 500))'),
      server.put('final', echo, {
        parameters: [
          { key: 'fixed', value: 1 },
          { key: 'free', value: null },
        ],
        annotations: [{ key: 'final', value: true }],
      }),
      server.call('PUT', '/packages/p', { parameters: ['a', 'b', 'c', 'd'].map((key) => ({ key, value: 'package' })) }),
    ])
    const bound = ['b', 'c', 'd'].map((key) => ({ key, value: 'binding' }))
    made.push(
      await server.call('PUT', '/packages/bound', { binding: { namespace: '_', name: 'p' }, parameters: bound }),
    )
    const parameters = ['c', 'd'].map((key) => ({ key, value: 'action' }))
    made.push(await server.put('p/merges', echo, { parameters }))
    made.push(await server.call('PUT', '/actions/image', { exec: { kind: 'blackbox', image: 'me/image:1' } }))
    const components = ['/_/echo', '/_/image', '/_/echo']
    made.push(await server.call('PUT', '/actions/images', { exec: { kind: 'sequence', components } }))
    for (const { status, text: answer } of made) assert.equal(status, 200, answer)
    const own = { method: 'PUT', path: `${SYSTEM_ACTIONS}/own`, body: { exec: { kind: 'nodejs:default', code: echo } } }
    assert.equal((await send(own, SYSTEM)).status, 200)
  })
  after(async () => {
    await server.stop()
    dispose(server)
  })

  async function send(call: Request, key: string): Promise<Response> {
    const path = call.path.startsWith('/') ? call.path : `/api/v1/namespaces/_/${call.path}`
    const authorization = key === 'none' ? undefined : `Basic ${Buffer.from(key).toString('base64')}`
    const response = await exchange(Number(new URL(server.url).port), { method: 'POST', ...call, path }, authorization)
    assertConforms(call.method ?? 'POST', path, {
      status: response.status,
      contentType: response.headers['content-type'],
      requestId: response.headers['x-request-id'],
      text: response.text,
    })
    return response
  }

  for (const row of [...ORDER, ...REQUESTS, ...ANSWERS, ...UNRUN]) {
    test(`${row.section}: ${row.what}`, async () => {
      const { key = GUEST, status, error } = row
      const response = await send(row, key)
      assert.equal(response.status, status, response.text)
      assert.equal(response.headers['content-type'], 'application/json')
      if (error !== undefined) assert.deepEqual(response.json, { error, code: response.headers['x-request-id'] })
      row.expect?.(response)
    })
  }
})

test('S4-57: what changes while the body of a call comes holds for the call', async () => {
  const server = await startServer()
  try {
    await server.put('leaving', 'function main() { return {} }')
    const { port } = new URL(server.url)
    const headers = {
      authorization: `Basic ${Buffer.from(GUEST).toString('base64')}`,
      'content-type': 'application/json',
      'content-length': 2,
    }
    const path = '/api/v1/namespaces/_/actions/leaving?blocking=true'
    const outgoing = request({ port, host: '127.0.0.1', method: 'POST', path, headers, agent: false })
    const answered = once(outgoing, 'response')
    outgoing.flushHeaders()
    // Meanwhile the server has seen the action, or has not: it makes no difference.
    assert.equal((await server.call('DELETE', '/actions/leaving')).status, 200)
    outgoing.end('{}')
    const [response] = (await answered) as [IncomingMessage]
    assert.equal(response.statusCode, 404)
    response.resume()
  } finally {
    await server.stop()
    dispose(server)
  }
})

test('4.6: an action whose limits are above what the operator allows by now is kept, read and deleted, and not run', async () => {
  let server = await startServer()
  try {
    const limits = { memory: 512, timeout: 1000 }
    assert.equal((await server.put('large', 'function main() { return {} }', { limits })).status, 200)
    await server.stop()
    server = await startServer({ dataDir: server.dataDir, flags: ['--limits-memory-max', '256'] })
    for (const query of ['blocking=true', '']) {
      const { status, body } = await server.invoke('large', {}, query)
      assert.equal(status, query === '' ? 202 : 502)
      const { response } = await server.activation(body.activationId)
      assert.equal(response.status, 'application error')
      assert.deepEqual(response.result, { error: 'Action limit exceeded the system limit.' })
    }
    assert.partialDeepStrictEqual((await server.call('GET', '/actions/large')).body, { limits })
    assert.equal((await server.put('large', 'function main() { return {} }')).status, 200)
    assert.equal((await server.put('large', 'function main() { return {} }', { limits: { memory: 256 } })).status, 200)
    assert.equal((await server.invoke('large')).status, 200)
    assert.equal((await server.call('DELETE', '/actions/large')).status, 200)
  } finally {
    await server.stop()
    dispose(server)
  }
})
