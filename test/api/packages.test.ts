/** Packages of one's own: what is stored, shown, listed and deleted. */

import assert from 'node:assert/strict'
import { isJsonObject } from '../../src/model/json.ts'
import type { Request, Response, Row } from './table.ts'
import { describeTable } from './table.ts'

const exec = { kind: 'nodejs:20', code: 'function main(args) { return args }' }
const put = (name: string, body: unknown = {}, query = ''): Request => ({
  method: 'PUT',
  path: `packages/${name}${query}`,
  body,
})
const putAction = (path: string, body: object = {}): Request => ({
  method: 'PUT',
  path: `actions/${path}`,
  body: { exec, ...body },
})
const bind = (name: string, to: string, body: object = {}): Request =>
  put(name, { binding: { namespace: '_', name: to }, ...body })

function fields({ json }: Response): Record<string, unknown> {
  assert.ok(isJsonObject(json))
  return json
}

/** The whole answer but for `updated`, which is a time of now. */
const exactly =
  (expected: (namespace: string) => object) =>
  (response: Response, namespace: string): void => {
    const { updated, ...rest } = fields(response)
    assert.ok(typeof updated === 'number' && Math.abs(Date.now() - updated) < 60_000)
    assert.deepEqual(rest, expected(namespace))
  }

function legalName(name: string): Row {
  const what = `the name ${name.slice(0, 10)} is legal`
  return { section: '2.1', what, ...put(encodeURIComponent(name)), status: 200, expect: { name } }
}

const creating: readonly Row[] = [
  {
    section: '6.3',
    what: 'a package of nothing has every field',
    ...put('p'),
    status: 200,
    expect: exactly((namespace) => ({
      namespace,
      name: 'p',
      binding: {},
      parameters: [],
      version: '0.0.1',
      publish: false,
      annotations: [],
    })),
  },
  {
    section: '6.2',
    what: 'parameters, annotations, publish and version are taken; what is unknown is not',
    ...put('p', {
      parameters: [{ key: 'a', value: { b: [1] } }],
      annotations: [{ key: 'description', value: 'for tests' }],
      publish: true,
      version: '1.2.3',
      name: 'q',
      namespace: 'elsewhere',
      updated: 1,
      nonsense: true,
    }),
    status: 200,
    expect: exactly((namespace) => ({
      namespace,
      name: 'p',
      binding: {},
      parameters: [{ key: 'a', value: { b: [1] } }],
      version: '1.2.3',
      publish: true,
      annotations: [{ key: 'description', value: 'for tests' }],
    })),
  },
  {
    section: '6.2',
    what: '`binding: {}` is how a package says that it is none',
    ...put('p', { binding: {} }),
    status: 200,
    expect: { binding: {} },
  },
  {
    section: '6.2',
    what: '`_` in a binding is the caller’s namespace',
    given: [put('p')],
    ...bind('b', 'p'),
    status: 200,
    expect: exactly((namespace) => ({
      namespace,
      name: 'b',
      binding: { namespace, name: 'p' },
      parameters: [],
      version: '0.0.1',
      publish: false,
      annotations: [{ key: 'binding', value: { namespace, name: 'p' } }],
    })),
  },
  {
    section: '6.2',
    what: 'the annotation `binding` is the server’s: on a package it is dropped',
    ...put('p', {
      annotations: [
        { key: 'binding', value: { namespace: 'x', name: 'y' } },
        { key: 'a', value: 1 },
      ],
    }),
    status: 200,
    expect: (response) => assert.deepEqual(fields(response)['annotations'], [{ key: 'a', value: 1 }]),
  },
  {
    section: '6.2',
    what: 'the annotation `binding` is the server’s: on a binding it says what it refers to',
    given: [put('p')],
    ...bind('b', 'p', { annotations: [{ key: 'binding', value: 'mine' }] }),
    status: 200,
    expect: { annotations: [{ key: 'binding', value: { namespace: 'OWN', name: 'p' } }] },
  },
  {
    section: '6.2',
    what: '`publish` of a binding is stored',
    given: [put('p')],
    ...bind('b', 'p', { publish: true }),
    status: 200,
    expect: { publish: true },
  },
  {
    section: '2.3',
    what: '`init` of a parameter is kept, and shown only where it is true',
    ...put('p', {
      parameters: [
        { key: 'a', value: 1, init: true },
        { key: 'b', value: null, init: false },
      ],
    }),
    status: 200,
    expect: (response) =>
      assert.deepEqual(fields(response)['parameters'], [
        { key: 'a', value: 1, init: true },
        { key: 'b', value: null },
      ]),
  },
  ...['a b', 'a@b', '_', '123-Name', 'a&b', 'x'.repeat(256)].map(legalName),
]

const updating: readonly Row[] = [
  {
    section: '6.2, 14.5',
    what: 'what is absent stays; parameters and annotations are replaced as a whole; the version counts on',
    given: [
      put('p', {
        parameters: [
          { key: 'a', value: 1 },
          { key: 'b', value: 1 },
        ],
        annotations: [{ key: 'x', value: 1 }],
        publish: true,
      }),
    ],
    ...put('p', { parameters: [{ key: 'b', value: 2 }] }, '?overwrite=true'),
    status: 200,
    expect: exactly((namespace) => ({
      namespace,
      name: 'p',
      binding: {},
      parameters: [{ key: 'b', value: 2 }],
      version: '0.0.2',
      publish: true,
      annotations: [{ key: 'x', value: 1 }],
    })),
  },
  {
    section: '14.5',
    what: 'annotations are replaced, not merged',
    given: [put('p', { annotations: [{ key: 'x', value: 1 }] })],
    ...put('p', { annotations: [{ key: 'y', value: 2 }] }, '?overwrite=true'),
    status: 200,
    expect: (response) => assert.deepEqual(fields(response)['annotations'], [{ key: 'y', value: 2 }]),
  },
  {
    section: '2.5',
    what: 'overwriting what is not there creates it',
    ...put('p', {}, '?overwrite=true'),
    status: 200,
    expect: { version: '0.0.1' },
  },
  {
    section: '6.2',
    what: 'a binding is pointed at another package',
    given: [put('p'), put('q'), bind('b', 'p')],
    ...put('b', { binding: { namespace: '_', name: 'q' } }, '?overwrite=true'),
    status: 200,
    expect: {
      version: '0.0.2',
      binding: { namespace: 'OWN', name: 'q' },
      annotations: [{ key: 'binding', value: { namespace: 'OWN', name: 'q' } }],
    },
  },
  {
    section: '6.2',
    what: 'without `binding`, a binding stays what it is',
    given: [put('p'), bind('b', 'p')],
    ...put('b', { annotations: [{ key: 'y', value: 2 }] }, '?overwrite=true'),
    status: 200,
    expect: {
      binding: { namespace: 'OWN', name: 'p' },
      annotations: [
        { key: 'y', value: 2 },
        { key: 'binding', value: { namespace: 'OWN', name: 'p' } },
      ],
    },
  },
  {
    section: '6.2',
    what: '`binding: {}` does not make a package of a binding',
    given: [put('p'), bind('b', 'p')],
    ...put('b', { binding: {} }, '?overwrite=true'),
    status: 200,
    expect: { binding: { namespace: 'OWN', name: 'p' } },
  },
]

const reading: readonly Row[] = [
  {
    section: '6.3',
    what: 'GET lists actions and, apart from them, feeds: what has the annotation `feed`, whatever its value',
    given: [
      put('p', { parameters: [{ key: 'a', value: 1 }] }),
      putAction('p/plain', { annotations: [{ key: 'x', value: 1 }] }),
      putAction('p/feed', { annotations: [{ key: 'feed', value: null }] }),
      putAction('outside'),
    ],
    path: 'packages/p',
    status: 200,
    expect: (response) => {
      const { actions, feeds, parameters } = fields(response)
      const auto = [
        { key: 'provide-api-key', value: false },
        { key: 'exec', value: 'nodejs:20' },
      ]
      assert.deepEqual(parameters, [{ key: 'a', value: 1 }])
      assert.deepEqual(actions, [{ name: 'plain', version: '0.0.1', annotations: [{ key: 'x', value: 1 }, ...auto] }])
      assert.deepEqual(feeds, [
        { name: 'feed', version: '0.0.1', annotations: [{ key: 'feed', value: null }, ...auto] },
      ])
    },
  },
  {
    section: '6.3',
    what: 'GET of an empty package',
    given: [put('p')],
    path: 'packages/p',
    status: 200,
    expect: exactly((namespace) => ({
      namespace,
      name: 'p',
      binding: {},
      parameters: [],
      version: '0.0.1',
      publish: false,
      annotations: [],
      actions: [],
      feeds: [],
    })),
  },
  {
    section: '6.3',
    what: 'GET of a package with more in it than any page has',
    given: [put('p'), ...Array.from({ length: 205 }, (_, index) => putAction(`p/a${index}`))],
    path: 'packages/p',
    status: 200,
    expect: (response) => {
      const { actions } = fields(response)
      assert.ok(Array.isArray(actions))
      assert.equal(new Set(actions.map(({ name }: { name: string }) => name)).size, 205)
    },
  },
  {
    section: '6.3',
    what: 'GET of a binding: parameters merged, actions of the provider, all the rest its own',
    given: [
      put('p', {
        parameters: [
          { key: 'a', value: 'p' },
          { key: 'b', value: 'p', init: true },
          { key: 'c', value: 'p' },
        ],
        annotations: [{ key: 'x', value: 'p' }],
        publish: true,
        version: '3.0.0',
      }),
      putAction('p/inner'),
      bind('b', 'p', {
        parameters: [
          { key: 'b', value: 'b' },
          { key: 'c', value: null },
        ],
        annotations: [{ key: 'y', value: 'b' }],
      }),
    ],
    path: 'packages/b',
    status: 200,
    expect: (response, namespace) => {
      const { actions, updated: _updated, ...rest } = fields(response)
      assert.ok(Array.isArray(actions) && actions.length === 1)
      assert.deepEqual(rest, {
        namespace,
        name: 'b',
        binding: { namespace, name: 'p' },
        parameters: [
          { key: 'a', value: 'p' },
          { key: 'b', value: 'b' },
          { key: 'c', value: null },
        ],
        version: '0.0.1',
        publish: false,
        annotations: [
          { key: 'y', value: 'b' },
          { key: 'binding', value: { namespace, name: 'p' } },
        ],
        feeds: [],
      })
    },
  },
  {
    section: '1.8, 14.36',
    what: 'an own package that is missing is 404, and named',
    path: 'packages/none',
    status: 404,
    error: "The requested resource 'OWN/none' does not exist.",
  },
  {
    section: '1.9',
    what: 'an action is no package',
    given: [putAction('a')],
    path: 'packages/a',
    status: 409,
    error: 'Resource by this name exists but is not in this collection.',
  },
  { section: '6.1', what: 'POST is no route', method: 'POST', path: 'packages/p', status: 404 },
  { section: '6.1', what: 'nothing is below a package', path: 'packages/p/a', status: 404 },
]

const listing: readonly Row[] = [
  {
    section: '0.7',
    what: 'none',
    path: 'packages',
    status: 200,
    expect: (response) => assert.equal(response.text, '[]'),
  },
  {
    section: '6.4',
    what: 'a list shows less, and false where there is no binding',
    given: [put('p', { parameters: [{ key: 'a', value: 1 }] }), bind('b', 'p', { publish: true })],
    path: 'packages',
    status: 200,
    expect: (response, namespace) => {
      assert.ok(Array.isArray(response.json))
      const items: unknown[] = response.json.map(({ updated, ...rest }: Record<string, unknown>) => {
        assert.equal(typeof updated, 'number')
        return rest
      })
      const common = { namespace, version: '0.0.1' }
      const binding = { namespace, name: 'p' }
      assert.deepEqual(items, [
        { ...common, name: 'b', publish: true, annotations: [{ key: 'binding', value: binding }], binding },
        { ...common, name: 'p', publish: false, annotations: [], binding: false },
      ])
    },
  },
  {
    section: '0.7',
    what: 'newest first, in pages',
    given: [put('a'), put('b'), put('c'), put('a', {}, '?overwrite=true')],
    path: 'packages/?skip=1&limit=1',
    status: 200,
    expect: (response) => {
      assert.ok(Array.isArray(response.json) && response.json.length === 1)
      assert.partialDeepStrictEqual(response.json, [{ name: 'c' }])
    },
  },
  {
    section: '0.7',
    what: 'count is what is left after skip, whatever the limit',
    given: [put('a'), put('b'), put('c')],
    path: 'packages?count=true&skip=1&limit=1',
    status: 200,
    expect: (response) => assert.deepEqual(response.json, { packages: 2 }),
  },
  {
    section: '0.7',
    what: 'count is never below nothing',
    given: [put('a')],
    path: 'packages?count=true&skip=5',
    status: 200,
    expect: (response) => assert.deepEqual(response.json, { packages: 0 }),
  },
  {
    section: '0.7',
    what: '`public` and `docs` are ignored',
    given: [put('a')],
    path: 'packages?public=true&docs=true',
    status: 200,
    expect: [{ name: 'a', publish: false }],
  },
  ...(
    [
      [
        'limit=201',
        "The query parameter 'limit' was malformed:\nThe value '201' is not in the range of 0 to 200 for packages.",
      ],
      ['limit=x', "The query parameter 'limit' was malformed:\nThe value 'x' is not an integer for packages."],
      [
        'skip=-1',
        "The query parameter 'skip' was malformed:\nThe value '-1' is not greater than or equal to 0 for packages.",
      ],
      ['count=x', "The query parameter 'count' was malformed:\n'x' is not a valid Boolean value"],
    ] as const
  ).map(([query, error]) => ({
    section: '0.7',
    what: `refuses ${query}`,
    path: `packages?${query}`,
    status: 400,
    error,
  })),
]

const deleting: readonly Row[] = [
  {
    section: '2.5, 6.3',
    what: 'answers what was deleted',
    given: [put('p', { parameters: [{ key: 'a', value: 1 }] })],
    method: 'DELETE',
    path: 'packages/p',
    status: 200,
    expect: exactly((namespace) => ({
      namespace,
      name: 'p',
      binding: {},
      parameters: [{ key: 'a', value: 1 }],
      version: '0.0.1',
      publish: false,
      annotations: [],
    })),
  },
  {
    section: '2.5',
    what: 'it is gone then',
    given: [put('p'), { method: 'DELETE', path: 'packages/p' }],
    path: 'packages/p',
    status: 404,
  },
  {
    section: '1.8',
    what: 'a missing one is 404, not named',
    method: 'DELETE',
    path: 'packages/none',
    status: 404,
    error: 'The requested resource does not exist.',
  },
  {
    section: '1.9',
    what: 'an action is no package',
    given: [putAction('a')],
    method: 'DELETE',
    path: 'packages/a',
    status: 409,
    error: 'Resource by this name exists but is not in this collection.',
  },
  {
    section: '6.5',
    what: 'one entity in it',
    given: [put('p'), putAction('p/a')],
    method: 'DELETE',
    path: 'packages/p',
    status: 409,
    error: 'Package not empty (contains 1 entity). Set force param or delete package contents.',
  },
  {
    section: '6.5',
    what: 'two entities in it',
    given: [put('p'), putAction('p/a'), putAction('p/b')],
    method: 'DELETE',
    path: 'packages/p?force=false',
    status: 409,
    error: 'Package not empty (contains 2 entities). Set force param or delete package contents.',
  },
  {
    section: '6.5',
    what: 'force deletes what is in it first, however much, and nothing else',
    given: [
      put('p'),
      ...Array.from({ length: 203 }, (_, index) => putAction(`p/a${index}`)),
      putAction('outside'),
      { method: 'DELETE', path: 'packages/p?force=true' },
    ],
    path: 'actions',
    status: 200,
    expect: (response) => {
      assert.ok(Array.isArray(response.json) && response.json.length === 1)
      assert.partialDeepStrictEqual(response.json, [{ name: 'outside' }])
    },
  },
  {
    section: '0.5',
    what: 'force is a Boolean',
    given: [put('p')],
    method: 'DELETE',
    path: 'packages/p?force=x',
    status: 400,
    error: "The query parameter 'force' was malformed:\n'x' is not a valid Boolean value",
  },
  {
    section: '6.5',
    what: 'a binding goes whatever is in its package, which stays',
    given: [put('p'), putAction('p/a'), bind('b', 'p'), { method: 'DELETE', path: 'packages/b' }],
    path: 'actions/p/a',
    status: 200,
  },
  {
    section: '6.5, 6.3',
    what: 'a binding outlives its provider, and is then 404 by its own name',
    given: [put('p'), bind('b', 'p'), { method: 'DELETE', path: 'packages/p' }],
    path: 'packages/b',
    status: 404,
    error: "The requested resource 'OWN/b' does not exist.",
  },
  {
    section: '6.5',
    what: 'a binding that refers to nothing can be deleted',
    given: [put('p'), bind('b', 'p'), { method: 'DELETE', path: 'packages/p' }],
    method: 'DELETE',
    path: 'packages/b',
    status: 200,
    expect: { name: 'b', binding: { namespace: 'OWN', name: 'p' } },
  },
]

describeTable('packages: create', creating)
describeTable('packages: update', updating)
describeTable('packages: read', reading)
describeTable('packages: list', listing)
describeTable('packages: delete', deleting)
