/** Paths, methods, credentials and headers: what is decided before, or instead of, a handler. */

import assert from 'node:assert/strict'
import type { Response, Row } from './table.ts'
import { describeTable } from './table.ts'

const NO_CREDENTIALS = 'The resource requires authentication, which was not supplied with the request'
const BAD_CREDENTIALS = 'The supplied authentication is invalid'
const NO_ROUTE = 'The requested resource could not be found.'
const UNKNOWN_KEY = `Basic ${Buffer.from(`23bc46b1-71f6-4ed5-8c54-816aa4f8c502:${'x'.repeat(64)}`).toString('base64')}`
const CHALLENGE = 'Basic realm="OpenWhisk secure realm",charset=UTF-8'

const noCors = (response: Response): void => {
  assert.equal(response.headers['access-control-allow-origin'], undefined)
}
const cors = (response: Response): void => {
  const { headers } = response
  assert.equal(headers['access-control-allow-origin'], '*')
  assert.equal(headers['access-control-allow-methods'], 'GET, DELETE, POST, PUT, HEAD')
  assert.equal(
    headers['access-control-allow-headers'],
    'Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent',
  )
}

const operator = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`

const options = (path: string, methods: string): Row => ({
  section: '0.4, 0.8, correction 5',
  what: `OPTIONS ${path} is OK without credentials`,
  method: 'OPTIONS',
  path,
  auth: 'none',
  status: 200,
  expect: ({ text, headers }: Response) => {
    assert.equal(text, 'OK')
    assert.equal(headers['content-type'], 'text/plain; charset=UTF-8')
    assert.equal(headers['access-control-allow-origin'], '*')
    assert.equal(headers['access-control-allow-methods'], methods)
  },
})

const notRouted = (method: string, path: string): Row => ({
  section: '0.4',
  what: `${method} ${path} leads nowhere`,
  method,
  path,
  status: 404,
  error: NO_ROUTE,
  expect: noCors,
})

const wrongMethod = (method: string, path: string, allow: string): Row => ({
  section: '0.4',
  what: `${method} ${path} is a wrong method`,
  method,
  path,
  auth: 'none',
  status: 405,
  error: `HTTP method not allowed, supported methods: ${allow}`,
  expect: ({ headers }: Response) => assert.equal(headers['allow'], allow),
})

const unauthorised = (what: string, auth: string, error: string, path = '/api/v1/namespaces'): Row => ({
  section: '0.3, 1.7',
  what,
  path,
  auth,
  status: 401,
  error,
  expect: (response: Response) => {
    assert.equal(response.headers['www-authenticate'], CHALLENGE)
    noCors(response)
  },
})

const lists = (path: string): Row => ({
  section: '0.4',
  what: `GET ${path} is a list`,
  path,
  status: 200,
  expect: ({ text }: Response) => assert.equal(text, '[]'),
})

describeTable('routing', [
  {
    section: '1.1',
    what: 'ping',
    path: '/ping',
    auth: 'none',
    status: 200,
    expect: ({ text, headers, rawHeaders }) => {
      assert.equal(text, 'pong')
      assert.equal(headers['content-type'], 'text/plain; charset=UTF-8')
      assert.equal(rawHeaders[0], 'X-Request-ID')
    },
  },
  {
    section: '1.2',
    what: 'the info document has runtimes and limits',
    path: '/',
    auth: 'none',
    status: 200,
    expect: ({ json, headers }) => {
      assert.equal(headers['content-type'], 'application/json')
      assert.partialDeepStrictEqual(json, {
        description: 'OpenWhisk',
        support: { github: 'https://github.com/apache/openwhisk/issues', slack: 'http://slack.openwhisk.org' },
        api_paths: ['/api/v1'],
        limits: {
          actions_per_minute: 60,
          triggers_per_minute: 60,
          concurrent_actions: 30,
          sequence_length: 50,
          default_min_action_duration: 100,
          max_action_duration: 300_000,
          min_action_memory: 134_217_728,
          default_max_action_memory: 536_870_912,
          min_action_logs: 0,
          max_action_logs: 10_485_760,
        },
        runtimes: {
          python: [
            {
              kind: 'python:3.11',
              image: 'openwhisk/action-python-v3.11:nightly',
              deprecated: false,
              default: true,
              attached: false,
              requireMain: false,
            },
          ],
        },
      })
    },
  },
  ...['/api/v1', '/api/v1/'].map((path): Row => ({
    section: '1.3',
    what: `${path} tells version and build`,
    path,
    auth: 'none',
    status: 200,
    expect: {
      description: 'OpenWhisk API',
      api_version: '1.0.0',
      api_version_path: 'v1',
      build: '2026-01-01T00:00:00Z',
      buildno: '42',
      swagger_paths: { ui: '/docs', 'api-docs': '/api-docs' },
    },
  })),
  { section: '1.5', what: 'invokers', path: '/invokers', status: 200, expect: { 'invoker0/0': 'up' } },
  {
    section: '1.5',
    what: 'healthy',
    path: '/invokers/healthy/count',
    status: 200,
    expect: (r) => assert.equal(r.json, 1),
  },
  { section: '1.5', what: 'invokers ready', path: '/invokers/ready', status: 200, expect: { healthy: '1/1' } },
  {
    section: '1.5',
    what: 'invokers not ready',
    path: '/invokers/ready',
    prepare: async (server) => void (server.health = false),
    status: 500,
    expect: { unhealthy: '0/1' },
  },
  { section: '1.5', what: 'running', path: '/activation', status: 200, expect: (r) => assert.deepEqual(r.json, []) },
  { section: '1.5', what: 'running', path: '/activation/count', status: 200, expect: (r) => assert.equal(r.json, 0) },

  {
    section: '1.5',
    what: 'disable, by the operator',
    method: 'POST',
    path: '/disable',
    auth: operator('controller.user:controller.pass'),
    status: 200,
    expect: ({ text, headers }) => {
      assert.equal(text, 'controller is disabled')
      assert.equal(headers['content-type'], 'text/plain; charset=UTF-8')
    },
  },
  ...['controller.user:wrong', 'other:controller.pass', ':'].map((pair): Row => ({
    section: '1.5',
    what: `disable, as ${pair}`,
    method: 'POST',
    path: '/disable',
    auth: operator(pair),
    status: 401,
    error: 'username or password are wrong.',
  })),
  {
    section: '1.5',
    what: 'disable, without credentials',
    method: 'POST',
    path: '/disable',
    auth: 'none',
    status: 401,
    error: 'Authentication is possible but has failed or not yet been provided.',
  },
  wrongMethod('GET', '/disable', 'POST, OPTIONS'),

  options('/', 'OPTIONS, GET, POST'),
  options('/ping', 'OPTIONS, GET, POST'),
  options('/nothing/here', 'OPTIONS, GET, POST'),
  options('/api/v1', 'GET, DELETE, POST, PUT, HEAD'),
  options('/api/v1/namespaces/_/actions/a', 'GET, DELETE, POST, PUT, HEAD'),

  wrongMethod('GET', '/anything-unknown', 'OPTIONS'),
  wrongMethod('GET', '/api/v2/namespaces', 'OPTIONS'),
  wrongMethod('GET', '/api/v1x', 'OPTIONS'),
  wrongMethod('POST', '/ping', 'GET, OPTIONS'),
  wrongMethod('DELETE', '/', 'GET, OPTIONS'),
  wrongMethod('PUT', '/api/v1', 'GET, OPTIONS'),

  unauthorised('no credentials', 'none', NO_CREDENTIALS),
  unauthorised('another scheme', 'Bearer abc', NO_CREDENTIALS),
  unauthorised('an unknown key', UNKNOWN_KEY, BAD_CREDENTIALS),
  unauthorised('a short key', `Basic ${Buffer.from('a:b').toString('base64')}`, BAD_CREDENTIALS),
  unauthorised('no base64', 'Basic !!!', BAD_CREDENTIALS),
  unauthorised('0.4: an unknown path below the API', 'none', NO_CREDENTIALS, '/api/v1/nothing/here'),
  unauthorised('an illegal name', 'none', NO_CREDENTIALS, '/api/v1/namespaces/_/actions/$a'),
  {
    section: '1.7',
    what: 'a blocked subject',
    path: '/api/v1/namespaces',
    prepare: (server, namespace) => server.administration.setBlocked(namespace, true),
    status: 401,
    error: BAD_CREDENTIALS,
  },

  notRouted('GET', '/api/v1/nothing'),
  notRouted('GET', '/api/v1/namespaces/guest'),
  notRouted('GET', '/api/v1/namespaces//'),
  notRouted('GET', '/api/v1//namespaces'),
  notRouted('GET', '/api/v1/namespaces/_/nothing'),
  notRouted('GET', '/api/v1/namespaces/_/actions/a/b/c'),
  notRouted('GET', '/api/v1/namespaces/_/actions//'),
  notRouted('GET', `/api/v1/namespaces/_/activations/${'a'.repeat(32)}/other`),
  notRouted('DELETE', '/api/v1/namespaces'),
  notRouted('PUT', '/api/v1/namespaces/_/limits'),
  notRouted('PUT', `/api/v1/namespaces/_/activations/${'a'.repeat(32)}`),
  notRouted('PATCH', '/api/v1/namespaces/_/actions/a'),
  notRouted('PUT', '/api/v1/namespaces/_/actions/'),
  notRouted('POST', '/api/v1/namespaces/_/packages/P'),
  notRouted('GET', '/api/v1/web/guest/a.json'),
  {
    section: '5.1',
    what: 'a path below /web that names no action, without a key',
    path: '/api/v1/web/guest/a.json',
    auth: 'none',
    status: 401,
    error: 'The resource requires authentication, which was not supplied with the request',
  },
  {
    section: '0.4',
    what: 'HEAD is not derived from GET',
    method: 'HEAD',
    path: '/api/v1/namespaces',
    status: 404,
    expect: ({ text }: Response) => assert.equal(text, ''),
  },

  lists('/api/v1/namespaces/_/actions'),
  lists('/api/v1/namespaces/_/actions/'),
  lists('/api/v1/namespaces/_/packages'),
  lists('/api/v1/namespaces/_/triggers/'),
  lists('/api/v1/namespaces/_/rules'),
  lists('/api/v1/namespaces/_/activations/'),
  {
    section: '0.7',
    what: 'an empty collection counts nothing',
    path: 'packages?count=true',
    status: 200,
    expect: (r) => assert.deepEqual(r.json, { packages: 0 }),
  },
  {
    section: '0.7',
    what: 'limits of lists name the collection',
    path: 'rules?limit=201',
    status: 400,
    error: "The query parameter 'limit' was malformed:\nThe value '201' is not in the range of 0 to 200 for rules.",
    expect: noCors,
  },
  {
    section: '3.1',
    what: 'namespaces are the one of the key',
    path: '/api/v1/namespaces/',
    prepare: async (server, namespace) => {
      await server.administration.createUser({ subject: namespace, namespace: 'another-one' })
    },
    status: 200,
    expect: (response, namespace) => {
      assert.deepEqual(response.json, [namespace])
      cors(response)
    },
  },

  {
    section: '0.6',
    what: 'a target that is too long is 414 text',
    path: `/api/v1/namespaces/_/actions/${'a'.repeat(8200)}`,
    status: 414,
    expect: ({ text, headers }) => {
      assert.equal(text, 'URI length exceeds the configured limit of 8192 characters')
      assert.equal(headers['x-request-id'], undefined)
      assert.equal(headers['connection'], 'close')
    },
  },
  {
    section: '0.6',
    what: 'a bad escape is 400 text',
    path: '/api/v1/%zz',
    status: 400,
    expect: ({ text, headers }) => {
      assert.equal(text, "Illegal request-target: Invalid input 'z', expected HEXDIG (line 1, column 10)")
      assert.equal(headers['content-type'], 'text/plain; charset=UTF-8')
      assert.equal(headers['x-request-id'], undefined)
    },
  },

  {
    section: '0.3',
    what: 'Accept that excludes JSON',
    path: '/api/v1/namespaces',
    headers: { accept: 'text/html' },
    status: 406,
    error: 'Resource representation is only available with these types:\napplication/json',
    expect: noCors,
  },
  {
    section: '0.3',
    what: 'Accept does not hide errors',
    path: 'actions/missing',
    headers: { accept: 'text/html' },
    status: 404,
    error: 'The requested resource does not exist.',
    expect: cors,
  },
  {
    section: '1.6',
    what: 'an inbound transaction id is used',
    path: 'actions/missing',
    headers: { 'x-request-id': 'my-own_ID.1' },
    status: 404,
    error: 'The requested resource does not exist.',
    expect: { code: 'my-own_ID.1' },
  },
  {
    section: '1.6',
    what: 'the system’s transaction ids are reserved',
    path: 'actions/missing',
    headers: { 'x-request-id': 'sid_1' },
    status: 404,
    error: 'The requested resource does not exist.',
    expect: ({ headers }) => assert.match(headers['x-request-id'] ?? '', /^[A-Za-z0-9]{32}$/),
  },

  {
    section: '3.2',
    what: 'limits of a namespace without its own',
    path: 'limits',
    status: 200,
    expect: (r) =>
      assert.deepEqual(r.json, {
        invocationsPerMinute: 60,
        concurrentInvocations: 30,
        firesPerMinute: 60,
        minActionMemory: 128,
        maxActionMemory: 512,
        minActionLogs: 0,
        maxActionLogs: 10,
        minActionTimeout: 100,
        maxActionTimeout: 300_000,
        minActionConcurrency: 1,
        maxActionConcurrency: 1,
        maxParameterSize: '10000 B',
        maxActionInstances: 30,
      }),
  },
  {
    section: '3.2',
    what: 'own limits are shown, and never exceed the system’s',
    path: 'limits/',
    prepare: async ({ administration }, namespace) => {
      await administration.setLimits(namespace, { invocationsPerMinute: 5, maxActionMemory: 9999, allowedKinds: ['a'] })
    },
    status: 200,
    expect: { invocationsPerMinute: 5, maxActionMemory: 512, allowedKinds: ['a'] },
  },
  {
    section: '3.2',
    what: 'limits of others',
    path: '/api/v1/namespaces/other/limits',
    status: 403,
    error: "The supplied authentication is not authorized to access 'other'.",
  },
  {
    section: '3.2',
    what: 'inside limits',
    path: 'limits/anything',
    status: 400,
    error: 'Inner entity level routes for limits are not yet implemented.',
  },
  ...['actions', 'triggers', 'rules', 'activations'].map((collection): Row => ({
    section: '1.8, 13.5',
    what: `other people’s ${collection}`,
    path: `/api/v1/namespaces/other/${collection}`,
    status: 403,
    error: "The supplied authentication is not authorized to access 'other'.",
    expect: cors,
  })),
  {
    section: '1.8, 13.5',
    what: 'other people’s packages: those that they published, none',
    path: '/api/v1/namespaces/other/packages',
    status: 200,
    expect: (r) => assert.deepEqual(r.json, []),
  },
])
