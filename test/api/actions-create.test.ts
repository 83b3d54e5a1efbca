/** Actions come into being: names, defaults, what the platform adds. */

import assert from 'node:assert/strict'
import { isJsonObject } from '../../src/model/json.ts'
import type { Request, Response, Row } from './table.ts'
import { describeTable } from './table.ts'

const CODE = 'function main(args) { return args }'
const exec = { kind: 'nodejs:20', code: CODE }
const put = (path: string, body: unknown = { exec }): Request => ({ method: 'PUT', path: `actions/${path}`, body })
const create = (fields: object = {}): Request => put('a', { exec, ...fields })
const MISSING = 'The requested resource does not exist.'

const annotationsOf = ({ json }: Response): Record<string, unknown> => {
  assert.ok(isJsonObject(json) && Array.isArray(json['annotations']))
  return Object.fromEntries(json['annotations'].map(({ key, value }: { key: string; value: unknown }) => [key, value]))
}

const taken = (name: string): Row => ({
  section: '2.1',
  what: `takes '${name.slice(0, 20)}'`,
  ...put(encodeURIComponent(name)),
  status: 200,
  expect: { name },
})

const illegal = (encoded: string): Row => ({
  section: '2.1',
  what: `refuses '${encoded}'`,
  ...put(encoded),
  status: 400,
  error: 'The name of the entity contains illegal characters.',
})

const TAKEN = ['a', 'a b', 'a@b', 'a.b', '_', 'abc_123', '123-Name', 'My Action', 'a&b', 'x'.repeat(256)]
const ILLEGAL = [' ', 'hi+there', '$hola', 'dora?', '|dora|dora?', 'a ', 'a/b', '\u00e4', 'a\0', 'a\n']

describeTable('names', [
  ...TAKEN.map(taken),
  ...ILLEGAL.map(encodeURIComponent).map(illegal),
  illegal('%ff'),
  {
    section: '2.1',
    what: 'refuses long names',
    ...put('x'.repeat(257)),
    status: 400,
    error: 'Name segement longer than allowed: 257 > 256.',
  },
  {
    section: '2.1',
    what: 'refuses long namespaces',
    path: `/api/v1/namespaces/${'x'.repeat(257)}/actions`,
    status: 400,
    error: 'Namespace longer than allowed: 257 > 256.',
  },
  {
    section: '2.1',
    what: 'refuses illegal namespaces',
    path: '/api/v1/namespaces/$x/actions',
    status: 400,
    error: 'The namespace contains illegal characters.',
  },
])

describeTable('create', [
  {
    section: '4.3, 4.8, 13.1',
    what: 'the whole entity, with the annotations of the platform',
    ...create({
      namespace: '_',
      name: 'other',
      parameters: [
        { key: 'a', value: 1, init: true },
        { key: 'b', value: null },
      ],
      annotations: [{ key: 'web-export', value: true }],
      unknown: 1,
      updated: 5,
    }),
    status: 200,
    expect: ({ json }, namespace) => {
      assert.ok(isJsonObject(json) && typeof json['updated'] === 'number' && json['updated'] > 1e12)
      assert.deepEqual(json, {
        namespace,
        name: 'a',
        version: '0.0.1',
        publish: false,
        exec: { kind: 'nodejs:20', code: CODE, binary: false },
        parameters: [
          { key: 'a', value: 1, init: true },
          { key: 'b', value: null },
        ],
        annotations: [
          { key: 'web-export', value: true },
          { key: 'provide-api-key', value: false },
          { key: 'exec', value: 'nodejs:20' },
        ],
        limits: { timeout: 60_000, memory: 256, logs: 10, concurrency: 1 },
        updated: json['updated'],
      })
    },
  },
  {
    section: '4.8',
    what: 'provide-api-key is left as given, exec is not',
    ...create({
      annotations: [
        { key: 'provide-api-key', value: true },
        { key: 'exec', value: 'mine' },
      ],
    }),
    status: 200,
    expect: (r) => assert.deepEqual(annotationsOf(r), { 'provide-api-key': true, exec: 'nodejs:20' }),
  },
  {
    section: '4.5',
    what: 'a default kind is resolved',
    ...put('a', { exec: { kind: ' NodeJS:default ', code: '' } }),
    status: 200,
    expect: { exec: { kind: 'nodejs:20', code: '', binary: false } },
  },
  {
    section: '4.5',
    what: 'binary is seen, not believed',
    ...put('a', { exec: { kind: 'nodejs:20', code: 'RHViZWU=', binary: false } }),
    status: 200,
    expect: { exec: { binary: true } },
  },
  {
    section: '4.5',
    what: 'a jar is code',
    ...put('a', { exec: { kind: 'java:8', jar: 'abcd', main: 'Main' } }),
    status: 200,
    expect: { exec: { code: 'abcd', main: 'Main', binary: true } },
  },
  {
    section: '2.2',
    what: 'a version is completed',
    ...create({ version: '1.2' }),
    status: 200,
    expect: { version: '1.2.0' },
  },
  {
    section: '2.3',
    what: 'the last of equal keys wins',
    ...create({
      parameters: [
        { key: 'a', value: 1 },
        { key: 'a', value: 2 },
      ],
    }),
    status: 200,
    expect: { parameters: [{ key: 'a', value: 2 }] },
  },
  {
    section: '4.3',
    what: 'instances are kept',
    ...create({ limits: { instances: 3 } }),
    status: 200,
    expect: { limits: { instances: 3 } },
  },
  { section: '4.4', what: 'null is absent', ...create({ parameters: null, limits: null, version: null }), status: 200 },
  {
    section: '15.1',
    what: 'numbers survive as numbers',
    ...create({ annotations: [{ key: 'require-whisk-auth', value: 9_007_199_254_740_991 }] }),
    status: 200,
    expect: ({ text }) => assert.match(text, /"value":9007199254740991\b/),
  },
  {
    section: '15.4',
    what: 'text is UTF-8 end to end',
    ...create({ parameters: [{ key: 'ключ', value: '値🎉' }] }),
    status: 200,
    expect: { parameters: [{ key: 'ключ', value: '値🎉' }] },
  },
  {
    section: '2.5',
    what: 'an existing action is not overwritten unasked',
    given: [create()],
    ...create(),
    status: 409,
    error: 'resource already exists',
  },
  { section: '2.5', what: 'overwrite creates', ...put('a?overwrite=true'), status: 200, expect: { version: '0.0.1' } },
  {
    section: '1.8',
    what: 'nobody creates in another namespace',
    ...put('x'),
    path: '/api/v1/namespaces/other/actions/x',
    status: 403,
    error: "The supplied authentication is not authorized to access 'other/x'.",
  },
  {
    section: '1.8',
    what: 'nor in its packages, whose name is quoted',
    ...put('x'),
    path: '/api/v1/namespaces/other/actions/pkg/x',
    status: 403,
    error: "The supplied authentication is not authorized to access 'other/pkg'.",
  },
  { section: '4.1', what: 'a package that is missing', ...put('pkg/a'), status: 404, error: MISSING },
  {
    section: '4.1',
    what: 'a package that is an action',
    given: [create()],
    ...put('a/b'),
    status: 409,
    error: 'Resource by this name exists but is not in this collection.',
  },
])
