/** Actions are updated, read, deleted and listed; and which of several faults is reported. */

import assert from 'node:assert/strict'
import { isJsonObject } from '../../src/model/json.ts'
import type { Request, Response, Row } from './table.ts'
import { describeTable } from './table.ts'

const CODE = 'function main(args) { return args }'
const exec = { kind: 'nodejs:20', code: CODE }
const put = (path: string, body: unknown = { exec }): Request => ({ method: 'PUT', path: `actions/${path}`, body })
const create = (fields: object = {}): Request => put('a', { exec, ...fields })
const update = (fields: object): Request => put('a?overwrite=true', fields)
const MISSING = 'The requested resource does not exist.'
const forbidden = (resource: string): string => `The supplied authentication is not authorized to access '${resource}'.`

const annotationsOf = ({ json }: Response): Record<string, unknown> => {
  assert.ok(isJsonObject(json) && Array.isArray(json['annotations']))
  return Object.fromEntries(json['annotations'].map(({ key, value }: { key: string; value: unknown }) => [key, value]))
}
const namesOf = ({ json }: Response): unknown[] => {
  assert.ok(Array.isArray(json))
  return json.map(({ name }: { name: unknown }) => name)
}

describeTable('update', [
  {
    section: '4.8',
    what: 'what is absent stays, code included, and the version goes on',
    given: [create({ version: '1.2.3', parameters: [{ key: 'p', value: 1 }], limits: { memory: 128, instances: 2 } })],
    ...update({}),
    status: 200,
    expect: {
      version: '1.2.4',
      exec: { code: CODE },
      parameters: [{ key: 'p', value: 1 }],
      limits: { memory: 128, timeout: 60_000, instances: 2 },
    },
  },
  {
    section: '2.2',
    what: 'a given version is taken as it is',
    given: [create({ version: '5.0.0' })],
    ...update({ version: '0.1.0' }),
    status: 200,
    expect: { version: '0.1.0' },
  },
  {
    section: '4.8',
    what: 'annotations are merged, removals come first',
    given: [
      create({
        annotations: [
          { key: 'a', value: 1 },
          { key: 'b', value: 1 },
          { key: 'c', value: 1 },
        ],
      }),
    ],
    ...update({ annotations: [{ key: 'b', value: 2 }], delAnnotations: ['b', 'c', 'missing', 'exec'] }),
    status: 200,
    expect: (r) => assert.deepEqual(annotationsOf(r), { a: 1, b: 2, 'provide-api-key': false, exec: 'nodejs:20' }),
  },
  {
    section: '4.8',
    what: 'an update does not bring provide-api-key back',
    given: [create(), update({ delAnnotations: ['provide-api-key'] })],
    ...update({ exec: { kind: 'python:3.11', code: 'x' } }),
    status: 200,
    expect: (r) => assert.deepEqual(annotationsOf(r), { exec: 'python:3.11' }),
  },
  {
    section: '4.8',
    what: 'parameters are replaced as a whole',
    given: [create({ parameters: [{ key: 'p', value: 1 }] })],
    ...update({ parameters: [{ key: 'q', value: 2 }] }),
    status: 200,
    expect: ({ text }) => assert.match(text, /"parameters":\[\{"key":"q","value":2\}\]/),
  },
  {
    section: '4.8',
    what: 'an empty list clears parameters',
    given: [create({ parameters: [{ key: 'p', value: 1 }] })],
    ...update({ parameters: [] }),
    status: 200,
    expect: ({ text }) => assert.match(text, /"parameters":\[\]/),
  },
  {
    section: '4.6',
    what: 'limits that are not given stay',
    given: [create({ limits: { timeout: 5000, memory: 512 } })],
    ...update({ limits: { memory: 128 } }),
    status: 200,
    expect: { limits: { timeout: 5000, memory: 128 } },
  },
  {
    section: '2.5',
    what: 'overwrite=no is a refusal',
    given: [create()],
    ...put('a?overwrite=No'),
    status: 409,
    error: 'resource already exists',
  },
  {
    section: 'correction 2',
    what: 'an empty overwrite is the default',
    given: [create()],
    ...put('a?overwrite='),
    status: 409,
    error: 'resource already exists',
  },
])

describeTable('order of faults', [
  {
    section: '4.4',
    what: 'ownership before the body',
    method: 'PUT',
    path: '/api/v1/namespaces/other/actions/a',
    body: '{',
    status: 403,
    error: forbidden('other/a'),
  },
  {
    section: '4.4',
    what: 'a missing package before the body',
    method: 'PUT',
    path: 'actions/pkg/a',
    body: '{',
    status: 404,
    error: MISSING,
  },
  {
    section: '4.4',
    what: 'the body before the query',
    ...put('a?overwrite=x', { version: 1 }),
    status: 400,
    error: 'The request content was malformed:\nsemantic version malformed',
  },
  {
    section: '0.5, 4.4',
    what: 'the query before limits',
    ...put('a?overwrite=X', { limits: { memory: 1 } }),
    status: 400,
    error: "The query parameter 'overwrite' was malformed:\n'x' is not a valid Boolean value",
  },
  {
    section: '4.4',
    what: 'limits before existence',
    given: [create()],
    ...create({ limits: { memory: 1 } }),
    status: 400,
    error: /below allowed threshold/,
  },
  {
    section: '4.4',
    what: 'the kind whitelist before existence',
    given: [create()],
    prepare: async ({ administration }, namespace) => {
      await administration.setLimits(namespace, { allowedKinds: ['nodejs:20'] })
    },
    ...put('a', { exec: { kind: 'python:default', code: '' } }),
    status: 403,
    error: "The supplied authentication is not authorized to access actions of kind 'python:3.11'.",
  },
  {
    section: '4.4',
    what: 'existence before instances and deprecation',
    given: [create()],
    ...put('a', { exec: { kind: 'nodejs:6', code: '' }, limits: { instances: 99 } }),
    status: 409,
    error: 'resource already exists',
  },
  {
    section: '4.4',
    what: 'instances before deprecation',
    ...put('a', { exec: { kind: 'nodejs:6', code: '' }, limits: { instances: 99 } }),
    status: 400,
    error: /^Max action instance concurrency/,
  },
])

const foreign = (method: string, path: string, resource: string): Row => ({
  section: '1.8',
  what: `${method} of ${resource} is not for others`,
  method,
  path: `/api/v1/namespaces/other/actions/${path}`,
  status: 403,
  error: forbidden(resource),
})

describeTable('read, delete and list', [
  {
    section: '4.3',
    what: 'GET has the code',
    given: [create()],
    path: 'actions/a',
    status: 200,
    expect: { exec: { kind: 'nodejs:20', code: CODE, binary: false } },
  },
  {
    section: '4.3',
    what: 'GET without code',
    given: [create()],
    path: 'actions/a?code=false',
    status: 200,
    expect: ({ json }) => {
      assert.ok(isJsonObject(json))
      assert.deepEqual(json['exec'], { kind: 'nodejs:20', binary: false })
    },
  },
  {
    section: '0.4',
    what: 'names are decoded once',
    given: [put('a%20b')],
    path: 'actions/a%20b',
    status: 200,
    expect: { name: 'a b' },
  },
  {
    section: '0.4',
    what: 'and not twice',
    path: 'actions/a%2520b',
    status: 400,
    error: 'The name of the entity contains illegal characters.',
  },
  { section: '2.5', what: 'GET of nothing', path: 'actions/a', status: 404, error: MISSING },
  { section: '1.8', what: 'GET in a missing package', path: 'actions/p/a', status: 404, error: MISSING },
  {
    section: '1.9',
    what: 'GET in a package that is an action',
    given: [create()],
    path: 'actions/a/b',
    status: 409,
    error: 'Resource by this name exists but is not in this collection.',
  },
  { section: '1.8', what: 'list of a missing package', path: 'actions/p/', status: 404, error: MISSING },
  foreign('GET', 'a', 'other/a'),
  foreign('DELETE', 'a', 'other/a'),
  foreign('GET', 'p/a', 'other/p'),
  foreign('GET', 'p/', 'other/p'),
  {
    section: '2.5, 4.14',
    what: 'DELETE answers what was there',
    given: [create()],
    method: 'DELETE',
    path: 'actions/a',
    status: 200,
    expect: { name: 'a', version: '0.0.1', exec: { code: CODE } },
  },
  {
    section: '2.5',
    what: 'DELETE twice',
    given: [create(), { method: 'DELETE', path: 'actions/a' }],
    method: 'DELETE',
    path: 'actions/a',
    status: 404,
    error: MISSING,
  },
  {
    section: '4.2',
    what: 'list items are summaries',
    given: [create({ parameters: [{ key: 'p', value: 1 }] })],
    path: 'actions',
    status: 200,
    expect: ({ json }, namespace) => {
      assert.ok(Array.isArray(json) && isJsonObject(json[0]))
      assert.deepEqual(json, [
        {
          namespace,
          name: 'a',
          version: '0.0.1',
          publish: false,
          annotations: [
            { key: 'provide-api-key', value: false },
            { key: 'exec', value: 'nodejs:20' },
          ],
          limits: { timeout: 60_000, memory: 256, logs: 10, concurrency: 1 },
          exec: { binary: false },
          updated: json[0]['updated'],
        },
      ])
    },
  },
  {
    section: '0.7',
    what: 'newest first, skip and limit',
    given: [put('a'), put('b'), put('c'), put('a?overwrite=true', {})],
    path: 'actions?skip=1&limit=2',
    status: 200,
    expect: (r) => assert.equal(namesOf(r).length, 2),
  },
  {
    section: '0.7',
    what: 'limit=0 is all there may be',
    given: Array.from({ length: 32 }, (_, index) => put(`a${index}`)),
    path: 'actions?limit=0',
    status: 200,
    expect: (r) => assert.equal(namesOf(r).length, 32),
  },
  {
    section: '0.7',
    what: 'the default limit is 30',
    given: Array.from({ length: 32 }, (_, index) => put(`a${index}`)),
    path: 'actions?docs=maybe&public=x',
    status: 200,
    expect: (r) => assert.equal(namesOf(r).length, 30),
  },
  {
    section: '0.7',
    what: 'count is what is there less skip, whatever the limit',
    given: [put('a'), put('b'), put('c')],
    path: 'actions?count=true&skip=1&limit=1',
    status: 200,
    expect: (r) => assert.deepEqual(r.json, { actions: 2 }),
  },
  {
    section: '0.7',
    what: 'count never falls below 0',
    path: 'actions?count=true&skip=7',
    status: 200,
    expect: (r) => assert.deepEqual(r.json, { actions: 0 }),
  },
  {
    section: '0.7, 0.8',
    what: 'a bad limit carries no CORS headers',
    path: 'actions?limit=foo',
    status: 400,
    error: "The query parameter 'limit' was malformed:\nThe value 'foo' is not an integer for actions.",
    expect: ({ headers }) => assert.equal(headers['access-control-allow-origin'], undefined),
  },
  {
    section: '1.8',
    what: 'the namespace may be named',
    given: [create()],
    path: '/api/v1/namespaces/OWN/actions/a',
    status: 200,
  },
])

const image = (body: object): Request => put('a', { exec: { kind: 'blackbox', ...body } })

describeTable('images', [
  {
    section: '4.3, 4.5',
    what: 'an image with blank code has none',
    ...image({ image: 'openwhisk/dockerskeleton', code: ' ', native: true }),
    status: 200,
    expect: (r) => {
      assert.ok(isJsonObject(r.json))
      assert.deepEqual(r.json['exec'], { kind: 'blackbox', image: 'openwhisk/dockerskeleton', binary: false })
      assert.equal(annotationsOf(r)['exec'], 'blackbox')
    },
  },
  {
    section: '4.5',
    what: 'an image with code and main',
    ...image({ image: 'localhost:5000/a/b:1', code: 'abcd', main: 'm' }),
    status: 200,
    expect: { exec: { image: 'localhost:5000/a/b:1', code: 'abcd', binary: true, main: 'm' } },
  },
  {
    section: '4.5',
    what: 'no image',
    ...image({}),
    status: 400,
    error: "The request content was malformed:\n'image' must be a string defined in 'exec' for 'blackbox' actions",
  },
  {
    section: '4.5',
    what: 'no image name',
    ...image({ image: 'A/B' }),
    status: 400,
    error: 'The request content was malformed:\ncould not parse image name',
  },
])
