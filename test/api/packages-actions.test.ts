/** Actions in packages: written where they lie, read and listed through bindings, too. */

import assert from 'node:assert/strict'
import { isJsonObject } from '../../src/model/json.ts'
import { parseEntityName, parseNamespaceName } from '../../src/model/names.ts'
import { createPackage } from '../../src/model/package-put.ts'
import type { ApiServer } from './api-server.ts'
import type { Request, Row } from './table.ts'
import { describeTable } from './table.ts'

const exec = { kind: 'nodejs:20', code: 'function main(args) { return args }' }
const put = (name: string, body: unknown = {}, query = ''): Request => ({
  method: 'PUT',
  path: `packages/${name}${query}`,
  body,
})
const bind = (name: string, to: string, body: object = {}): Request =>
  put(name, { binding: { namespace: '_', name: to }, ...body })
const putAction = (path: string, body: object = {}): Request => ({
  method: 'PUT',
  path: `actions/${path}`,
  body: { exec, ...body },
})
const NOT_FOUND = 'The requested resource does not exist.'
const OTHER_TYPE = 'Resource by this name exists but is not in this collection.'
const ON_BINDING = 'Operation not permitted on package binding.'

describeTable('actions in packages: write', [
  {
    section: '4.3',
    what: 'the answer to PUT has the package in the namespace, and the action’s own parameters alone',
    given: [put('p', { parameters: [{ key: 'a', value: 1 }] })],
    ...putAction('p/x', { parameters: [{ key: 'b', value: 2 }] }),
    status: 200,
    expect: ({ json }, namespace) => {
      assert.ok(isJsonObject(json))
      assert.equal(json['namespace'], `${namespace}/p`)
      assert.equal(json['name'], 'x')
      assert.deepEqual(json['parameters'], [{ key: 'b', value: 2 }])
    },
  },
  {
    section: '4.8',
    what: 'an update counts the version on and keeps what is absent',
    given: [put('p'), putAction('p/x', { parameters: [{ key: 'b', value: 2 }] })],
    method: 'PUT',
    path: 'actions/p/x?overwrite=true',
    body: { annotations: [{ key: 'y', value: 1 }] },
    status: 200,
    expect: { version: '0.0.2', exec, parameters: [{ key: 'b', value: 2 }] },
  },
  {
    section: '2.5',
    what: 'PUT over an action that exists',
    given: [put('p'), putAction('p/x')],
    ...putAction('p/x'),
    status: 409,
    error: 'resource already exists',
  },
  {
    section: '1.9',
    what: 'a package and an action outside may have the names of actions inside',
    given: [put('p'), put('x'), putAction('p/x'), putAction('p/p')],
    path: 'actions/p/p',
    status: 200,
    expect: { namespace: 'OWN/p', name: 'p' },
  },
  {
    section: '4.3, 4.14',
    what: 'the answer to DELETE has the action’s own parameters alone',
    given: [
      put('p', { parameters: [{ key: 'a', value: 1 }] }),
      putAction('p/x', { parameters: [{ key: 'b', value: 2 }] }),
    ],
    method: 'DELETE',
    path: 'actions/p/x',
    status: 200,
    expect: ({ json }) => {
      assert.ok(isJsonObject(json))
      assert.deepEqual(json['parameters'], [{ key: 'b', value: 2 }])
    },
  },
  {
    section: '4.14',
    what: 'it is gone then',
    given: [put('p'), putAction('p/x'), { method: 'DELETE', path: 'actions/p/x' }],
    path: 'actions/p/x',
    status: 404,
    error: NOT_FOUND,
  },
  ...(['GET', 'PUT', 'DELETE'] as const).flatMap((method): readonly Row[] => [
    {
      section: '4.1',
      what: `${method} in a package that is missing`,
      method,
      path: 'actions/none/x',
      ...(method === 'PUT' && { body: { exec } }),
      status: 404,
      error: NOT_FOUND,
    },
    {
      section: '4.1, 1.9',
      what: `${method} in what is no package`,
      given: [putAction('a')],
      method,
      path: 'actions/a/x',
      ...(method === 'PUT' && { body: { exec } }),
      status: 409,
      error: OTHER_TYPE,
    },
  ]),
  {
    section: '4.4',
    what: 'that the package is missing comes before what the body has wrong',
    method: 'PUT',
    path: 'actions/none/x',
    body: {},
    status: 404,
    error: NOT_FOUND,
  },
  {
    section: '4.1',
    what: 'PUT through a binding',
    given: [put('p'), bind('b', 'p')],
    ...putAction('b/x'),
    status: 400,
    error: ON_BINDING,
  },
  {
    section: '4.1',
    what: 'DELETE through a binding',
    given: [put('p'), putAction('p/x'), bind('b', 'p')],
    method: 'DELETE',
    path: 'actions/b/x',
    status: 400,
    error: ON_BINDING,
  },
  {
    section: '4.1, 14.12',
    what: 'GET of a package as an action',
    given: [put('p')],
    path: 'actions/p',
    status: 409,
    error: OTHER_TYPE,
  },
  { section: '4.1', what: 'deeper paths', given: [put('p')], path: 'actions/p/x/y', status: 404 },
])

describeTable('actions in packages: read', [
  {
    section: '4.3, 6.6',
    what: 'parameters of the package lie below the action’s own; annotations are not merged',
    given: [
      put('p', {
        parameters: [
          { key: 'a', value: 'p', init: true },
          { key: 'b', value: 'p' },
          { key: 'c', value: 'p' },
        ],
        annotations: [{ key: 'x', value: 'p' }],
      }),
      putAction('p/x', {
        parameters: [
          { key: 'b', value: 'x', init: true },
          { key: 'c', value: null },
        ],
      }),
    ],
    path: 'actions/p/x',
    status: 200,
    expect: ({ json }) => {
      assert.ok(isJsonObject(json))
      assert.deepEqual(json['parameters'], [
        { key: 'a', value: 'p', init: true },
        { key: 'b', value: 'x', init: true },
        { key: 'c', value: null },
      ])
      assert.deepEqual(json['annotations'], [
        { key: 'provide-api-key', value: false },
        { key: 'exec', value: 'nodejs:20' },
      ])
    },
  },
  {
    section: '4.3, 6.6',
    what: 'through a binding, its parameters lie between',
    given: [
      put('p', {
        parameters: [
          { key: 'a', value: 'p' },
          { key: 'b', value: 'p', init: true },
          { key: 'c', value: 'p' },
        ],
      }),
      putAction('p/x', { parameters: [{ key: 'c', value: 'x' }] }),
      bind('b', 'p', {
        parameters: [
          { key: 'b', value: 'b' },
          { key: 'c', value: 'b' },
        ],
      }),
    ],
    path: 'actions/b/x',
    status: 200,
    expect: ({ json }, namespace) => {
      assert.ok(isJsonObject(json))
      assert.deepEqual(json['parameters'], [
        { key: 'a', value: 'p' },
        { key: 'b', value: 'b' },
        { key: 'c', value: 'x' },
      ])
      assert.equal(json['namespace'], `${namespace}/p`)
      assert.equal('binding' in json, false)
    },
  },
  {
    section: '4.3',
    what: 'through a binding and without code, the binding is named',
    given: [put('p'), putAction('p/x'), bind('b', 'p')],
    path: 'actions/b/x?code=false',
    status: 200,
    expect: ({ json }, namespace) => {
      assert.ok(isJsonObject(json))
      assert.equal(json['binding'], `${namespace}/b`)
      assert.deepEqual(json['exec'], { kind: 'nodejs:20', binary: false })
    },
  },
  {
    section: '4.3',
    what: 'without code and without a binding, none is named',
    given: [put('p'), putAction('p/x')],
    path: 'actions/p/x?code=false',
    status: 200,
    expect: ({ json }) => assert.ok(isJsonObject(json) && !('binding' in json)),
  },
  {
    section: '1.8',
    what: 'a missing action through a binding',
    given: [put('p'), bind('b', 'p')],
    path: 'actions/b/none',
    status: 404,
    error: NOT_FOUND,
  },
  {
    section: '1.8',
    what: 'through a binding whose provider was one’s own and is gone',
    given: [put('p'), bind('b', 'p'), { method: 'DELETE', path: 'packages/p' }],
    path: 'actions/b/x',
    status: 404,
    error: NOT_FOUND,
  },
  {
    section: '4.10',
    what: 'bindings that lead back to themselves',
    prepare: storeCircle,
    path: 'actions/one/x',
    status: 422,
    error: "Package binding 'OWN/one' contains a circular reference.",
  },
  {
    section: '4.10',
    what: 'so does the package itself',
    prepare: storeCircle,
    path: 'packages/two',
    status: 422,
    error: "Package binding 'OWN/two' contains a circular reference.",
  },
])

/** Two bindings of each other: nobody can make them by the API, but a document of OpenWhisk’s may come with a dump. */
async function storeCircle({ stores: { artifacts } }: ApiServer, owner: string): Promise<void> {
  const namespace = parseNamespaceName(owner)
  for (const [one, other] of [
    ['one', 'two'],
    ['two', 'one'],
  ] as const) {
    const binding = { namespace, name: parseEntityName(other) }
    await artifacts.putEntity(
      createPackage({ namespace, name: parseEntityName(one) }, { binding }, 1),
      undefined,
      undefined,
    )
  }
}

describeTable('actions in packages: list', [
  {
    section: '4.2',
    what: 'the list of the namespace has what is in packages',
    given: [put('p'), putAction('p/x'), putAction('y')],
    path: 'actions',
    status: 200,
    expect: [
      { namespace: 'OWN', name: 'y' },
      { namespace: 'OWN/p', name: 'x' },
    ],
  },
  {
    section: '4.2',
    what: 'the list of a package has what is in it alone',
    given: [put('p'), put('q'), putAction('p/x'), putAction('q/z'), putAction('y')],
    path: 'actions/p/',
    status: 200,
    expect: ({ json }, namespace) => {
      assert.ok(Array.isArray(json) && json.length === 1)
      const { updated, ...rest }: Record<string, unknown> = json[0]
      assert.equal(typeof updated, 'number')
      assert.deepEqual(rest, {
        namespace: `${namespace}/p`,
        name: 'x',
        version: '0.0.1',
        publish: false,
        annotations: [
          { key: 'provide-api-key', value: false },
          { key: 'exec', value: 'nodejs:20' },
        ],
        limits: { timeout: 60_000, memory: 256, logs: 10, concurrency: 1 },
        exec: { binary: false },
      })
    },
  },
  {
    section: '4.2',
    what: 'through a binding, items show where they lie',
    given: [put('p'), putAction('p/x'), bind('b', 'p')],
    path: 'actions/b/',
    status: 200,
    expect: [{ namespace: 'OWN/p', name: 'x' }],
  },
  {
    section: '0.7',
    what: 'the list of a package has pages',
    given: [put('p'), putAction('p/x'), putAction('p/y'), putAction('p/z')],
    path: 'actions/p/?skip=1&limit=1',
    status: 200,
    expect: ({ json }) => {
      assert.ok(Array.isArray(json) && json.length === 1)
      assert.partialDeepStrictEqual(json, [{ name: 'y' }])
    },
  },
  {
    section: '0.7',
    what: 'and a count',
    given: [put('p'), putAction('p/x'), putAction('p/y'), putAction('z')],
    path: 'actions/p/?count=true',
    status: 200,
    expect: ({ json }) => assert.deepEqual(json, { actions: 2 }),
  },
  {
    section: '4.2, 1.8',
    what: 'the list of a package that is missing',
    path: 'actions/none/',
    status: 404,
    error: NOT_FOUND,
  },
  {
    section: '4.2, 1.9',
    what: 'the list of what is no package',
    given: [putAction('a')],
    path: 'actions/a/',
    status: 409,
    error: OTHER_TYPE,
  },
  {
    section: '0.7',
    what: 'the list of an empty package',
    given: [put('p')],
    path: 'actions/p/',
    status: 200,
    expect: ({ text }) => assert.equal(text, '[]'),
  },
])
