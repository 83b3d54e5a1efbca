import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { actionFixture, identityFixture, systemLimitsFixture } from '../../test/action-fixture.ts'
import { basicEntitlement } from '../entitlement/basic-entitlement.ts'
import type { Action } from '../model/action.ts'
import { Refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { Revision } from '../model/ids.ts'
import type { JsonValue } from '../model/json.ts'
import type { EntityName, FullyQualifiedName, NamespaceName } from '../model/names.ts'
import { formatPath } from '../model/names.ts'
import type { Package } from '../model/package.ts'
import type { Parameter } from '../model/parameters.ts'
import { FIRST_VERSION } from '../model/version.ts'
import type { Entity, Stored } from '../stores/artifact-store.ts'
import { createResolver } from './resolve.ts'
import type { ResolvedAction } from './resolved-action.ts'

const { action: template } = actionFixture()

/** A resolver over a map of entities that are written by path, with what they say of packages: `NS/P`, `NS/A`, `NS/P/A`. */
function world(cacheEntries = 100) {
  const entities = new Map<string, Stored<Entity>>()
  let writes = 0
  let reads = 0
  const resolver = createResolver({
    getEntity: async (name: FullyQualifiedName) => {
      reads++
      return entities.get(formatPath(name))
    },
    getCode: async () => 'code',
    entitlement: basicEntitlement(),
    manifest: { kinds: [], blackboxes: [] },
    platform: { runsImages: false, limits: systemLimitsFixture },
    cacheEntries,
  })
  const put = (document: Entity): void => {
    writes++
    entities.set(formatPath(document), { revision: `r${writes}` as Revision, document })
    resolver.invalidate(document)
  }
  return {
    resolver,
    reads: () => reads,
    action: (path: string, fields: Partial<Pick<Action, 'parameters' | 'annotations' | 'updated'>> = {}) =>
      put({ ...template, ...named(path), ...fields }),
    package: (path: string, fields: Partial<Pick<Package, 'parameters' | 'publish' | 'binding' | 'updated'>> = {}) =>
      put(packageOf(path, fields)),
    remove(path: string) {
      entities.delete(path)
      resolver.invalidate(named(path))
    },
    async resolve(path: string, caller = 'guest'): Promise<ResolvedAction> {
      const [namespace = '', second = '', third] = path.split('/')
      const target = { namespace, package: third === undefined ? undefined : second, name: third ?? second }
      const resolved = await resolver.resolve(identityOf(caller), target)
      assert.ok(resolved.type === 'action')
      return resolved
    },
  }
}

function named(path: string): FullyQualifiedName {
  const [namespace = '', second = '', third] = path.split('/')
  const name = (third ?? second) as EntityName
  return third === undefined
    ? { namespace: namespace as NamespaceName, name }
    : { namespace: namespace as NamespaceName, package: second as EntityName, name }
}

function packageOf(path: string, fields: Partial<Package>): Package {
  const { namespace, name } = named(path)
  return {
    namespace,
    name,
    entityType: 'package',
    version: FIRST_VERSION,
    publish: false,
    parameters: [],
    annotations: [],
    updated: 0,
    ...fields,
  }
}

const bindingTo = (path: string): { readonly binding: NonNullable<Package['binding']> } => {
  const { namespace, name } = named(path)
  return { binding: { namespace, name } }
}

const parameters = (given: Record<string, JsonValue>, init?: true): readonly Parameter[] =>
  Object.entries(given).map(([key, value]) => (init === true ? { key, value, init } : { key, value }))

function identityOf(namespace: string): Identity {
  return { ...identityFixture(), namespace: namespace as NamespaceName }
}

/** Status and text of the refusal. */
const refused = async (resolving: Promise<ResolvedAction>): Promise<[number, string]> => {
  const error = await resolving.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Refusal, String(error))
  return [error.status, error.message]
}
const forbidden = (resource: string): [number, string] => [
  403,
  `The supplied authentication is not authorized to access '${resource}'.`,
]
const MISSING: [number, string] = [404, 'The requested resource does not exist.']
const OTHER_TYPE: [number, string] = [409, 'Resource by this name exists but is not in this collection.']

test('an action is read once until it is written, by whichever name it is called', async () => {
  const { resolve, action, reads } = world()
  action('guest/a', { updated: 1 })
  for (let call = 0; call < 3; call++) assert.equal((await resolve('_/a')).action.updated, 1)
  assert.equal((await resolve('guest/a')).action.updated, 1)
  assert.equal(reads(), 2)
  action('guest/a', { updated: 2 })
  assert.equal((await resolve('_/a')).action.updated, 2)
  assert.equal((await resolve('guest/a')).action.updated, 2)
  assert.equal(reads(), 4)
})

test('4.9: parameters of the package lie below those of the binding, and those below the action’s own', async () => {
  const on = world()
  on.package('guest/p', { parameters: parameters({ a: 'package', b: 'package', c: 'package' }) })
  on.package('guest/b', { ...bindingTo('guest/p'), parameters: parameters({ b: 'binding', c: 'binding' }) })
  on.action('guest/p/x', { parameters: parameters({ c: 'action' }) })
  assert.deepEqual(Object.fromEntries((await on.resolve('_/b/x')).bound), { a: 'package', b: 'binding', c: 'action' })
  assert.deepEqual(Object.fromEntries((await on.resolve('_/p/x')).bound), { a: 'package', b: 'package', c: 'action' })
})

test('6.6: `init` goes with the entry that wins, and null is a value', async () => {
  const on = world()
  on.package('guest/p', { parameters: [...parameters({ a: 1, b: 2 }, true), ...parameters({ c: 3 })] })
  on.package('guest/b', {
    ...bindingTo('guest/p'),
    parameters: [...parameters({ a: 'run' }), ...parameters({ c: null })],
  })
  on.action('guest/p/x')
  const resolved = await on.resolve('_/b/x')
  assert.deepEqual(Object.fromEntries(resolved.bound), { a: 'run', c: null })
  assert.deepEqual(resolved.initEnvironment, { b: '2' })
})

test('4.9: final are the merged parameters that have a value', async () => {
  const on = world()
  on.package('guest/p', { parameters: parameters({ a: 1, b: null, c: 1 }) })
  on.action('guest/p/x', { parameters: parameters({ c: null }), annotations: [{ key: 'final', value: true }] })
  assert.deepEqual([...((await on.resolve('_/p/x')).finalKeys ?? [])], ['a'])
})

test('8.3, 8.6: through a binding the record has the provider’s path, the binding as an annotation, and the binding’s name to be found by', async () => {
  const on = world()
  on.package('other/p', { publish: true })
  on.package('guest/b', bindingTo('other/p'))
  on.action('other/p/x')
  const bound = await on.resolve('_/b/x')
  assert.equal(bound.bindingPath, 'guest/b')
  assert.equal(bound.filter, 'b/x')
  const annotations: unknown = JSON.parse(`${bound.annotationsHead}]`)
  assert.partialDeepStrictEqual(annotations, [{ key: 'path', value: 'other/p/x' }])
  assert.ok(bound.annotationsHead.endsWith('{"key":"binding","value":"guest/b"}'))
  const direct = await on.resolve('other/p/x')
  assert.equal(direct.filter, 'p/x')
  assert.ok(!direct.annotationsHead.includes('binding'))
})

test('1.8: whose package it is, and whether it is published, decides between 403 and 404', async () => {
  const on = world()
  on.action('other/a')
  on.package('other/private')
  on.action('other/private/x')
  on.package('other/shared', { publish: true })
  on.action('other/shared/x')
  on.package('other/bound', { ...bindingTo('other/shared'), publish: true })
  on.action('guest/action')
  assert.deepEqual(await refused(on.resolve('other/a')), forbidden('other/a'))
  assert.deepEqual(await refused(on.resolve('other/none')), forbidden('other/none'))
  assert.deepEqual(await refused(on.resolve('other/private/x')), forbidden('other/private'))
  assert.deepEqual(await refused(on.resolve('other/none/x')), forbidden('other/none'))
  assert.deepEqual(await refused(on.resolve('other/a/x')), forbidden('other/a'))
  assert.deepEqual(await refused(on.resolve('other/bound/x')), forbidden('other/bound'))
  assert.deepEqual(await refused(on.resolve('other/shared/none')), MISSING)
  assert.deepEqual(await refused(on.resolve('_/none/x')), MISSING)
  assert.deepEqual(await refused(on.resolve('_/action/x')), OTHER_TYPE)
  assert.equal((await on.resolve('other/shared/x')).action.namespace, 'other')
})

test('1.8: a binding whose provider vanished, became private or is a binding of others is refused by its own name', async () => {
  const on = world()
  on.package('other/p', { publish: true })
  on.package('guest/b', bindingTo('other/p'))
  on.action('other/p/x')
  await on.resolve('_/b/x')
  on.package('other/p', { publish: false })
  assert.deepEqual(await refused(on.resolve('_/b/x')), forbidden('guest/b'))
  on.package('other/p', { ...bindingTo('other/q'), publish: true })
  assert.deepEqual(await refused(on.resolve('_/b/x')), forbidden('guest/b'))
  on.remove('other/p')
  assert.deepEqual(await refused(on.resolve('_/b/x')), forbidden('guest/b'))
  on.package('guest/c', bindingTo('guest/gone'))
  assert.deepEqual(await refused(on.resolve('_/c/x')), MISSING)
  on.action('guest/gone')
  assert.deepEqual(await refused(on.resolve('_/c/x')), OTHER_TYPE)
})

test('4.10: bindings that lead back to themselves are 422', async () => {
  const on = world()
  on.package('guest/self', bindingTo('guest/self'))
  on.package('guest/one', bindingTo('guest/two'))
  on.package('guest/two', bindingTo('guest/one'))
  const circular = (name: string): [number, string] => [
    422,
    `Package binding 'guest/${name}' contains a circular reference.`,
  ]
  assert.deepEqual(await refused(on.resolve('_/self/x')), circular('self'))
  assert.deepEqual(await refused(on.resolve('_/one/x')), circular('one'))
})

test('no two environments of init are given to one container', async () => {
  const on = world()
  on.package('guest/p', { parameters: parameters({ secret: 'one' }, true) })
  on.package('guest/b', { ...bindingTo('guest/p'), parameters: parameters({ secret: 'run' }) })
  on.package('guest/q')
  on.package('guest/c', { ...bindingTo('guest/q'), parameters: parameters({ greeting: 'hello' }) })
  on.action('guest/p/x')
  on.action('guest/q/x')
  const first = await on.resolve('_/p/x')
  assert.notEqual((await on.resolve('_/b/x')).key, first.key)
  assert.equal((await on.resolve('_/c/x')).key, (await on.resolve('_/q/x')).key)
  on.package('guest/p', { parameters: parameters({ secret: 'two' }, true) })
  const second = await on.resolve('_/p/x')
  assert.notEqual(second.key, first.key)
  assert.ok(!first.key.includes('one'))
})

test('no write is hidden by the cache, whatever it has evicted and read again since', async () => {
  const paths = ['guest/a', 'guest/b', 'guest/p/a', 'guest/p/b', 'other/p/a', 'guest/bound/a', 'guest/own/b'] as const
  const written = ['guest/a', 'guest/b', 'guest/p/a', 'guest/p/b', 'other/p/a'] as const
  const packages = ['guest/p', 'other/p', 'guest/bound', 'guest/own'] as const
  const provider: Record<string, string> = { 'guest/bound': 'other/p', 'guest/own': 'guest/p' }
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('resolve' as const), path: fc.constantFrom(...paths) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('action' as const), path: fc.constantFrom(...written) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('package' as const), path: fc.constantFrom(...packages) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const) }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const on = world(3)
      const version: Record<string, number> = {}
      const writePackage = (path: string): void => {
        const target = provider[path]
        const given = parameters({ [path]: version[path] ?? 0 })
        on.package(path, { publish: true, parameters: given, ...(target !== undefined && bindingTo(target)) })
      }
      for (const path of written) on.action(path, { updated: 0 })
      for (const path of packages) writePackage(path)
      for (const taken of steps) {
        if (taken.do === 'forget') on.resolver.forgetCaller('guest' as NamespaceName)
        else if (taken.do === 'resolve') {
          const { action, bound } = await on.resolve(taken.path)
          assert.equal(action.updated, version[formatPath(action)] ?? 0)
          for (const [path, seen] of bound) assert.equal(seen, version[path] ?? 0)
          const parent = taken.path.split('/').slice(0, -1).join('/')
          const links = parent.includes('/') ? [parent, ...(provider[parent] ?? '').split(' ')].filter(Boolean) : []
          assert.deepEqual([...bound.keys()].toSorted(), links.toSorted())
        } else {
          version[taken.path] = (version[taken.path] ?? 0) + 1
          if (taken.do === 'package') writePackage(taken.path)
          else on.action(taken.path, { updated: version[taken.path] ?? 0 })
        }
      }
    }),
  )
})
