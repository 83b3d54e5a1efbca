/** The activation store on SQLite: the common suite, and what only SQLite has. */

import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { activationRow, describeActivationStore } from '../../../test/conformance/activation-store.ts'
import { storesFixture } from '../../../test/conformance/sqlite-stores.ts'
import { parseNamespaceName } from '../../model/names.ts'

const fixture = storesFixture()

describeActivationStore('SQLite', async () => (await fixture.open({ openNow: ['activations'] })).activations)

describe('SqliteActivationStore', () => {
  it('S4-76: a file that is pruned does not grow without bound, and shrinks after a burst', async () => {
    const dataDir = fixture.directory()
    const stores = await fixture.open({ dataDir, openNow: ['activations'] })
    const { activations } = stores
    const result = 'x'.repeat(4000)
    const burst = async (): Promise<void> => {
      for (let batch = 0; batch < 6; batch++) {
        await activations.append(Array.from({ length: 500 }, (_, index) => activationRow('ns', 'a', index, result)))
      }
    }
    const pages = (): number => statSync(join(dataDir, 'activations.db')).size
    await burst()
    while ((await activations.prune(0, 100)) > 0);
    const afterFirst = pages()
    for (let round = 0; round < 3; round++) {
      await burst()
      while ((await activations.prune(0, 100)) > 0);
    }
    await stores.close()
    assert.ok(pages() <= Math.max(afterFirst, 16_000_000), `${pages()} bytes after four bursts of 14 MB`)
  })

  it('cuts a list short instead of holding hundreds of megabytes', async () => {
    const { activations } = await fixture.open({ openNow: ['activations'] })
    const namespace = parseNamespaceName('ns')
    const result = 'x'.repeat(5_000_000)
    for (let index = 0; index < 9; index++) await activations.append([activationRow('ns', 'a', index, result)])
    assert.equal((await activations.list({ namespace, skip: 0, limit: 200 })).length, 6)
    assert.equal((await activations.list({ namespace, skip: 0, limit: 200, summary: true })).length, 9)
  })

  it('forgets a namespace with its last record, while another process appends to it', async () => {
    const dataDir = fixture.directory()
    const one = await fixture.open({ dataDir, openNow: ['activations'] })
    const other = await fixture.open({ dataDir, openNow: ['activations'] })
    const namespace = parseNamespaceName('ns')
    for (let round = 0; round < 5; round++) {
      await one.activations.append([activationRow('ns', `a${round}`, 1), activationRow('ns', 'same', 1)])
      assert.equal(await other.activations.prune(2, 0), 2)
      await one.activations.append([activationRow('ns', 'same', 9)])
      assert.equal(await one.activations.count({ namespace, filter: 'same' }), 1)
      assert.equal(await other.activations.prune(10, 0), 1)
    }
  })
})
