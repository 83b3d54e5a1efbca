/** A process that takes the permission to write from its own store files and gives it back. For failing-disk.test.ts. */

import assert from 'node:assert/strict'
import { chmodSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { actionOf, nameOf } from '../artifact-fixtures.ts'
import { systemClock } from '../../../src/model/clock.ts'
import { StoreUnavailable } from '../../../src/stores/artifact-store.ts'
import type { SqliteStores } from '../../../src/stores/sqlite/open.ts'
import { openSqliteStores } from '../../../src/stores/sqlite/open.ts'

const [, , dataDir = ''] = process.argv

function permit(directory: number, files: number): void {
  chmodSync(dataDir, 0o700)
  for (const name of readdirSync(dataDir)) chmodSync(join(dataDir, name), files)
  chmodSync(dataDir, directory)
}

function open(): Promise<SqliteStores> {
  return openSqliteStores({ dataDir, clock: systemClock, openNow: ['artifacts'] })
}

const first = await open()
await first.artifacts.putEntity(actionOf('ns/a', 'x'), 'x', undefined)
await first.close()

permit(0o700, 0o400)
const second = await open()
assert.notEqual(await second.artifacts.getEntity(nameOf('ns/a')), undefined)
await assert.rejects(second.artifacts.putEntity(actionOf('ns/b', 'x'), 'x', undefined), StoreUnavailable)
await assert.rejects(second.artifacts.probe(), /read-only/)
assert.notEqual(await second.artifacts.getEntity(nameOf('ns/a')), undefined)
permit(0o700, 0o600)
await second.artifacts.probe()
await second.artifacts.putEntity(actionOf('ns/b', 'x'), 'x', undefined)
await second.close()

permit(0o500, 0o600)
const third = openSqliteStores({ dataDir, clock: systemClock, openNow: [] })
const { activations, journal, artifacts, close } = await third
await assert.rejects(artifacts.getEntity(nameOf('ns/a')), StoreUnavailable)
await assert.rejects(activations.probe(), StoreUnavailable)
await assert.rejects(journal.probe(), StoreUnavailable)
permit(0o700, 0o600)
await sleep(10)
await Promise.all([activations.probe(), journal.probe()])
assert.notEqual(await artifacts.getEntity(nameOf('ns/b')), undefined)
await close()
