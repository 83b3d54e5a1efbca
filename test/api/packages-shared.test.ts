/** Packages of two namespaces: what one shares, the other may see and bind, and nothing else. */

import assert from 'node:assert/strict'
import { isJsonObject } from '../../src/model/json.ts'
import type { Request, Row } from './table.ts'
import { describeTable } from './table.ts'

const exec = { kind: 'nodejs:20', code: 'function main(args) { return args }' }
const PEER = '/api/v1/namespaces/PEER'
const put = (name: string, body: unknown = {}, query = ''): Request => ({
  method: 'PUT',
  path: `packages/${name}${query}`,
  body,
})
const shared = (name: string, body: object = {}): Request => ({
  ...put(name, { publish: true, ...body }),
  auth: 'peer',
})
const hidden = (name: string): Request => ({ ...put(name), auth: 'peer' })
const theirs = (path: string, body: object = {}): Request => ({
  method: 'PUT',
  path: `actions/${path}`,
  body: { exec, ...body },
  auth: 'peer',
})
const toPeer = (name: string, body: object = {}): object => ({ binding: { namespace: 'PEER', name }, ...body })
const forbidden = (resource: string): string => `The supplied authentication is not authorized to access '${resource}'.`

/** A GET that is refused by 403. */
const denied = (what: string, path: string, resource: string, given: readonly Request[] = []): Row => ({
  section: '1.8',
  what,
  given,
  path,
  status: 403,
  error: forbidden(resource),
})

describeTable('packages of others: read', [
  {
    section: '1.8',
    what: 'a published package can be read, with what is in it',
    given: [shared('p', { parameters: [{ key: 'a', value: 1 }] }), theirs('p/x')],
    path: `${PEER}/packages/p`,
    status: 200,
    expect: { namespace: 'PEER', name: 'p', parameters: [{ key: 'a', value: 1 }], actions: [{ name: 'x' }] },
  },
  {
    section: '1.8',
    what: 'an action in a published package can be read, with the parameters that it inherits, and its code',
    given: [
      shared('p', { parameters: [{ key: 'a', value: 'p' }] }),
      theirs('p/x', { parameters: [{ key: 'b', value: 'x' }] }),
    ],
    path: `${PEER}/actions/p/x`,
    status: 200,
    expect: {
      namespace: 'PEER/p',
      exec,
      parameters: [
        { key: 'a', value: 'p' },
        { key: 'b', value: 'x' },
      ],
    },
  },
  {
    section: '1.8, 4.2',
    what: 'the actions of a published package can be listed',
    given: [shared('p'), theirs('p/x')],
    path: `${PEER}/actions/p/`,
    status: 200,
    expect: [{ namespace: 'PEER/p', name: 'x' }],
  },
  denied('a package that is not published', `${PEER}/packages/p`, 'PEER/p', [hidden('p')]),
  denied('a package that is not there', `${PEER}/packages/none`, 'PEER/none'),
  denied('an action for a package', `${PEER}/packages/x`, 'PEER/x', [theirs('x')]),
  denied('an action of no package', `${PEER}/actions/x`, 'PEER/x', [theirs('x')]),
  denied('14.37: an action in a package that is not published: the package is named', `${PEER}/actions/p/x`, 'PEER/p', [
    hidden('p'),
    theirs('p/x'),
  ]),
  denied('an action in a package that is not there', `${PEER}/actions/none/x`, 'PEER/none'),
  denied('the list of a package that is not published', `${PEER}/actions/p/`, 'PEER/p', [hidden('p')]),
  denied('the list of a package that is not there', `${PEER}/actions/none/`, 'PEER/none'),
  denied('14.35: a binding, published or not', `${PEER}/packages/b`, 'PEER/b', [
    shared('p'),
    { ...put('b', { binding: { namespace: '_', name: 'p' }, publish: true }), auth: 'peer' },
  ]),
  denied('14.35: an action through a binding of others', `${PEER}/actions/b/x`, 'PEER/b', [
    shared('p'),
    theirs('p/x'),
    { ...put('b', { binding: { namespace: '_', name: 'p' }, publish: true }), auth: 'peer' },
  ]),
  {
    section: '1.8',
    what: 'what is missing in a published package is missing, not forbidden',
    given: [shared('p')],
    path: `${PEER}/actions/p/none`,
    status: 404,
    error: 'The requested resource does not exist.',
  },
  denied('what was shared and is not any more', `${PEER}/packages/p`, 'PEER/p', [
    shared('p'),
    { ...put('p', { publish: false }, '?overwrite=true'), auth: 'peer' },
  ]),
  denied('the list of actions', `${PEER}/actions`, 'PEER'),
])

describeTable('packages of others: list', [
  {
    section: '6.4',
    what: 'published packages alone, no bindings',
    given: [
      shared('p'),
      hidden('q'),
      { ...put('b', { binding: { namespace: '_', name: 'p' }, publish: true }), auth: 'peer' },
      shared('r'),
      { ...put('r', { publish: false }, '?overwrite=true'), auth: 'peer' },
      hidden('s'),
      { ...put('s', { publish: true }, '?overwrite=true'), auth: 'peer' },
    ],
    path: `${PEER}/packages`,
    status: 200,
    expect: ({ json }) => {
      assert.ok(Array.isArray(json))
      assert.deepEqual(
        json.map((item: { name: string }) => item.name),
        ['s', 'p'],
      )
    },
  },
  {
    section: '0.7, 6.4',
    what: 'count is of published packages alone',
    given: [shared('p'), hidden('q'), shared('r')],
    path: `${PEER}/packages?count=true`,
    status: 200,
    expect: ({ json }) => assert.deepEqual(json, { packages: 2 }),
  },
  {
    section: '6.4',
    what: 'pages are of published packages alone',
    given: [shared('p'), hidden('q'), shared('r'), hidden('s')],
    path: `${PEER}/packages?skip=1&limit=1`,
    status: 200,
    expect: ({ json }) => {
      assert.ok(Array.isArray(json) && json.length === 1)
      assert.partialDeepStrictEqual(json, [{ name: 'p' }])
    },
  },
  {
    section: '6.4',
    what: 'a namespace that nobody has has none',
    path: '/api/v1/namespaces/nobody-has-this/packages',
    status: 200,
    expect: ({ text }) => assert.equal(text, '[]'),
  },
  {
    section: '6.4',
    what: 'and none to count',
    path: '/api/v1/namespaces/nobody-has-this/packages?count=true',
    status: 200,
    expect: ({ json }) => assert.deepEqual(json, { packages: 0 }),
  },
])

/** A change that is refused by 403. */
const noChange = (what: string, method: string, path: string, resource: string): Row => ({
  section: '1.8',
  what,
  given: [shared('p'), theirs('p/x')],
  method,
  path: `${PEER}/${path}`,
  ...(method === 'PUT' && { body: { exec } }),
  status: 403,
  error: forbidden(resource),
})

describeTable('packages of others: change', [
  noChange('a package cannot be created', 'PUT', 'packages/q', 'PEER/q'),
  noChange('a package cannot be overwritten', 'PUT', 'packages/p?overwrite=true', 'PEER/p'),
  noChange('a package cannot be deleted', 'DELETE', 'packages/p?force=true', 'PEER/p'),
  noChange('an action cannot be put into one', 'PUT', 'actions/p/y', 'PEER/p'),
  noChange('an action in one cannot be overwritten', 'PUT', 'actions/p/x?overwrite=true', 'PEER/p'),
  noChange('an action in one cannot be deleted', 'DELETE', 'actions/p/x', 'PEER/p'),
])

describeTable('bindings of what others share', [
  {
    section: '6.2',
    what: 'a published package can be bound',
    given: [shared('p')],
    ...put('b', toPeer('p')),
    status: 200,
    expect: { namespace: 'OWN', binding: { namespace: 'PEER', name: 'p' } },
  },
  {
    section: '6.2',
    what: 'a package that is not published cannot: it is named',
    given: [hidden('p')],
    ...put('b', toPeer('p')),
    status: 403,
    error: forbidden('PEER/p'),
  },
  {
    section: '6.2',
    what: 'nor one that is not there',
    ...put('b', toPeer('none')),
    status: 403,
    error: forbidden('PEER/none'),
  },
  {
    section: '6.2',
    what: 'nor their binding',
    given: [shared('p'), { ...put('c', { binding: { namespace: '_', name: 'p' }, publish: true }), auth: 'peer' }],
    ...put('b', toPeer('c')),
    status: 403,
    error: forbidden('PEER/c'),
  },
  {
    section: '6.2',
    what: 'nor their action',
    given: [theirs('x')],
    ...put('b', toPeer('x')),
    status: 403,
    error: forbidden('PEER/x'),
  },
  {
    section: '6.3, 6.6',
    what: 'GET of the binding merges parameters, init flags with them, and shows what is in the package',
    given: [
      shared('p', {
        parameters: [
          { key: 'a', value: 1, init: true },
          { key: 'b', value: 1 },
        ],
        annotations: [{ key: 'x', value: 1 }],
      }),
      theirs('p/x'),
      put('b', toPeer('p', { parameters: [{ key: 'b', value: null }] })),
    ],
    path: 'packages/b',
    status: 200,
    expect: ({ json }, namespace) => {
      assert.ok(isJsonObject(json))
      assert.equal(json['namespace'], namespace)
      assert.deepEqual(json['parameters'], [
        { key: 'a', value: 1, init: true },
        { key: 'b', value: null },
      ])
      assert.deepEqual(json['annotations'], [{ key: 'binding', value: { namespace: `${namespace}-peer`, name: 'p' } }])
      assert.partialDeepStrictEqual(json['actions'], [{ name: 'x' }])
    },
  },
  denied('6.3: the provider is not published any more: the binding is named', 'packages/b', 'OWN/b', [
    shared('p'),
    put('b', toPeer('p')),
    { ...put('p', { publish: false }, '?overwrite=true'), auth: 'peer' },
  ]),
  denied('6.3: the provider is gone: the binding is named', 'packages/b', 'OWN/b', [
    shared('p'),
    put('b', toPeer('p')),
    { method: 'DELETE', path: 'packages/p', auth: 'peer' },
  ]),
  denied('an action through a binding whose provider is gone', 'actions/b/x', 'OWN/b', [
    shared('p'),
    put('b', toPeer('p')),
    { method: 'DELETE', path: 'packages/p', auth: 'peer' },
  ]),
  denied('the list through a binding whose provider is not published any more', 'actions/b/', 'OWN/b', [
    shared('p'),
    put('b', toPeer('p')),
    { ...put('p', { publish: false }, '?overwrite=true'), auth: 'peer' },
  ]),
])

describeTable(
  'shared packages execute only',
  [
    {
      section: '1.8',
      what: 'a package of others',
      given: [shared('p')],
      path: `${PEER}/packages/p`,
      status: 403,
      error: "GET not permitted for 'PEER/p' since it's a shared package",
    },
    {
      section: '1.8',
      what: 'an action in a package of others',
      given: [shared('p'), theirs('p/x')],
      path: `${PEER}/actions/p/x`,
      status: 403,
      error: "GET not permitted for 'PEER/p' since it's an action in a shared package",
    },
    {
      section: '1.8',
      what: 'a binding of a package of others',
      given: [shared('p'), put('b', toPeer('p'))],
      path: 'packages/b',
      status: 403,
      error: 'GET not permitted since b is a binding of a shared package',
    },
    {
      section: '1.8',
      what: 'an action through a binding of a package of others, there or not',
      given: [shared('p'), put('b', toPeer('p'))],
      path: 'actions/b/x',
      status: 403,
      error: "GET not permitted for 'OWN/b/x'. Resource does not exist or is an action in a shared package binding.",
    },
    denied('what is not shared is refused as ever', `${PEER}/packages/p`, 'PEER/p', [hidden('p')]),
    {
      section: '1.8',
      what: 'one’s own can be read, through a binding, too',
      given: [
        put('p'),
        { method: 'PUT', path: 'actions/p/x', body: { exec } },
        put('b', { binding: { namespace: '_', name: 'p' } }),
      ],
      path: 'actions/b/x',
      status: 200,
      expect: { namespace: 'OWN/p', name: 'x' },
    },
    {
      section: '6.4',
      what: 'lists show what is shared',
      given: [shared('p')],
      path: `${PEER}/packages`,
      status: 200,
      expect: [{ name: 'p' }],
    },
  ],
  { sharedPackagesExecuteOnly: true },
)
