import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, Refusal } from '../model/errors.ts'
import type { Revision } from '../model/ids.ts'
import type { EntityName, FullyQualifiedName, NamespaceName } from '../model/names.ts'
import type { Trigger } from '../model/trigger.ts'
import { FIRST_VERSION } from '../model/version.ts'
import type { Entity, Stored } from '../stores/artifact-store.ts'
import { StoreUnavailable } from '../stores/artifact-store.ts'
import { createTriggerResolver } from './resolve-trigger.ts'

const namespace = 'guest' as NamespaceName
const name: FullyQualifiedName = { namespace, name: 't' as EntityName }
const action = { namespace, package: 'pkg' as EntityName, name: 'a' as EntityName }
const triggerOf = (fields: Partial<Trigger> = {}): Trigger => ({
  namespace,
  name: name.name,
  entityType: 'trigger',
  version: FIRST_VERSION,
  publish: false,
  parameters: [],
  annotations: [],
  updated: 1,
  ...fields,
})
const stored = (document: Entity): Stored<Entity> => ({ revision: '1' as Revision, document })

test('what fires share is rendered once', async () => {
  const parameters = [{ key: 'a"', value: [1] }]
  const rules = {
    'guest/r': { action, status: 'active' },
    'guest/s': { action: { namespace, name: action.name }, status: 'inactive' },
  } as const
  let reads = 0
  const resolver = createTriggerResolver({
    getEntity: async () => (reads++, stored(triggerOf({ parameters, rules }))),
  })
  const resolved = await resolver.resolve(name)
  assert.equal(resolved.parametersJson, '{"a\\"":[1]}')
  assert.deepEqual(JSON.parse(resolved.rulesJson), [
    { rule: 'guest/r', action: { namespace, package: 'pkg', name: 'a' }, active: true },
    { rule: 'guest/s', action: { namespace, name: 'a' }, active: false },
  ])
  assert.equal(resolved.hasActiveRule, true)
  assert.equal(resolver.resolve(name), resolved)
  assert.equal(reads, 1)
  assert.deepEqual(resolver.counters, { hits: 1, misses: 1 })
})

test('7.4: without rules, or without active ones, there is nothing to fire', async () => {
  for (const rules of [undefined, {}, { 'guest/r': { action, status: 'inactive' } as const }]) {
    const trigger = triggerOf(rules === undefined ? {} : { rules })
    const resolver = createTriggerResolver({ getEntity: async () => stored(trigger) })
    assert.equal((await resolver.resolve(name)).hasActiveRule, false)
  }
})

test('a change is seen by whoever asks after it, also when it came while the trigger was being read', async () => {
  let version = FIRST_VERSION
  let release: (() => void) | undefined
  const resolver = createTriggerResolver({
    async getEntity() {
      const found = stored(triggerOf({ version }))
      await new Promise<void>((resolve) => {
        release = resolve
      })
      return found
    },
  })
  const before = resolver.resolve(name)
  version = '0.0.2' as typeof version
  const releaseFirst = release
  resolver.invalidate(name)
  const later = resolver.resolve(name)
  releaseFirst?.()
  assert.equal((await before).version, FIRST_VERSION)
  release?.()
  assert.equal((await later).version, '0.0.2')
  assert.equal((await resolver.resolve(name)).version, '0.0.2')
})

test('7.4, 1.9: missing is 404, another type 409, and a store that does not answer 503', async () => {
  const resolve = (getEntity: () => Promise<Stored<Entity> | undefined>): Promise<unknown> =>
    Promise.resolve(createTriggerResolver({ getEntity }).resolve(name))
  await assert.rejects(
    resolve(async () => undefined),
    (error) => error instanceof Refusal && error.status === 404,
  )
  const other: Entity = { ...triggerOf(), entityType: 'package' }
  await assert.rejects(
    resolve(async () => stored(other)),
    (error) => error instanceof Refusal && error.status === 409,
  )
  await assert.rejects(
    resolve(() => Promise.reject(new StoreUnavailable('gone'))),
    (error) => error instanceof Fault && error.status === 503,
  )
})
