import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { actionFixture, identityFixture } from '../../test/action-fixture.ts'
import type { Revision } from '../model/ids.ts'
import type { EntityName, FullyQualifiedName } from '../model/names.ts'
import { createResolver } from './resolve.ts'

const NAMES = ['a', 'b', 'c', 'd', 'e'] as const
const { action: template } = actionFixture()

function store() {
  const updated = new Map<string, number>()
  let reads = 0
  const resolver = createResolver({
    getEntity: async ({ name }: FullyQualifiedName) => {
      reads++
      const document = { ...template, name, updated: updated.get(name) ?? 0 }
      return { revision: '1' as Revision, document }
    },
    getCode: async () => 'code',
    manifest: { kinds: [], blackboxes: [] },
    cacheEntries: 3,
  })
  return {
    resolver,
    updated,
    reads: () => reads,
    resolve: async (namespace: string, name: string) =>
      (await resolver.resolve(identityFixture(), { namespace, package: undefined, name })).action.updated,
    write(name: string) {
      updated.set(name, (updated.get(name) ?? 0) + 1)
      resolver.invalidate({ namespace: template.namespace, name: name as EntityName })
    },
  }
}

test('an action is read once until it is written, by whichever name it is called', async () => {
  const { resolve, write, reads } = store()
  for (let call = 0; call < 3; call++) assert.equal(await resolve('_', 'a'), 0)
  assert.equal(await resolve('guest', 'a'), 0)
  assert.equal(reads(), 2)
  write('a')
  assert.equal(await resolve('_', 'a'), 1)
  assert.equal(await resolve('guest', 'a'), 1)
  assert.equal(reads(), 4)
})

test('no write is hidden by the cache, whatever it has evicted and read again since', async () => {
  const name = fc.constantFrom(...NAMES)
  const step = fc.oneof(
    fc.record({ do: fc.constant('resolve' as const), name, namespace: fc.constantFrom('_', 'guest') }),
    fc.record({ do: fc.constant('write' as const), name }),
    fc.record({ do: fc.constant('forget' as const) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { resolver, resolve, write, updated } = store()
      for (const taken of steps) {
        if (taken.do === 'write') write(taken.name)
        else if (taken.do === 'forget') resolver.invalidateAll()
        else assert.equal(await resolve(taken.namespace, taken.name), updated.get(taken.name) ?? 0)
      }
    }),
  )
})
