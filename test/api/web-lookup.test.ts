import assert from 'node:assert/strict'
import type { Response } from './table.ts'
import { exchange } from './table.ts'
import { bindingTo, packageEntity } from './web-entities.ts'
import type { Seen, WebRow } from './web-table.ts'
import { describeWebTable, webAction } from './web-table.ts'
import type { WebServer } from './web-server.ts'

const NOT_FOUND = { status: 404, error: 'The requested resource does not exist.' }
const UNAUTHORIZED = {
  status: 401,
  error: 'Authentication is possible but has failed or not yet been provided.',
  answers: { 'www-authenticate': undefined, 'access-control-allow-origin': '*' },
}
const NO_CORS = {
  'access-control-allow-origin': undefined,
  'access-control-allow-methods': undefined,
  'access-control-allow-headers': undefined,
}
const url: readonly WebRow[] = [
  { section: '5.1', what: 'an action of the default package', returns: { body: 'hi' }, status: 200, text: 'hi' },
  {
    section: '5.1',
    what: 'an action of a package, which may be private',
    action: 'pkg/hello',
    prepare: (server, namespace) => server.put(packageEntity(namespace, 'pkg')),
    returns: { body: 'packaged' },
    status: 200,
    text: 'packaged',
  },
  { section: '5.1', what: 'no namespace `_`', path: '_/default/hello', key: 'own', ...NOT_FOUND },
  { section: '5.1', what: 'two segments are no web action', path: 'OWN/hello', status: 418 },
  { section: '5.1', what: 'an empty segment is no web action', path: 'OWN/default/', status: 418 },
  { section: '5.1', what: 'an illegal name is no web action', path: 'OWN/default/$hello', status: 418 },
  ...['http', 'json', 'html', 'svg', 'text'].map((extension) => ({
    section: '5.1',
    what: `extension .${extension}`,
    path: `OWN/default/hello.${extension}`,
    returns: { body: 'x' },
    status: 200,
  })),
  { section: '5.1', what: 'without an extension it is .http', returns: { statusCode: 201, body: 'x' }, status: 201 },
  { section: '5.1', what: 'an unknown extension is part of the name', path: 'OWN/default/hello.xml', ...NOT_FOUND },
  {
    section: '5.1',
    what: 'an action whose name ends in .xml',
    action: 'default/hello.xml',
    returns: { body: 'x' },
    status: 200,
  },
  {
    section: '5.1',
    what: 'an action whose name ends in .json is called as .json.http',
    action: 'default/data.json',
    path: 'OWN/default/data.json.http',
    returns: { statusCode: 203, body: 'x' },
    status: 203,
  },
  {
    section: '5.1',
    what: 'an action whose name ends in .json, by its name',
    action: 'default/data.json',
    ...NOT_FOUND,
  },
  {
    section: '5.1',
    what: 'extensions are told from upper case',
    path: 'OWN/default/hello.JSON',
    ...NOT_FOUND,
  },
  {
    section: '5.1',
    what: 'segments are decoded once',
    action: 'default/my action',
    path: 'OWN/default/my%20action.json',
    returns: { a: 1 },
    status: 200,
  },
  {
    section: '5.1',
    what: 'the rest of the path is handed over as it was sent',
    path: 'OWN/default/hello.json/a%20b/%2F/c.html/',
    given: { __ow_path: '/a%20b/%2F/c.html/' },
    status: 200,
  },
  {
    section: '5.1',
    what: 'a slash is a path',
    path: 'OWN/default/hello.json/',
    given: { __ow_path: '/' },
    status: 200,
  },
  ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((method) => ({
    section: '5.1',
    what: `method ${method}`,
    method,
    given: { __ow_method: method.toLowerCase() },
    status: 204,
  })),
  {
    section: '0.4',
    what: 'other methods are 405',
    method: 'TRACE',
    status: 405,
    error: 'HTTP method not allowed, supported methods: GET, DELETE, POST, PUT, HEAD, OPTIONS, PATCH',
    answers: { allow: 'GET, DELETE, POST, PUT, HEAD, OPTIONS, PATCH', ...NO_CORS },
  },
]

const lookUp: readonly WebRow[] = [
  { section: '5.2', what: 'unknown namespace', path: 'nobody/default/hello', ...NOT_FOUND, answers: NO_CORS },
  { section: '5.2', what: 'missing action', path: 'OWN/default/other', ...NOT_FOUND, answers: NO_CORS },
  { section: '5.2', what: 'missing package', path: 'OWN/pkg/hello', ...NOT_FOUND, answers: NO_CORS },
  { section: '5.2', what: 'not exported', annotations: { 'web-export': false }, ...NOT_FOUND, answers: NO_CORS },
  ...[undefined, 'true', 1, {}].map((value) => ({
    section: '5.2',
    what: `web-export ${JSON.stringify(value)} does not export`,
    annotations: { 'web-export': value ?? null },
    key: 'own' as const,
    status: 404,
    error: NOT_FOUND.error,
    expect: (_: Response, seen: Seen | undefined) => assert.equal(seen, undefined),
  })),
  {
    section: '1.9',
    what: 'something of that name that is no action',
    path: 'OWN/default/pkg',
    prepare: (server, namespace) => server.put(packageEntity(namespace, 'pkg')),
    ...NOT_FOUND,
  },
  {
    section: '5.2',
    what: 'a blocked owner is unknown',
    prepare: (server, namespace) => server.administration.setBlocked(namespace, true),
    ...NOT_FOUND,
  },
  {
    section: '5.2',
    what: 'annotations of the package do not matter',
    action: 'pkg/hello',
    annotations: { 'web-export': false },
    prepare: (server, namespace) =>
      server.put(packageEntity(namespace, 'pkg', { annotations: [{ key: 'web-export', value: true }] })),
    ...NOT_FOUND,
  },
  {
    section: '5.2',
    what: 'through a binding to an own package, its parameters merged',
    path: 'OWN/bound/hello.json',
    action: 'pkg/hello',
    parameters: [{ key: 'c', value: 'action' }],
    prepare: async (server, namespace) => {
      const parameters = ['a', 'b', 'c', 'd'].map((key) => ({ key, value: 'package' }))
      await server.put(packageEntity(namespace, 'pkg', { parameters }))
      const own = ['b', 'c', 'd'].map((key) => ({ key, value: 'binding' }))
      await server.put(packageEntity(namespace, 'bound', { ...bindingTo(namespace, 'pkg'), parameters: own }))
    },
    returns: (args) => ({ value: { a: args['a'] ?? 0, b: args['b'] ?? 0, c: args['c'] ?? 0 } }),
    status: 200,
    given: { a: 'package', b: 'binding', c: 'action', d: 'binding' },
  },
  {
    section: '5.2',
    what: 'through a binding the namespace of the URL pays, and has the record',
    path: 'OWN/bound/shared',
    prepare: async (server, namespace) => {
      await server.put(packageEntity('other', `pkg-${namespace}`, { publish: true }))
      await server.put(webAction(`other/pkg-${namespace}/shared`))
      await server.put(packageEntity(namespace, 'bound', bindingTo('other', `pkg-${namespace}`)))
    },
    status: 204,
    expect: (_, __, { server, namespace }) => {
      const last = server.records.at(-1)
      assert.equal(last?.identity.namespace, namespace)
      assert.equal(last?.record.namespace, namespace)
      assert.match(last?.record.annotationsJson ?? '', /"key":"path","value":"other\/pkg-user-\d+\/shared"/)
      assert.match(last?.record.annotationsJson ?? '', /"key":"binding","value":"user-\d+\/bound"/)
    },
  },
  {
    section: '5.2',
    what: 'a binding whose provider is gone',
    path: 'OWN/bound/shared',
    prepare: (server, namespace) => server.put(packageEntity(namespace, 'bound', bindingTo('other', 'never'))),
    ...NOT_FOUND,
  },
  {
    section: '5.2',
    what: 'a binding whose provider is not shared any more names the provider',
    path: 'OWN/bound/hidden',
    prepare: async (server, namespace) => {
      await server.put(packageEntity('other', 'hidden-pkg'))
      await server.put(webAction('other/hidden-pkg/hidden'))
      await server.put(packageEntity(namespace, 'bound', bindingTo('other', 'hidden-pkg')))
    },
    status: 403,
    error: "The supplied authentication is not authorized to access 'other/hidden-pkg'.",
    answers: NO_CORS,
  },
  {
    section: '5.2',
    what: 'an invalid key is no key',
    key: 'wrong',
    status: 200,
    path: 'OWN/default/hello.json',
    expect: (_, seen) => assert.equal(seen?.args['__ow_user'], undefined),
  },
  {
    section: '5.2',
    what: "the owner's limit of calls, before what the action requires",
    annotations: { 'require-whisk-auth': true },
    prepare: async (server, namespace) =>
      void (await server.administration.setLimits(namespace, { invocationsPerMinute: 0 })),
    status: 429,
    error: 'Too many requests in the last minute (count: 1, allowed: 0).',
    answers: NO_CORS,
    expect: (response) => assert.match(response.headers['retry-after'] ?? '', /^\d+$/),
  },
  {
    section: '5.2',
    what: "the owner's limit of calls at once",
    prepare: async (server, namespace) =>
      void (await server.administration.setLimits(namespace, { concurrentInvocations: 0 })),
    status: 429,
    error: 'Too many concurrent requests in flight (count: 0, allowed: 0).',
    answers: NO_CORS,
  },
  {
    section: '5.2',
    what: 'what is not there is not charged',
    path: 'OWN/default/other',
    prepare: async (server, namespace) =>
      void (await server.administration.setLimits(namespace, { invocationsPerMinute: 0 })),
    ...NOT_FOUND,
  },
  {
    section: '5.2',
    what: 'the limits are those of the owner, not of the caller',
    key: 'other',
    prepare: async (server, namespace) =>
      void (await server.administration.setLimits(namespace, { invocationsPerMinute: 0 })),
    status: 429,
    error: /^Too many requests/,
  },
  {
    section: '14.53',
    what: "the key that the action is given is the owner's",
    key: 'other',
    annotations: { 'provide-api-key': true },
    status: 204,
    expect: (_, seen, { key, server, namespace }) => {
      assert.equal(seen?.request.apiKey, `${key.uuid}:${key.key}`)
      assert.equal(seen?.request.namespace, namespace)
      assert.equal(server.records.at(-1)?.record.subject, namespace)
    },
  },
]

const auth: readonly WebRow[] = [
  ...[false, undefined].map((value) => ({
    section: '5.3',
    what: `require-whisk-auth ${value}: open`,
    annotations: value === undefined ? {} : { 'require-whisk-auth': value },
    status: 204,
  })),
  { section: '5.3', what: 'true: no key', annotations: { 'require-whisk-auth': true }, ...UNAUTHORIZED },
  {
    section: '5.3',
    what: 'true: invalid key',
    annotations: { 'require-whisk-auth': true },
    key: 'wrong',
    ...UNAUTHORIZED,
  },
  {
    section: '5.3',
    what: "true: anybody's key",
    annotations: { 'require-whisk-auth': true },
    key: 'other',
    status: 204,
  },
  {
    section: '5.3',
    what: 'text: the header has it',
    annotations: { 'require-whisk-auth': 's3cret' },
    headers: { 'X-Require-Whisk-Auth': 's3cret' },
    status: 204,
  },
  {
    section: '5.3',
    what: 'text: the header has another',
    annotations: { 'require-whisk-auth': 's3cret' },
    headers: { 'X-Require-Whisk-Auth': 's3cre' },
    key: 'own',
    ...UNAUTHORIZED,
  },
  {
    section: '5.3',
    what: 'text: there is no header',
    annotations: { 'require-whisk-auth': 's3cret' },
    key: 'own',
    ...UNAUTHORIZED,
  },
  {
    section: '5.3',
    what: 'number: the header has its decimal text',
    annotations: { 'require-whisk-auth': 12 },
    headers: { 'X-Require-Whisk-Auth': '12' },
    status: 204,
  },
  {
    section: '5.3',
    what: 'number: the header has another text of the same number',
    annotations: { 'require-whisk-auth': 12 },
    headers: { 'X-Require-Whisk-Auth': '12.0' },
    ...UNAUTHORIZED,
  },
  ...[null, [], {}].map((value) => ({
    section: '5.3',
    what: `${JSON.stringify(value)}: nobody`,
    annotations: { 'require-whisk-auth': value },
    key: 'own' as const,
    headers: { 'X-Require-Whisk-Auth': JSON.stringify(value) },
    status: 401,
    error: UNAUTHORIZED.error,
  })),
  {
    section: '5.3',
    what: 'the check comes before the body is read',
    annotations: { 'require-whisk-auth': true },
    method: 'POST',
    body: '{',
    ...UNAUTHORIZED,
  },
]

/** A first call, which fills the caches; then the change. */
function calledBefore(
  change: (server: WebServer, namespace: string) => Promise<unknown>,
): (server: WebServer, namespace: string) => Promise<void> {
  return async (server, namespace) => {
    const path = `/api/v1/web/${namespace}/default/hello`
    assert.equal((await exchange(server.port, { path }, undefined)).status, 204)
    await change(server, namespace)
  }
}

const changes: readonly WebRow[] = [
  {
    section: '5.2',
    what: "a change of the owner's limits holds at once",
    prepare: calledBefore((server, namespace) =>
      server.administration.setLimits(namespace, { invocationsPerMinute: 0 }),
    ),
    status: 429,
    error: 'Too many requests in the last minute (count: 2, allowed: 0).',
  },
  {
    section: '5.2',
    what: 'so does the blocking of the owner',
    prepare: calledBefore((server, namespace) => server.administration.setBlocked(namespace, true)),
    ...NOT_FOUND,
  },
  {
    section: '5.2',
    what: "a new key of the owner's is the one that the action is given",
    annotations: { 'provide-api-key': true },
    prepare: calledBefore((server, namespace) => server.administration.rotateKey(namespace)),
    status: 204,
    expect: (_, seen, { key }) => {
      assert.match(seen?.request.apiKey ?? '', /^[0-9a-f-]{36}:\w{64}$/)
      assert.notEqual(seen?.request.apiKey, `${key.uuid}:${key.key}`)
    },
  },
  {
    section: '5.2',
    what: 'an action that is not exported any more',
    prepare: calledBefore((server, namespace) => server.put(webAction(`${namespace}/hello`, { 'web-export': false }))),
    ...NOT_FOUND,
  },
  {
    section: '5.3',
    what: 'an action that requires a key from now on',
    prepare: calledBefore((server, namespace) =>
      server.put(webAction(`${namespace}/hello`, { 'require-whisk-auth': true })),
    ),
    ...UNAUTHORIZED,
  },
]

describeWebTable('web actions: which action, for whom', [...url, ...lookUp, ...auth, ...changes])
