/** Sequences are written: what they may consist of, in which order that is checked, and what becomes of them. */

import assert from 'node:assert/strict'
import type { EntityName, NamespaceName } from '../../src/model/names.ts'
import type { BindingTarget, Package } from '../../src/model/package.ts'
import { FIRST_VERSION } from '../../src/model/version.ts'
import type { ApiServer } from './api-server.ts'
import type { Request, Row } from './table.ts'
import { describeTable } from './table.ts'

const CODE = 'function main(args) { return args }'
const PREFIX = 'The request content was malformed:\n'
const SELF = 'Sequence may not refer to itself.'
const MISSING = 'Sequence component does not exist.'
const TOO_MANY = 'Too many actions in the sequence.'
const NOT_THERE = 'The requested resource does not exist.'
const forbidden = (names: string): string => `The supplied authentication is not authorized to access '${names}'.`

const put = (name: string, fields: object, query = ''): Request => ({
  method: 'PUT',
  path: `actions/${name}${query}`,
  body: fields,
})
const action = (name: string): Request => put(name, { exec: { kind: 'nodejs:20', code: CODE } })
const sequence = (name: string, components: unknown, fields: object = {}): Request =>
  put(name, { exec: { kind: 'sequence', components }, ...fields })
const again = (request: Request): Request => ({ ...request, path: `${request.path}?overwrite=true` })
const times = (count: number, name: string): readonly string[] => Array.from({ length: count }, () => name)

/** Stores a package beside the API. */
async function store(server: ApiServer, namespace: string, name: string, fields: Partial<Package>): Promise<void> {
  const entity: Package = {
    namespace: namespace as NamespaceName,
    name: name as EntityName,
    entityType: 'package',
    version: FIRST_VERSION,
    publish: false,
    parameters: [],
    annotations: [],
    updated: 0,
    ...fields,
  }
  await server.stores.artifacts.putEntity(entity, undefined, undefined).catch(() => undefined)
}
const target = (namespace: string, name: string): BindingTarget => ({
  namespace: namespace as NamespaceName,
  name: name as EntityName,
})

const malformed = (what: string, exec: unknown, detail: string | RegExp): Row => ({
  section: '4.5',
  what,
  ...put('s', { exec }),
  status: 400,
  error: typeof detail === 'string' ? PREFIX + detail : detail,
})

describeTable('sequences: the body', [
  malformed('components are required', { kind: 'sequence' }, "'components' must be defined for sequence kind"),
  malformed('components are an array', { kind: 'sequence', components: '/_/a' }, "'components' must be an array"),
  malformed('a component is a name', { kind: 'sequence', components: [3] }, 'fully qualified name malformed'),
  malformed(
    'a name has two segments',
    { kind: 'sequence', components: ['a'] },
    'requirement failed: The fully qualified name of the entity must contain at least the namespace and the name of the entity.',
  ),
  malformed(
    'a name is legal',
    { kind: 'sequence', components: ['/_/$a'] },
    /^The request content was malformed:\nrequirement failed: path contains invalid parts/,
  ),
  {
    section: '13.3',
    what: '`_` is resolved, the parameters are the components',
    given: [action('a')],
    ...put('s', {}),
    body: {
      exec: { kind: ' Sequence ', components: ['/_/a', '//_//a', { path: '_', name: 'a' }] },
      parameters: [{ key: 'mine', value: 1 }],
      annotations: [{ key: 'exec', value: 'nodejs:20' }],
    },
    status: 200,
    expect: ({ json }, namespace) => {
      const components = times(3, `/${namespace}/a`)
      assert.partialDeepStrictEqual(json, {
        exec: { kind: 'sequence', components },
        parameters: [{ key: '_actions', value: components }],
        version: '0.0.1',
        limits: { timeout: 60000, memory: 256, logs: 10, concurrency: 1 },
        annotations: [
          { key: 'exec', value: 'sequence' },
          { key: 'provide-api-key', value: false },
        ],
      })
      assert.deepEqual(Object.keys((json as { exec: object }).exec), ['kind', 'components'])
    },
  },
  {
    section: '4.3',
    what: 'code=false keeps the components',
    given: [action('a'), sequence('s', ['/_/a'])],
    path: 'actions/s?code=false',
    status: 200,
    expect: ({ json }, namespace) =>
      assert.partialDeepStrictEqual(json, { exec: { kind: 'sequence', components: [`/${namespace}/a`] } }),
  },
  {
    section: '4.2',
    what: 'a list says so by the annotation',
    given: [action('a'), sequence('s', ['/_/a'])],
    path: 'actions?limit=1',
    status: 200,
    expect: [{ name: 's', exec: { binary: false }, annotations: [{ key: 'exec', value: 'sequence' }] }],
  },
])

describeTable('sequences: what they may consist of', [
  {
    section: '4.7',
    what: 'at least one',
    ...sequence('s', []),
    status: 400,
    error: 'No component specified for the sequence.',
  },
  {
    section: '4.7',
    what: 'the same fifty times',
    given: [action('a')],
    ...sequence('s', times(50, '/_/a')),
    status: 200,
  },
  {
    section: '4.7',
    what: 'not fifty-one, there or not',
    ...sequence('s', times(51, '/_/a')),
    status: 400,
    error: TOO_MANY,
  },
  {
    section: '4.7',
    what: 'fifty-one when written out are too many',
    given: [action('a'), sequence('ten', times(10, '/_/a'))],
    ...sequence('s', [...times(5, '/_/ten'), '/_/a']),
    status: 400,
    error: TOO_MANY,
  },
  {
    section: '4.7',
    what: 'fifty when written out are not',
    given: [action('a'), sequence('ten', times(10, '/_/a')), sequence('twenty', times(2, '/_/ten'))],
    ...sequence('s', ['/_/twenty', '/_/twenty', '/_/ten']),
    status: 200,
  },
  { section: '4.7', what: 'not something that is missing', ...sequence('s', ['/_/gone']), status: 400, error: MISSING },
  {
    section: '4.7',
    what: 'not a package',
    prepare: (server, namespace) => store(server, namespace, 'p', {}),
    ...sequence('s', ['/_/p']),
    status: 400,
    error: MISSING,
  },
  { section: '4.7', what: 'not itself, before it is there', ...sequence('s', ['/_/s']), status: 400, error: SELF },
  {
    section: '4.7',
    what: 'not itself, once it is there',
    given: [action('s')],
    ...again(sequence('s', ['/_/s'])),
    status: 400,
    error: SELF,
  },
  {
    section: '4.7',
    what: 'not itself through others',
    given: [action('a'), sequence('s', ['/_/a']), sequence('t', ['/_/a', '/_/s']), sequence('u', ['/_/t'])],
    ...again(sequence('s', ['/_/a', '/_/u'])),
    status: 400,
    error: SELF,
  },
  {
    section: '4.7',
    what: 'the first that is wrong decides (missing)',
    ...sequence('s', ['/_/gone', '/_/s']),
    status: 400,
    error: MISSING,
  },
  {
    section: '4.7',
    what: 'the first that is wrong decides (itself)',
    ...sequence('s', ['/_/s', '/_/gone']),
    status: 400,
    error: SELF,
  },
])

const SHARED = async (server: ApiServer): Promise<void> => {
  await store(server, 'other', 'shared', { publish: true })
  await store(server, 'other', 'private', {})
}

describeTable('sequences: components of others', [
  { section: '4.4', what: 'are forbidden', ...sequence('s', ['/other/a']), status: 403, error: forbidden('other/a') },
  {
    section: '1.8',
    what: 'and all are named',
    prepare: SHARED,
    ...sequence('s', ['/other/a', '/_/gone', '/other/private/x', '/other/b', '/other/none/x']),
    status: 403,
    error: forbidden('other/a, other/private, other/b, other/none'),
  },
  {
    section: '4.7',
    what: 'unless they are in a published package',
    prepare: SHARED,
    ...sequence('s', ['/other/shared/gone']),
    status: 400,
    error: MISSING,
  },
  {
    section: '1.8',
    what: 'a missing package of one’s own is 404',
    ...sequence('s', ['/_/none/x', '/_/gone']),
    status: 404,
    error: NOT_THERE,
  },
  {
    section: '2.1',
    what: 'a name of four segments lies in no package',
    given: [{ method: 'PUT', path: 'packages/p', body: {} }, action('p/x')],
    ...sequence('s', ['/_/p/x/y']),
    status: 404,
    error: NOT_THERE,
  },
  {
    section: '2.1, 1.8',
    what: 'somebody else’s is not told of either',
    ...sequence('s', ['/other/p/x/y']),
    status: 403,
    error: "The supplied authentication is not authorized to access 'other/p/x'.",
  },
  {
    section: '1.9',
    what: 'a package that is none is 409',
    given: [action('a')],
    ...sequence('s', ['/_/a/x']),
    status: 409,
    error: 'Resource by this name exists but is not in this collection.',
  },
  {
    section: '1.8',
    what: 'a binding to a package that became private is refused by its name',
    prepare: async (server, namespace) => {
      await SHARED(server)
      await store(server, namespace, 'b', { binding: target('other', 'private') })
    },
    ...sequence('s', ['/_/b/x']),
    status: 403,
    error: /'user-\d+\/b'/,
  },
])

describeTable('sequences: the order of the checks', [
  {
    section: '4.4',
    what: 'limits come before rights',
    ...sequence('s', ['/other/a'], { limits: { memory: 1 } }),
    status: 400,
    error: /allowed threshold/,
  },
  {
    section: '4.4',
    what: 'rights come before the kinds that are allowed',
    prepare: async ({ administration }, namespace) => {
      await administration.setLimits(namespace, { allowedKinds: ['nodejs:20'] })
    },
    ...sequence('s', ['/other/a']),
    status: 403,
    error: forbidden('other/a'),
  },
  {
    section: '4.4',
    what: 'the kind comes before the conflict',
    prepare: async ({ administration }, namespace) => {
      await administration.setLimits(namespace, { allowedKinds: ['nodejs:20'] })
    },
    given: [action('s')],
    ...sequence('s', []),
    status: 403,
    error: "The supplied authentication is not authorized to access actions of kind 'sequence'.",
  },
  {
    section: '4.4',
    what: 'the conflict comes before the rules of sequences',
    given: [action('s')],
    ...sequence('s', []),
    status: 409,
    error: 'resource already exists',
  },
])

const parameters = [{ key: 'p', value: 1 }]

describeTable('sequences: changes', [
  {
    section: '4.7',
    what: 'without exec the list of components stays, whatever parameters are given',
    given: [action('a'), sequence('s', ['/_/a'])],
    ...put('s', { parameters, annotations: [{ key: 'k', value: 1 }] }, '?overwrite=true'),
    status: 200,
    expect: ({ json }, namespace) =>
      assert.partialDeepStrictEqual(json, {
        exec: { components: [`/${namespace}/a`] },
        parameters: [{ key: '_actions', value: [`/${namespace}/a`] }],
        annotations: [{ key: 'k', value: 1 }],
        version: '0.0.2',
      }),
  },
  {
    section: '4.7',
    what: 'code in its place resets the parameters',
    given: [action('a'), sequence('s', ['/_/a'])],
    ...again(action('s')),
    status: 200,
    expect: ({ json }) => {
      assert.partialDeepStrictEqual(json, {
        exec: { kind: 'nodejs:20' },
        annotations: [{ key: 'exec', value: 'nodejs:20' }],
      })
      assert.deepEqual((json as { parameters: unknown }).parameters, [])
    },
  },
  {
    section: '4.7',
    what: 'code in its place with parameters has those',
    given: [action('a'), sequence('s', ['/_/a'])],
    ...put('s', { exec: { kind: 'nodejs:20', code: CODE }, parameters }, '?overwrite=true'),
    status: 200,
    expect: { parameters },
  },
  {
    section: '4.7',
    what: 'a sequence in place of code has its components as parameters',
    given: [action('a'), put('s', { exec: { kind: 'nodejs:20', code: CODE }, parameters })],
    ...again(sequence('s', ['/_/a'])),
    status: 200,
    expect: ({ json }, namespace) =>
      assert.deepEqual((json as { parameters: unknown }).parameters, [{ key: '_actions', value: [`/${namespace}/a`] }]),
  },
  {
    section: '4.8',
    what: 'delAnnotations are of no effect in the same body as a sequence',
    given: [action('a'), sequence('s', ['/_/a'], { annotations: [{ key: 'keep', value: 1 }] })],
    ...again(sequence('s', ['/_/a'], { delAnnotations: ['keep'] })),
    status: 200,
    expect: { annotations: [{ key: 'keep', value: 1 }] },
  },
  {
    section: '4.8',
    what: 'delAnnotations have their effect without exec',
    given: [action('a'), sequence('s', ['/_/a'], { annotations: [{ key: 'drop', value: 1 }] })],
    ...put('s', { delAnnotations: ['drop'] }, '?overwrite=true'),
    status: 200,
    expect: ({ text }) => assert.ok(!text.includes('drop')),
  },
  {
    section: '4.14',
    what: 'a component can be deleted from under it',
    given: [action('a'), sequence('s', ['/_/a']), { method: 'DELETE', path: 'actions/a' }],
    path: 'actions/s',
    status: 200,
    expect: { exec: { kind: 'sequence' } },
  },
  {
    section: '4.14',
    what: 'and so can it',
    given: [action('a'), sequence('s', ['/_/a'])],
    method: 'DELETE',
    path: 'actions/s',
    status: 200,
    expect: { exec: { kind: 'sequence' } },
  },
])
