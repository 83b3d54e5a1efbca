import assert from 'node:assert/strict'
import { packageEntity } from './web-entities.ts'
import type { WebRow } from './web-table.ts'
import { describeWebTable } from './web-table.ts'

const NOT_ALLOWED = {
  status: 400,
  error: 'Request defines parameters that are not allowed (e.g., reserved properties).',
}
const form = { 'content-type': 'application/x-www-form-urlencoded' }

const RESERVED = ['__ow_method', '__ow_headers', '__ow_path', '__ow_user', '__ow_query', '__ow_body']

const context: readonly WebRow[] = [
  {
    section: '5.4',
    what: 'method, headers and path, nothing else',
    headers: { 'X-Some': 'Value' },
    path: 'OWN/default/hello.json',
    status: 200,
    expect: (_, seen) => {
      const { __ow_headers: headers, ...rest } = seen?.args ?? {}
      assert.deepEqual(rest, { __ow_method: 'get', __ow_path: '' })
      assert.partialDeepStrictEqual(headers, { 'x-some': 'Value' })
    },
  },
  {
    section: '5.4',
    what: 'content-type is among the headers, the length is not',
    method: 'POST',
    body: { a: 1 },
    status: 204,
    expect: (_, seen) => {
      assert.partialDeepStrictEqual(seen?.args, { __ow_headers: { 'content-type': 'application/json' } })
      assert.equal(JSON.stringify(seen?.args).includes('content-length'), false)
    },
  },
  {
    section: '5.4',
    what: 'of several headers of a name the last counts',
    headers: { 'X-Twice': ['one', 'two'] },
    status: 204,
    given: { __ow_headers: { 'x-twice': 'two' } },
  },
  {
    section: '5.4',
    what: 'a header that is called like something of JavaScript',
    headers: { ['__proto__']: 'p', constructor: 'c' },
    status: 204,
    expect: (_, seen) => {
      const headers = JSON.stringify(seen?.args['__ow_headers'])
      assert.match(headers, /"__proto__":"p"/)
      assert.match(headers, /"constructor":"c"/)
    },
  },
  {
    section: '5.4',
    what: 'the header for more logging is for the platform alone',
    headers: { 'X-OW-EXTRA-LOGGING': 'on' },
    status: 204,
    expect: (_, seen) => assert.equal(JSON.stringify(seen?.args).includes('extra-logging'), false),
  },
  {
    section: '5.4',
    what: 'a header outside of ASCII',
    headers: { 'X-Name': 'Gr\u00fc\u00df' },
    status: 204,
    given: { __ow_headers: { 'x-name': 'Gr\u00fc\u00df' } },
  },
  {
    section: '5.4',
    what: 'the namespace of an authenticated caller',
    key: 'other',
    status: 204,
    given: { __ow_user: 'other' },
  },
  {
    section: '5.4',
    what: 'the context wins over parameters of those names',
    parameters: [
      { key: '__ow_method', value: 'bound' },
      { key: '__ow_user', value: 'bound' },
      { key: 'a', value: 1 },
    ],
    key: 'own',
    status: 204,
    expect: (_, seen, { namespace }) =>
      assert.partialDeepStrictEqual(seen?.args, { __ow_method: 'get', __ow_user: namespace, a: 1 }),
  },
]

const reserved: readonly WebRow[] = [
  ...RESERVED.map((name) => ({
    section: '5.7',
    what: `${name} in the query`,
    path: `OWN/default/hello?${name}=x`,
    status: 400,
    error: NOT_ALLOWED.error,
  })),
  ...RESERVED.map((name) => ({
    section: '5.7',
    what: `${name} in the body, whoever calls`,
    method: 'POST',
    body: { [name]: 'x' },
    key: 'own' as const,
    status: 400,
    error: NOT_ALLOWED.error,
  })),
  {
    section: '5.7',
    what: 'a reserved name in a form',
    method: 'POST',
    headers: form,
    body: '__ow_body=x',
    ...NOT_ALLOWED,
  },
  {
    section: '5.7',
    what: 'other names of that kind are free',
    path: 'OWN/default/hello?__ow_other=x',
    status: 204,
    given: { __ow_other: 'x' },
  },
  {
    section: '5.7',
    what: 'a final parameter in the query',
    annotations: { final: true },
    parameters: [{ key: 'a', value: 1 }],
    path: 'OWN/default/hello?a=2',
    ...NOT_ALLOWED,
    answers: { 'access-control-allow-origin': '*' },
  },
  {
    section: '5.7',
    what: 'a final parameter of the package in the body',
    annotations: { final: true },
    action: 'pkg/hello',
    prepare: (server, namespace) =>
      server.put(packageEntity(namespace, 'pkg', { parameters: [{ key: 'a', value: 1 }] })),
    method: 'POST',
    body: { a: 2 },
    ...NOT_ALLOWED,
  },
  {
    section: '5.7',
    what: 'a final parameter is delivered, one without a value may be supplied',
    annotations: { final: true },
    parameters: [
      { key: 'a', value: 1 },
      { key: 'b', value: null },
    ],
    path: 'OWN/default/hello?b=2',
    status: 204,
    given: { a: 1, b: '2' },
  },
]

const size: readonly WebRow[] = [
  {
    section: '5.8',
    what: "above the owner's limit of a payload",
    prepare: async (server, namespace) =>
      void (await server.administration.setLimits(namespace, { maxPayloadSize: '100 B' })),
    method: 'POST',
    key: 'other',
    body: { a: 'x'.repeat(100) },
    status: 413,
    error: 'Request larger than allowed: 108 > 100 bytes.',
  },
  {
    section: '5.8',
    what: 'before what the action requires',
    annotations: { 'require-whisk-auth': true },
    prepare: async (server, namespace) =>
      void (await server.administration.setLimits(namespace, { maxPayloadSize: '1 B' })),
    method: 'POST',
    body: '123',
    status: 413,
    error: 'Request larger than allowed: 3 > 1 bytes.',
  },
  {
    section: '5.8',
    what: 'a body whose length is not told is measured',
    prepare: async (server, namespace) =>
      void (await server.administration.setLimits(namespace, { maxPayloadSize: '2 B' })),
    method: 'POST',
    headers: { 'content-length': undefined, 'transfer-encoding': 'chunked' },
    body: '123',
    status: 413,
    error: 'Request larger than allowed: 3 > 2 bytes.',
  },
  {
    section: '0.6',
    what: 'above what any body may have',
    method: 'POST',
    body: 'x'.repeat(500_000),
    status: 400,
    text: 'Request too large',
  },
  {
    section: '5.8',
    what: 'a long URL that is not too long',
    path: `OWN/default/hello?a=${'x'.repeat(8000)}`,
    status: 204,
    given: { a: 'x'.repeat(8000) },
  },
  {
    section: '5.8',
    what: 'a URL above the limit of the server is left to whoever refuses those',
    path: `OWN/default/hello?a=${'x'.repeat(8192)}`,
    status: 418,
  },
]

describeWebTable('web actions: context, reserved names, size', [...context, ...reserved, ...size])
