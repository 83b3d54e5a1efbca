/** What the stores do on a disk that is full or read-only, and when it is so no more. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chownSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { activationRow } from '../../../test/conformance/activation-store.ts'
import { actionOf, digestOf, nameOf } from '../../../test/conformance/artifact-fixtures.ts'
import { entryOf } from '../../../test/conformance/journal.ts'
import type { SmallDisk } from '../../../test/conformance/small-disk.ts'
import { mountSmallDisk } from '../../../test/conformance/small-disk.ts'
import { storesFixture } from '../../../test/conformance/sqlite-stores.ts'
import { StoreUnavailable } from '../artifact-store.ts'
import type { SqliteStores } from './open.ts'

const NOBODY = 65_534
const disks: SmallDisk[] = []
after(() => disks.forEach((disk) => disk.unmount()))
const fixture = storesFixture()

async function storesOn(disk: SmallDisk): Promise<SqliteStores> {
  return fixture.open({ dataDir: disk.directory })
}

/** Fails on every write, answers every read. */
async function takesNothing(stores: SqliteStores, revision: string): Promise<void> {
  const code = 'y'.repeat(300_000)
  const row = activationRow('ns', 'a', 3, code)
  await assert.rejects(stores.artifacts.putEntity(actionOf('ns/b', code), code, undefined), StoreUnavailable)
  await assert.rejects(stores.activations.append([row]), StoreUnavailable)
  await assert.rejects(stores.journal.append(entryOf(2, code)), StoreUnavailable)
  assert.equal((await stores.artifacts.getEntity(nameOf('ns/a')))?.revision, revision)
  assert.equal(await stores.artifacts.getEntity(nameOf('ns/b')), undefined)
  assert.equal(await stores.artifacts.getCode(digestOf(code)), undefined)
  assert.equal(await stores.activations.count({ namespace: row.namespace }), 1)
  assert.deepEqual(stores.journal.depth(), { entries: 1, bytes: entryOf(1).payload.length })
}

async function takesEverything(stores: SqliteStores, key: string): Promise<void> {
  const row = activationRow(key, 'a', 4)
  await Promise.all([stores.artifacts.probe(), stores.activations.probe(), stores.journal.probe()])
  await stores.artifacts.putEntity(actionOf(`${key}/c`, 'z'), 'z', undefined)
  await stores.activations.append([row])
  assert.deepEqual(await stores.activations.get(row.namespace, row.activationId), row)
  await stores.journal.append(entryOf(3))
  await stores.journal.settle(entryOf(3).activationId)
  // What failed writes left unclear is counted anew.
  assert.deepEqual(await stores.journal.claim(0), [])
  assert.equal(stores.journal.depth().entries, 1)
}

async function populate(stores: SqliteStores): Promise<string> {
  const revision = await stores.artifacts.putEntity(actionOf('ns/a', 'x'), 'x', undefined)
  await stores.activations.append([activationRow('ns', 'a', 1)])
  await stores.journal.append(entryOf(1))
  return revision
}

describe('stores on a full disk', () => {
  const disk = mountSmallDisk(fixture.directory(), 4)
  if (disk !== undefined) disks.push(disk)

  it(
    'reject writes, answer reads, and recover without being opened again',
    { skip: disk === undefined && 'may not mount' },
    async () => {
      assert.ok(disk !== undefined)
      const stores = await storesOn(disk)
      const revision = await populate(stores)
      for (let round = 0; round < 3; round++) {
        disk.fill()
        await takesNothing(stores, revision)
        await assert.rejects(stores.journal.append(entryOf(2, 'y'.repeat(300_000))), /the disk is full/)
        disk.free()
        await takesEverything(stores, `round${round}`)
      }
      disk.fill()
      await stores.close()
      await assert.rejects(storesOn(disk), /the disk is full/)
      disk.free()
      const again = await storesOn(disk)
      assert.equal((await again.artifacts.getEntity(nameOf('ns/a')))?.revision, revision)
      assert.equal((await again.journal.claim(9)).length, 1)
      await takesEverything(again, 'again')
    },
  )

  it('reject writes beyond the size that the files may grow to, and answer reads', async () => {
    const stores = await fixture.open({ maxFileBytes: 200_000 })
    const revision = await populate(stores)
    await takesNothing(stores, revision)
    await takesEverything(stores, 'small')
  })

  it('one write that does not fit does not take those with it that do', async () => {
    const { artifacts } = await fixture.open({ maxFileBytes: 300_000 })
    const code = 'y'.repeat(400_000)
    const outcomes = await Promise.allSettled([
      artifacts.putEntity(actionOf('ns/a', 'x'), 'x', undefined),
      artifacts.putEntity(actionOf('ns/large', code), code, undefined),
      artifacts.putEntity(actionOf('ns/b', 'x'), 'x', undefined),
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
  })
})

describe('stores on files that may not be written', () => {
  it('reject writes, answer reads, and recover without being opened again', () => {
    const directory = fixture.directory()
    const script = fileURLToPath(new URL('../../../test/conformance/sqlite/read-only-process.ts', import.meta.url))
    // Permissions mean nothing to root, so the scenario runs as somebody else then.
    const root = process.getuid?.() === 0
    if (root) chownSync(directory, NOBODY, NOBODY)
    const ended = spawnSync(process.execPath, [script, directory], {
      encoding: 'utf8',
      ...(root && { uid: NOBODY, gid: NOBODY }),
    })
    assert.equal(ended.status, 0, ended.stderr)
  })
})
