/** Rules: create, change, read, list, delete, enable and disable, and what becomes of them when what they name goes away. */

import assert from 'node:assert/strict'
import type { Action, CodeDigest } from '../../src/model/action.ts'
import { isJsonObject } from '../../src/model/json.ts'
import type { EntityName, NamespaceName } from '../../src/model/names.ts'
import type { Package } from '../../src/model/package.ts'
import { FIRST_VERSION } from '../../src/model/version.ts'
import type { ApiServer } from './api-server.ts'
import type { Request, Response, Row } from './table.ts'
import { describeTable } from './table.ts'

const exec = { kind: 'nodejs:20', code: 'function main() {}' }
const trigger = (name = 't'): Request => ({ method: 'PUT', path: `triggers/${name}`, body: {} })
const action = (name = 'a'): Request => ({ method: 'PUT', path: `actions/${name}`, body: { exec } })
const put = (body: unknown = { trigger: '/_/t', action: '/_/a' }, query = ''): Request => ({
  method: 'PUT',
  path: `rules/r${query}`,
  body,
})
const update = (body: unknown = {}): Request => put(body, '?overwrite=true')
const status = (wanted: unknown): Request => ({ method: 'POST', path: 'rules/r', body: { status: wanted } })
const remove = (path: string): Request => ({ method: 'DELETE', path })
const both = [trigger(), action()]
const MISSING = 'The requested resource does not exist.'
const OTHER_TYPE = 'Resource by this name exists but is not in this collection.'
const malformed = (detail: string): string => `The request content was malformed:\n${detail}`
const forbidden = (resource: string): string => `The supplied authentication is not authorized to access '${resource}'.`
const shows = (expected: string) => ({ expect: { status: expected } })
const isOk = ({ text, headers }: Response): void => {
  assert.equal(text, 'OK')
  assert.match(headers['content-type'] ?? '', /^text\/plain/)
  assert.equal(headers['access-control-allow-origin'], '*')
}
/** What a trigger says of its rules, by their names; the namespace is written `_`. */
const links =
  (expected: Readonly<Record<string, { action: object; status: string }>>) =>
  ({ json }: Response, namespace: string): void => {
    assert.ok(isJsonObject(json))
    const found: unknown = JSON.parse(JSON.stringify(json['rules']).replaceAll(`"${namespace}`, '"_'))
    const paths = Object.entries(expected).map(([name, link]) => [`_/${name}`, link])
    assert.deepEqual(found, Object.fromEntries(paths))
  }
const link = (name: string, state: string) => ({ action: { path: '_', name }, status: state })

/** A package, and an action in it, without going through the API. */
async function pack(server: ApiServer, owner: string, name: string, fields: Partial<Package> = {}): Promise<void> {
  const { artifacts } = server.stores
  const namespace = owner as NamespaceName
  const common = { namespace, version: FIRST_VERSION, parameters: [], annotations: [], updated: 1 }
  const entity: Package = { ...common, entityType: 'package', name: name as EntityName, publish: false, ...fields }
  await artifacts.putEntity(entity, undefined, undefined)
  if (fields.binding !== undefined) return
  const packaged: Action = {
    ...common,
    entityType: 'action',
    package: name as EntityName,
    name: 'a' as EntityName,
    publish: false,
    limits: { timeoutMs: 1000, memoryMb: 128, logsMb: 1, concurrency: 1 },
    exec: { type: 'code', kind: 'nodejs:20', code: 'd1' as CodeDigest, codeBytes: 2, binary: false },
  }
  await artifacts.putEntity(packaged, '{}', undefined)
}

const needsBoth = (body: unknown): Row => ({
  section: '7.6',
  what: `needs both, not ${JSON.stringify(body)}`,
  given: both,
  ...put(body),
  status: 400,
  error: 'rule requires a valid trigger and a valid action',
})
const noName = (reference: unknown): Row => ({
  section: '2.1',
  what: `a name that is ${JSON.stringify(reference)}`,
  ...put({ trigger: reference, action: '/_/a' }),
  status: 400,
  error: malformed('fully qualified name malformed'),
})

describeTable('create', [
  {
    section: '7.6, 13.4',
    what: 'starts active, whatever status is sent; the whole entity',
    given: both,
    ...put({ trigger: '/_/t', action: '/_/a', status: '', name: 'x', namespace: '_', unknown: 1 }),
    status: 200,
    expect: ({ json }, namespace) => {
      assert.ok(isJsonObject(json))
      assert.deepEqual(json, {
        namespace,
        name: 'r',
        version: '0.0.1',
        publish: false,
        annotations: [],
        trigger: { path: namespace, name: 't' },
        action: { path: namespace, name: 'a' },
        updated: json['updated'],
        status: 'active',
      })
    },
  },
  {
    section: '7.6',
    what: 'annotations, publish and version are taken',
    given: both,
    ...put({ trigger: '/_/t', action: '/_/a', annotations: [{ key: 'k', value: 1 }], publish: true, version: '2' }),
    status: 200,
    expect: { annotations: [{ key: 'k', value: 1 }], publish: true, version: '2.0.0' },
  },
  {
    section: '7.3, 7.6',
    what: 'is linked in the trigger',
    given: [...both, put()],
    path: 'triggers/t',
    status: 200,
    expect: links({ r: link('a', 'active') }),
  },
  {
    section: '2.1',
    what: 'what GET answers can be PUT back',
    given: both,
    ...put({ trigger: { path: '_', name: 't' }, action: { path: '_', name: 'a', version: '0.0.1' } }),
    status: 200,
    ...shows('active'),
  },
  {
    section: '2.1',
    what: 'empty segments in names are dropped',
    given: both,
    ...put({ trigger: '//_//t', action: '_/a' }),
    status: 200,
    ...shows('active'),
  },
  ...[{}, { trigger: '/_/t' }, { action: '/_/a' }, { trigger: null, action: '/_/a' }].map(needsBoth),
  {
    section: '7.6',
    what: 'a missing trigger, which is looked for first',
    ...put(),
    status: 400,
    error: /^trigger \/user-\d+\/t does not exist$/,
  },
  {
    section: '2.1, 7.6',
    what: 'a trigger of four segments, which is nowhere',
    given: both,
    ...put({ trigger: '/_/a/b/t', action: '/_/a' }),
    status: 400,
    error: /^trigger \/user-\d+\/a\/b\/t does not exist$/,
  },
  {
    section: '2.1, 7.1',
    what: 'a trigger in a package, where none can be',
    given: both,
    ...put({ trigger: '/_/p/t', action: '/_/a' }),
    status: 400,
    error: /^trigger \/user-\d+\/p\/t does not exist$/,
  },
  {
    section: '7.6',
    what: 'a missing action',
    given: [trigger()],
    ...put(),
    status: 400,
    error: /^action \/user-\d+\/a does not exist$/,
  },
  {
    section: '7.6, correction 10',
    what: 'an action for a trigger',
    given: both,
    ...put({ trigger: '/_/a', action: '/_/a' }),
    status: 400,
    error: /^document type .* did not match expected type/,
  },
  {
    section: '7.6, correction 10',
    what: 'a trigger for an action',
    given: both,
    ...put({ trigger: '/_/t', action: '/_/t' }),
    status: 400,
    error: /^document type .* did not match expected type/,
  },
  {
    section: '2.1',
    what: 'a name without namespace',
    ...put({ trigger: 't', action: '/_/a' }),
    status: 400,
    error: malformed(
      'requirement failed: The fully qualified name of the entity must contain at least the namespace and the name of the entity.',
    ),
  },
  {
    section: '2.1',
    what: 'an illegal name',
    ...put({ trigger: '/_/$', action: '/_/a' }),
    status: 400,
    error: /^The request content was malformed:\nrequirement failed: path contains invalid parts/,
  },
  ...[1, true, [], { path: '_' }, { path: 1, name: 'a' }].map(noName),
  {
    section: 'correction 4',
    what: 'large annotations come before names that are none',
    ...put({ trigger: 't', action: 'a', annotations: [{ key: 'p', value: 'x'.repeat(10_000) }] }),
    status: 413,
    error: 'annotations larger than allowed: 10003 > 10000 bytes.',
  },
  {
    section: 'correction 1',
    what: 'an empty body',
    method: 'PUT',
    path: 'rules/r',
    status: 400,
    error: /^The request content was malformed:\nUnexpected end-of-input/,
  },
  {
    section: '2.5',
    what: 'an existing one',
    given: [...both, put()],
    ...put(),
    status: 409,
    error: 'resource already exists',
  },
  {
    section: '1.9',
    what: 'the name of a trigger',
    given: both,
    method: 'PUT',
    path: 'rules/t?overwrite=true',
    body: { trigger: '/_/t', action: '/_/a' },
    status: 409,
    error: OTHER_TYPE,
  },
  {
    section: '7.1',
    what: 'rules do not lie in packages',
    method: 'PUT',
    path: 'rules/pkg/r',
    body: {},
    status: 404,
    error: 'The requested resource could not be found.',
  },
])

describeTable('references that may be read', [
  {
    section: '1.8',
    what: 'in the namespace of another',
    method: 'PUT',
    path: '/api/v1/namespaces/other/rules/r',
    body: {},
    status: 403,
    error: forbidden('other/r'),
  },
  {
    section: '7.6',
    what: 'a trigger of another, whether it is there or not',
    given: both,
    ...put({ trigger: '/other/t', action: '/_/a' }),
    status: 403,
    error: forbidden('other/t'),
  },
  {
    section: '1.8, 7.6',
    what: 'trigger and action of another are named together',
    ...put({ trigger: '/other/t', action: '/other/a' }),
    status: 403,
    error: forbidden('other/a, other/t'),
  },
  {
    section: '7.6',
    what: 'an action in an own package',
    given: [trigger()],
    prepare: (server, namespace) => pack(server, namespace, 'pkg'),
    ...put({ trigger: '/_/t', action: '/_/pkg/a' }),
    status: 200,
    expect: (response, namespace) =>
      assert.partialDeepStrictEqual(response.json, {
        action: { path: `${namespace}/pkg`, name: 'a' },
        status: 'active',
      }),
  },
  {
    section: '1.8',
    what: 'an action in an own package that is missing',
    given: [trigger()],
    ...put({ trigger: '/_/t', action: '/_/pkg/a' }),
    status: 404,
    error: MISSING,
  },
  {
    section: '7.6',
    what: 'an action that is missing in an own package',
    given: [trigger()],
    prepare: (server, namespace) => pack(server, namespace, 'pkg'),
    ...put({ trigger: '/_/t', action: '/_/pkg/b' }),
    status: 400,
    error: /^action \/user-\d+\/pkg\/b does not exist$/,
  },
  {
    section: '7.6',
    what: 'an action in a shared package of another',
    given: [trigger()],
    prepare: (server) => pack(server, 'other', 'shared', { publish: true }),
    ...put({ trigger: '/_/t', action: '/other/shared/a' }),
    status: 200,
    expect: { action: { path: 'other/shared', name: 'a' }, status: 'active' },
  },
  {
    section: '1.8, 7.6',
    what: 'an action in a private package of another, of which the package is named',
    given: [trigger()],
    prepare: (server) => pack(server, 'other', 'private'),
    ...put({ trigger: '/_/t', action: '/other/private/a' }),
    status: 403,
    error: forbidden('other/private'),
  },
  {
    section: '7.6',
    what: 'an action through a binding, which stays its name',
    given: [trigger()],
    prepare: async (server, namespace) => {
      await pack(server, 'other', 'bound', { publish: true })
      const binding = { namespace: 'other' as NamespaceName, name: 'bound' as EntityName }
      await pack(server, namespace, 'binding', { binding })
    },
    ...put({ trigger: '/_/t', action: '/_/binding/a' }),
    status: 200,
    expect: (response, namespace) =>
      assert.partialDeepStrictEqual(response.json, { action: { path: `${namespace}/binding`, name: 'a' } }),
  },
  {
    section: '1.8',
    what: 'an action through a binding to what is private',
    given: [trigger()],
    prepare: async (server, namespace) => {
      await pack(server, 'other', 'closed')
      const binding = { namespace: 'other' as NamespaceName, name: 'closed' as EntityName }
      await pack(server, namespace, 'binding', { binding })
    },
    ...put({ trigger: '/_/t', action: '/_/binding/a' }),
    status: 403,
    error: /^The supplied authentication is not authorized to access 'user-\d+\/binding'\.$/,
  },
])

describeTable('update', [
  {
    section: '7.6',
    what: 'overwriting what is not there creates it',
    given: both,
    ...put(undefined, '?overwrite=true'),
    status: 200,
    expect: { version: '0.0.1', status: 'active' },
  },
  {
    section: '2.2, 7.6',
    what: 'nothing changes but the version, also while it is active',
    given: [...both, put({ trigger: '/_/t', action: '/_/a', annotations: [{ key: 'k', value: 1 }], publish: true })],
    ...update(),
    status: 200,
    expect: { version: '0.0.2', status: 'active', publish: true, annotations: [{ key: 'k', value: 1 }] },
  },
  {
    section: '4.8',
    what: 'annotations are replaced',
    given: [...both, put({ trigger: '/_/t', action: '/_/a', annotations: [{ key: 'k', value: 1 }] })],
    ...update({ annotations: [] }),
    status: 200,
    expect: ({ json }) => assert.deepEqual(isJsonObject(json) && json['annotations'], []),
  },
  {
    section: '7.6',
    what: 'the status is kept, whatever is sent',
    given: [...both, put(), status('inactive')],
    ...update({ trigger: '/_/t', action: '/_/a', status: 'active' }),
    status: 200,
    ...shows('inactive'),
  },
  {
    section: '7.6',
    what: 'another action is linked at once',
    given: [...both, action('b'), put(), update({ action: '/_/b' })],
    path: 'triggers/t',
    status: 200,
    expect: links({ r: link('b', 'active') }),
  },
  {
    section: '7.6',
    what: 'another trigger: gone from the old one',
    given: [...both, trigger('u'), put(), update({ trigger: '/_/u' })],
    path: 'triggers/t',
    status: 200,
    expect: links({}),
  },
  {
    section: '7.6',
    what: 'another trigger: in the new one, with the status of before',
    given: [...both, trigger('u'), put(), status('inactive'), update({ trigger: '/_/u' })],
    path: 'triggers/u',
    status: 200,
    expect: links({ r: link('a', 'inactive') }),
  },
  {
    section: '7.6',
    what: 'the old trigger must still be there',
    given: [...both, action('b'), put(), remove('triggers/t')],
    ...update({ action: '/_/b' }),
    status: 400,
    error: /^trigger \/user-\d+\/t does not exist$/,
  },
  {
    section: '7.6',
    what: 'the old action must still be there',
    given: [...both, trigger('u'), put(), remove('actions/a')],
    ...update({ trigger: '/_/u' }),
    status: 400,
    error: /^action \/user-\d+\/a does not exist$/,
  },
  {
    section: '7.6, 7.8',
    what: 'after its trigger was made anew it is linked again, inactive',
    given: [...both, put(), remove('triggers/t'), trigger(), update()],
    path: 'triggers/t',
    status: 200,
    expect: links({ r: link('a', 'inactive') }),
  },
])

describeTable('read, delete and list', [
  {
    section: '7.7',
    what: 'GET has the status',
    given: [...both, put()],
    path: 'rules/r',
    status: 200,
    ...shows('active'),
  },
  {
    section: '7.7',
    what: 'without its trigger it is inactive',
    given: [...both, put(), remove('triggers/t')],
    path: 'rules/r',
    status: 200,
    ...shows('inactive'),
  },
  {
    section: '7.7, 7.8, 14.31',
    what: 'a trigger made anew does not know it',
    given: [...both, put(), remove('triggers/t'), trigger()],
    path: 'rules/r',
    status: 200,
    ...shows('inactive'),
  },
  {
    section: '7.7',
    what: 'with something else in the place of its trigger it is inactive',
    given: [...both, put(), remove('triggers/t'), action('t')],
    path: 'rules/r',
    status: 200,
    ...shows('inactive'),
  },
  {
    section: '7.8',
    what: 'without its action it stays active',
    given: [...both, put(), remove('actions/a')],
    path: 'rules/r',
    status: 200,
    ...shows('active'),
  },
  { section: '7.7', what: 'a missing one', path: 'rules/r', status: 404, error: MISSING },
  { section: '1.9', what: 'a trigger', given: [trigger()], path: 'rules/t', status: 409, error: OTHER_TYPE },
  {
    section: '1.8',
    what: 'of another',
    path: '/api/v1/namespaces/other/rules/r',
    status: 403,
    error: forbidden('other/r'),
  },
  {
    section: '7.7, 14.30',
    what: 'the list has no status',
    given: [...both, put()],
    path: 'rules',
    status: 200,
    expect: ({ json }, namespace) => {
      assert.ok(Array.isArray(json))
      const { updated, ...rest } = json[0]
      assert.equal(typeof updated, 'number')
      assert.deepEqual(rest, {
        namespace,
        name: 'r',
        version: '0.0.1',
        publish: false,
        annotations: [],
        trigger: { path: namespace, name: 't' },
        action: { path: namespace, name: 'a' },
      })
    },
  },
  {
    section: '0.7',
    what: 'count',
    given: [...both, put()],
    path: 'rules?count=true',
    status: 200,
    expect: { rules: 1 },
  },
  {
    section: '1.8',
    what: 'the list of another',
    path: '/api/v1/namespaces/other/rules',
    status: 403,
    error: forbidden('other'),
  },
  {
    section: '7.7',
    what: 'DELETE in any state answers inactive',
    given: [...both, put()],
    ...remove('rules/r'),
    status: 200,
    expect: { name: 'r', status: 'inactive' },
  },
  {
    section: '7.7',
    what: 'DELETE takes the link from the trigger',
    given: [...both, put(), remove('rules/r')],
    path: 'triggers/t',
    status: 200,
    expect: links({}),
  },
  {
    section: '7.7',
    what: 'DELETE without the trigger',
    given: [...both, put(), remove('triggers/t')],
    ...remove('rules/r'),
    status: 200,
    ...shows('inactive'),
  },
  { section: '2.5', what: 'DELETE of a missing one', ...remove('rules/r'), status: 404, error: MISSING },
  {
    section: '1.9',
    what: 'DELETE of a trigger',
    given: [trigger()],
    ...remove('rules/t'),
    status: 409,
    error: OTHER_TYPE,
  },
])

describeTable('enable and disable', [
  { section: '7.8', what: 'off', given: [...both, put()], ...status('inactive'), status: 200, expect: isOk },
  { section: '7.8', what: 'already on', given: [...both, put()], ...status('active'), status: 200, expect: isOk },
  {
    section: '7.8',
    what: 'already off',
    given: [...both, put(), status('inactive')],
    ...status('inactive'),
    status: 200,
    expect: isOk,
  },
  {
    section: '2.2, 7.8',
    what: 'versions stay, of the trigger as well',
    given: [...both, put(), status('inactive')],
    path: 'rules/r',
    status: 200,
    expect: { version: '0.0.1', status: 'inactive' },
  },
  {
    section: '7.3, 7.8',
    what: 'the trigger keeps it',
    given: [...both, put(), status('inactive')],
    path: 'triggers/t',
    status: 200,
    expect: (response, namespace) => {
      links({ r: link('a', 'inactive') })(response, namespace)
      assert.partialDeepStrictEqual(response.json, { version: '0.0.1' })
    },
  },
  {
    section: '7.8',
    what: 'on again',
    given: [...both, put(), status('inactive'), status(' active ')],
    path: 'rules/r',
    status: 200,
    ...shows('active'),
  },
  {
    section: '7.8',
    what: 'other fields are ignored',
    given: [...both, put()],
    method: 'POST',
    path: 'rules/r',
    body: { status: 'inactive', name: 1 },
    status: 200,
    expect: isOk,
  },
  {
    section: '7.8',
    what: 'on without a trigger',
    given: [...both, put(), remove('triggers/t')],
    ...status('active'),
    status: 404,
    error: 'Only rules with existing triggers can be activated',
  },
  {
    section: '7.8',
    what: 'off without a trigger',
    given: [...both, put(), remove('triggers/t')],
    ...status('inactive'),
    status: 200,
    expect: isOk,
  },
  {
    section: '7.8, 14.31',
    what: 'on links it to a trigger made anew',
    given: [...both, put(), remove('triggers/t'), trigger(), status('active')],
    path: 'triggers/t',
    status: 200,
    expect: links({ r: link('a', 'active') }),
  },
  {
    section: '7.8',
    what: 'off does not',
    given: [...both, put(), remove('triggers/t'), trigger(), status('inactive')],
    path: 'triggers/t',
    status: 200,
    expect: ({ json }) => assert.ok(isJsonObject(json) && json['rules'] === undefined),
  },
  {
    section: '7.8',
    what: 'on without its action',
    given: [...both, put(), status('inactive'), remove('actions/a')],
    ...status('active'),
    status: 200,
    expect: isOk,
  },
  {
    section: '7.8',
    what: 'another word',
    given: [...both, put()],
    ...status('Active'),
    status: 400,
    error: malformed('requirement failed: Active is not a recognized rule state'),
  },
  {
    section: '7.8',
    what: 'a blank',
    given: [...both, put()],
    ...status(' '),
    status: 400,
    error: malformed('requirement failed: argument undefined'),
  },
  {
    section: '7.8',
    what: 'no status',
    method: 'POST',
    path: 'rules/r',
    body: {},
    status: 400,
    error: malformed('key not found: status'),
  },
  {
    section: '7.8, correction 1',
    what: 'an empty body',
    method: 'POST',
    path: 'rules/r',
    status: 400,
    error: /^The request content was malformed:\nUnexpected end-of-input/,
  },
  { section: '7.8', what: 'a missing rule', ...status('active'), status: 404, error: MISSING },
  {
    section: '1.9',
    what: 'a trigger',
    given: [trigger()],
    method: 'POST',
    path: 'rules/t',
    body: { status: 'active' },
    status: 409,
    error: OTHER_TYPE,
  },
  {
    section: '1.8',
    what: 'of another',
    method: 'POST',
    path: '/api/v1/namespaces/other/rules/r',
    body: { status: 'active' },
    status: 403,
    error: forbidden('other/r'),
  },
])
