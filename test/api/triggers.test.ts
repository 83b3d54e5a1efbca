/** Triggers: create, change, read, list and delete. Firing them is the router's business. */

import assert from 'node:assert/strict'
import { isJsonObject } from '../../src/model/json.ts'
import type { Request, Row } from './table.ts'
import { describeTable } from './table.ts'

const put = (path: string, body: unknown = {}): Request => ({ method: 'PUT', path: `triggers/${path}`, body })
const action: Request = {
  method: 'PUT',
  path: 'actions/a',
  body: { exec: { kind: 'nodejs:20', code: 'function main() {}' } },
}
const rule: Request = { method: 'PUT', path: 'rules/r', body: { trigger: '/_/t', action: '/_/a' } }
const update = (fields: object = {}): Request => put('t?overwrite=true', fields)
const MISSING = 'The requested resource does not exist.'
const OTHER_TYPE = 'Resource by this name exists but is not in this collection.'
const malformed = (detail: string): string => `The request content was malformed:\n${detail}`
const forbidden = (resource: string): string => `The supplied authentication is not authorized to access '${resource}'.`
const big = (key: string, bytes: number): readonly object[] => [{ key, value: 'x'.repeat(bytes) }]

describeTable('create', [
  {
    section: '7.2, 7.3, 13.4',
    what: 'an empty object is enough; the whole entity without rules',
    ...put('t'),
    status: 200,
    expect: ({ json }, namespace) => {
      assert.ok(isJsonObject(json) && typeof json['updated'] === 'number')
      assert.ok(Math.abs(json['updated'] - Date.now()) < 60_000)
      assert.deepEqual(json, {
        namespace,
        name: 't',
        version: '0.0.1',
        publish: false,
        annotations: [],
        parameters: [],
        limits: {},
        updated: json['updated'],
      })
    },
  },
  {
    section: '7.2',
    what: 'parameters, annotations, limits, version and publish are taken, all else is ignored',
    ...put('t', {
      namespace: '_',
      name: 'other',
      parameters: [{ key: 'a', value: { b: [1] } }],
      annotations: [{ key: 'whisk-managed', value: { projectName: 'p' } }],
      limits: {},
      version: '1.2',
      publish: true,
      rules: { 'x/y': 1 },
      updated: 3,
    }),
    status: 200,
    expect: ({ json }) => {
      assert.partialDeepStrictEqual(json, {
        name: 't',
        version: '1.2.0',
        publish: true,
        parameters: [{ key: 'a', value: { b: [1] } }],
        annotations: [{ key: 'whisk-managed', value: { projectName: 'p' } }],
      })
      assert.ok(isJsonObject(json) && json['rules'] === undefined)
    },
  },
  {
    section: 'correction 1',
    what: 'an empty body',
    method: 'PUT',
    path: 'triggers/t',
    status: 400,
    error: /^The request content was malformed:\nUnexpected end-of-input/,
  },
  { section: '0.3', what: 'no JSON', ...put('t', '{'), status: 400, error: /^The request content was malformed:\n/ },
  {
    section: '0.3',
    what: 'another type of content',
    ...put('t', 'x'),
    headers: { 'content-type': 'text/plain; charset=UTF-8' },
    status: 415,
    error: "The request's Content-Type [text/plain; charset=UTF-8] is not supported. Expected:\napplication/json",
  },
  {
    section: '2.1',
    what: 'an illegal name',
    ...put('$t'),
    status: 400,
    error: 'The name of the entity contains illegal characters.',
  },
  {
    section: '7.1',
    what: 'triggers do not lie in packages',
    ...put('pkg/t'),
    status: 404,
    error: 'The requested resource could not be found.',
  },
  {
    section: '2.5',
    what: 'an existing one',
    given: [put('t')],
    ...put('t'),
    status: 409,
    error: 'resource already exists',
  },
  { section: '1.9', what: 'the name of an action', given: [action], ...put('a'), status: 409, error: OTHER_TYPE },
  {
    section: '1.9',
    what: 'the name of an action, overwriting',
    given: [action],
    ...put('a?overwrite=true'),
    status: 409,
    error: OTHER_TYPE,
  },
  {
    section: '1.8',
    what: 'in the namespace of another',
    method: 'PUT',
    path: '/api/v1/namespaces/other/triggers/t',
    body: {},
    status: 403,
    error: forbidden('other/t'),
  },
  {
    section: '2.3',
    what: 'parameters that are none',
    ...put('t', { parameters: [{ key: 'a' }] }),
    status: 400,
    error: malformed('parameters malformed!'),
  },
  {
    section: '2.3',
    what: 'large parameters',
    ...put('t', { parameters: big('p', 10_000) }),
    status: 413,
    error: 'parameters larger than allowed: 10003 > 10000 bytes.',
  },
  {
    section: '2.3',
    what: 'large annotations',
    ...put('t', { annotations: big('p', 10_000) }),
    status: 413,
    error: 'annotations larger than allowed: 10003 > 10000 bytes.',
  },
  {
    section: 'correction 4',
    what: 'sizes come before the rest of the body',
    ...put('t', { parameters: big('p', 10_000), version: 'x', publish: 1, limits: 1 }),
    status: 413,
    error: 'parameters larger than allowed: 10003 > 10000 bytes.',
  },
  {
    section: '2.2',
    what: 'a bad version',
    ...put('t', { version: 'x' }),
    status: 400,
    error: malformed('semantic version malformed'),
  },
  {
    section: '7.2',
    what: 'limits that are no object',
    ...put('t', { limits: 1 }),
    status: 400,
    error: malformed('Object expected'),
  },
])

const feed = (value: unknown, status: 200 | 400): Row => ({
  section: '7.2',
  what: `feed ${JSON.stringify(value)} is ${status === 200 ? 'taken, whether it exists or not' : 'refused'}`,
  ...put('t', { annotations: [{ key: 'feed', value }] }),
  status,
  ...(status === 400 && { error: 'Feed name is not valid' }),
})

describeTable('feeds', [
  ...['/whisk.system/alarms/alarm', 'alarm', '/_/feed', 'a/b/c/d'].map((value) => feed(value, 200)),
  ...['', '/', '$x', '/ns/ pkg', 5, null, { a: 1 }].map((value) => feed(value, 400)),
  {
    section: '7.2',
    what: 'feeds of an update are not looked at',
    given: [put('t')],
    ...update({ annotations: [{ key: 'feed', value: '$x' }] }),
    status: 200,
    expect: { annotations: [{ key: 'feed', value: '$x' }] },
  },
])

describeTable('update', [
  {
    section: '2.5',
    what: 'overwriting what is not there creates it',
    ...update(),
    status: 200,
    expect: { version: '0.0.1' },
  },
  {
    section: '2.2, 7.2',
    what: 'nothing changes but the version',
    given: [put('t', { parameters: [{ key: 'a', value: 1 }], annotations: [{ key: 'b', value: 2 }], publish: true })],
    ...update(),
    status: 200,
    expect: {
      version: '0.0.2',
      publish: true,
      parameters: [{ key: 'a', value: 1 }],
      annotations: [{ key: 'b', value: 2 }],
    },
  },
  {
    section: '4.8, 7.2',
    what: 'parameters and annotations are replaced',
    given: [put('t', { parameters: [{ key: 'a', value: 1 }], annotations: [{ key: 'b', value: 2 }] })],
    ...update({ parameters: [{ key: 'c', value: 3 }], annotations: [{ key: 'd', value: 4 }] }),
    status: 200,
    expect: ({ json }) => {
      assert.ok(isJsonObject(json))
      assert.deepEqual(json['parameters'], [{ key: 'c', value: 3 }])
      assert.deepEqual(json['annotations'], [{ key: 'd', value: 4 }])
    },
  },
  {
    section: '7.2, 7.3',
    what: 'the links of rules stay',
    given: [put('t'), action, rule],
    ...update({ parameters: [] }),
    status: 200,
    expect: ({ json }, namespace) => {
      assert.ok(isJsonObject(json))
      const link = { action: { path: namespace, name: 'a' }, status: 'active' }
      assert.deepEqual(json['rules'], { [`${namespace}/r`]: link })
    },
  },
])

describeTable('read, delete and list', [
  {
    section: '7.3, 13.4',
    what: 'a rule that is tied to it',
    given: [put('t'), action, rule],
    path: 'triggers/t',
    status: 200,
    expect: ({ json }, namespace) => {
      assert.ok(isJsonObject(json))
      const link = { action: { path: namespace, name: 'a' }, status: 'active' }
      assert.deepEqual(json['rules'], { [`${namespace}/r`]: link })
      assert.equal(json['version'], '0.0.1')
    },
  },
  {
    section: '7.3',
    what: 'no rule any more',
    given: [put('t'), action, rule, { method: 'DELETE', path: 'rules/r' }],
    path: 'triggers/t',
    status: 200,
    expect: ({ json }) => assert.deepEqual(isJsonObject(json) && json['rules'], {}),
  },
  { section: '7.1', what: 'a missing one', path: 'triggers/t', status: 404, error: MISSING },
  {
    section: '7.1',
    what: 'a missing one to delete',
    method: 'DELETE',
    path: 'triggers/t',
    status: 404,
    error: MISSING,
  },
  { section: '1.9', what: 'an action', given: [action], path: 'triggers/a', status: 409, error: OTHER_TYPE },
  {
    section: '1.9',
    what: 'an action to delete',
    given: [action],
    method: 'DELETE',
    path: 'triggers/a',
    status: 409,
    error: OTHER_TYPE,
  },
  {
    section: '1.8',
    what: 'of another',
    path: '/api/v1/namespaces/other/triggers/t',
    status: 403,
    error: forbidden('other/t'),
  },
  {
    section: '1.8',
    what: 'of another, to delete',
    method: 'DELETE',
    path: '/api/v1/namespaces/other/triggers/t',
    status: 403,
    error: forbidden('other/t'),
  },
  {
    section: '2.5',
    what: 'DELETE answers what was there',
    given: [put('t', { parameters: [{ key: 'a', value: 1 }] })],
    method: 'DELETE',
    path: 'triggers/t',
    status: 200,
    expect: { name: 't', parameters: [{ key: 'a', value: 1 }], limits: {} },
  },
  {
    section: '2.5',
    what: 'after DELETE it is gone',
    given: [put('t'), { method: 'DELETE', path: 'triggers/t' }],
    path: 'triggers/t',
    status: 404,
    error: MISSING,
  },
  {
    section: '0.4',
    what: 'another method',
    given: [put('t')],
    method: 'PATCH',
    path: 'triggers/t',
    status: 404,
    error: 'The requested resource could not be found.',
  },
  {
    section: '0.7, 7.3',
    what: 'list, the newest first, without parameters, limits and rules',
    given: [put('t', { annotations: [{ key: 'b', value: 2 }] }), action, rule, put('u')],
    path: 'triggers',
    status: 200,
    expect: ({ json }, namespace) => {
      assert.ok(Array.isArray(json))
      const [first, second] = json
      assert.equal(first.name, 'u')
      const { updated, ...rest } = second
      assert.equal(typeof updated, 'number')
      const annotations = [{ key: 'b', value: 2 }]
      assert.deepEqual(rest, { namespace, name: 't', version: '0.0.1', publish: false, annotations })
      assert.equal(json.length, 2)
    },
  },
  {
    section: '0.7',
    what: 'skip and limit',
    given: [put('t'), put('u'), put('v')],
    path: 'triggers/?skip=1&limit=1',
    status: 200,
    expect: ({ json }) =>
      assert.deepEqual(Array.isArray(json) && json.map(({ name }: { name: string }) => name), ['u']),
  },
  {
    section: '0.7',
    what: 'count without those skipped, whatever the limit',
    given: [put('t'), put('u'), put('v')],
    path: 'triggers?count=true&skip=1&limit=1',
    status: 200,
    expect: { triggers: 2 },
  },
  {
    section: '0.7',
    what: 'a limit that is too large',
    path: 'triggers?limit=201',
    status: 400,
    error: "The query parameter 'limit' was malformed:\nThe value '201' is not in the range of 0 to 200 for triggers.",
  },
  {
    section: '1.8',
    what: 'the list of another',
    path: '/api/v1/namespaces/other/triggers',
    status: 403,
    error: forbidden('other'),
  },
])
