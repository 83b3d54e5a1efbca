/** The system's packages in a store: written once, mended when they differ, and nothing else touched. */

import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { manifest, system } from '../../test/api/api-server.ts'
import { actionOf, nameOf } from '../../test/conformance/artifact-fixtures.ts'
import { storesFixture } from '../../test/conformance/sqlite-stores.ts'
import { virtualClock } from '../../test/virtual-clock.ts'
import type { ArtifactStore, Entity, EntityType } from '../stores/artifact-store.ts'
import { RevisionConflict, StoreUnavailable } from '../stores/artifact-store.ts'
import type { SeedDeps, Seeded } from './seed-packages.ts'
import { seedPackages } from './seed-packages.ts'
import type { StoreChange } from './store-change.ts'
import { readSystemPackages } from './system-packages.ts'

const packages = await readSystemPackages()
/** Packages and actions. */
const ENTITIES = 2 + 17

describe('seeding of the system packages', () => {
  const fixture = storesFixture()
  const clock = virtualClock()
  let store: ArtifactStore
  let changes: StoreChange[]
  beforeEach(async () => {
    store = (await fixture.open({ openNow: ['artifacts'] })).artifacts
    changes = []
  })

  const seed = (artifacts: SeedDeps['artifacts'] = store): Promise<Seeded> =>
    seedPackages(packages, { artifacts, manifest, system, clock, changed: (change) => void changes.push(change) })
  async function stored(path: string): Promise<Entity> {
    const found = await store.getEntity(nameOf(path))
    assert.ok(found !== undefined, path)
    return found.document
  }
  const listed = (entityType: EntityType): ReturnType<ArtifactStore['listEntities']> =>
    store.listEntities({ entityType, namespace: nameOf('whisk.system/x').namespace, skip: 0, limit: 200 })
  /** Writes `entity` over what is stored under its name. */
  async function overwrite(entity: Entity, code?: string): Promise<void> {
    await store.putEntity(entity, code, (await store.getEntity(entity))?.revision)
  }

  test('runtimes 4.6: an empty store gets all of them, with code, public, for the default kind', async () => {
    const { written, occupied } = await seed()
    assert.deepEqual([written.length, occupied], [ENTITIES, []])
    assert.equal(changes.length, ENTITIES)
    for (const entity of await listed('package')) {
      assert.deepEqual([entity.publish, entity.version], [true, '0.0.1'])
    }
    const echo = await stored('whisk.system/utils/echo')
    assert.ok(echo.entityType === 'action' && echo.exec.type === 'code')
    assert.equal(echo.exec.kind, 'nodejs:20')
    assert.match((await store.getCode(echo.exec.code)) ?? '', /^function main\(args\) \{/m)
    const annotations = Object.fromEntries(echo.annotations.map(({ key, value }) => [key, value]))
    assert.equal(annotations['exec'], 'nodejs:20')
    assert.equal(annotations['provide-api-key'], false)
    assert.equal(annotations['description'], 'Returns the input')
    const countdown = await stored('whisk.system/samples/countdown')
    assert.ok(countdown.annotations.some(({ key, value }) => key === 'provide-api-key' && value === true))
  })

  test('runtimes 4.6: a restart writes nothing and versions stay', async () => {
    await seed()
    await clock.advance(60_000)
    changes = []
    assert.deepEqual(await seed(), { written: [], occupied: [] })
    assert.deepEqual(changes, [])
    const entities = [...(await listed('package')), ...(await listed('action'))]
    assert.equal(entities.length, ENTITIES)
    assert.ok(entities.every(({ version }) => version === '0.0.1'))
  })

  test('what was changed or deleted is as it should be after the next start, as a next version', async () => {
    await seed()
    const echo = await stored('whisk.system/utils/echo')
    assert.ok(echo.entityType === 'action')
    const changed = actionOf('whisk.system/utils/echo', 'changed')
    await overwrite({ ...echo, exec: changed.exec }, 'changed')
    await overwrite({ ...(await stored('whisk.system/samples')), publish: false })
    const sort = await store.getEntity(nameOf('whisk.system/utils/sort'))
    await store.deleteEntity(nameOf('whisk.system/utils/sort'), sort?.revision ?? assert.fail())
    const { written } = await seed()
    assert.deepEqual([...written].sort(), [
      'whisk.system/samples',
      'whisk.system/utils/echo',
      'whisk.system/utils/sort',
    ])
    const mended = await stored('whisk.system/utils/echo')
    assert.ok(mended.entityType === 'action')
    assert.deepEqual([mended.exec, mended.version], [echo.exec, '0.0.2'])
    assert.deepEqual(
      [(await stored('whisk.system/samples')).publish, (await stored('whisk.system/utils/sort')).version],
      [true, '0.0.1'],
    )
  })

  test('what else is in the namespace and in these packages is left alone', async () => {
    const own = [actionOf('whisk.system/utils/mine', 'a'), actionOf('whisk.system/other', 'b')]
    for (const [index, action] of own.entries()) await overwrite(action, ['a', 'b'][index])
    await seed()
    await seed()
    for (const action of own) assert.deepEqual((await store.getEntity(action))?.document, action)
  })

  test('a name that is taken by something else is told and left alone', async () => {
    const squatter = actionOf('whisk.system/utils', 'x')
    await overwrite(squatter, 'x')
    const { written, occupied } = await seed()
    assert.deepEqual(occupied, ['whisk.system/utils'])
    assert.ok(written.length > 0 && written.every((path) => path.startsWith('whisk.system/samples')))
    assert.deepEqual((await store.getEntity(squatter))?.document, squatter)
  })

  test('two servers that start at once write each of them once', async () => {
    const [first, second] = await Promise.all([seed(), seed()])
    assert.deepEqual(
      [...first.written, ...second.written].sort(),
      [...new Set([...first.written, ...second.written])].sort(),
    )
    assert.equal(first.written.length + second.written.length, ENTITIES)
  })

  test('a store that refuses is told; one that somebody else writes to is not', async () => {
    const failing = (error: Error): SeedDeps['artifacts'] => ({
      getEntity: (name) => store.getEntity(name),
      putEntity: () => Promise.reject(error),
    })
    await assert.rejects(seed(failing(new StoreUnavailable('disk full'))), StoreUnavailable)
    assert.deepEqual(await seed(failing(new RevisionConflict())), { written: [], occupied: [] })
    assert.deepEqual(changes, [])
  })
})
