/** The artifact store on SQLite: the common suite, and what only SQLite has. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { actionOf, digestOf, nameOf } from '../../../test/conformance/artifact-fixtures.ts'
import { describeArtifactStore } from '../../../test/conformance/artifact-store.ts'
import { storesFixture } from '../../../test/conformance/sqlite-stores.ts'
import type { SqliteArtifactStore } from './sqlite-artifact-store.ts'

const MINUTE = 60_000
const fixture = storesFixture()

describeArtifactStore('SQLite', async () => (await fixture.open({ openNow: ['artifacts'] })).artifacts)

describe('SqliteArtifactStore', () => {
  let now = 1_000_000
  const open = async (): Promise<SqliteArtifactStore> => {
    const clock = { now: () => now, monotonic: () => performance.now() }
    return (await fixture.open({ clock, openNow: ['artifacts'] })).artifacts
  }

  it('collects code ten minutes after its last reference went', async () => {
    const store = await open()
    const revision = await store.putEntity(actionOf('ns/a', 'old'), 'old', undefined)
    await store.putEntity(actionOf('ns/a', 'new'), 'new', revision)
    now += 10 * MINUTE
    assert.equal(await store.collectCode(), 0)
    assert.equal(await store.getCode(digestOf('old')), 'old')
    now += 1
    assert.equal(await store.collectCode(), 1)
    assert.equal(await store.getCode(digestOf('old')), undefined)
    assert.equal(await store.getCode(digestOf('new')), 'new')
  })

  it('keeps code that is referred to again before it was collected', async () => {
    const store = await open()
    const revision = await store.putEntity(actionOf('ns/a', 'code'), 'code', undefined)
    await store.deleteEntity(nameOf('ns/a'), revision)
    now += 9 * MINUTE
    const again = await store.putEntity(actionOf('ns/b', 'code'), undefined, undefined)
    now += 9 * MINUTE
    assert.equal(await store.collectCode(), 0)
    await store.deleteEntity(nameOf('ns/b'), again)
    now += 9 * MINUTE
    assert.equal(await store.collectCode(), 0, 'the ten minutes begin with the last reference')
    now += 2 * MINUTE
    assert.equal(await store.collectCode(), 1)
  })
})
