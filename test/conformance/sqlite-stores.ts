/** Stores and directories that the tests of the SQLite stores work with. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { systemClock } from '../../src/model/clock.ts'
import type { SqliteStores, SqliteStoresOptions } from '../../src/stores/sqlite/open.ts'
import { openSqliteStores } from '../../src/stores/sqlite/open.ts'

export interface StoresFixture {
  /** A new directory. */
  directory(): string
  /** Stores in a new directory, or the given one. */
  open(options?: Partial<SqliteStoresOptions>): Promise<SqliteStores>
}

/** To be called where a test file or suite begins: whatever is opened through it is closed and removed at its end. */
export function storesFixture(): StoresFixture {
  const directories: string[] = []
  const opened: SqliteStores[] = []
  after(async () => {
    await Promise.all(opened.map((stores) => stores.close()))
    for (const directory of directories) rmSync(directory, { recursive: true, force: true })
  })
  const directory = (): string => {
    directories.push(mkdtempSync(join(tmpdir(), 'stave-stores-')))
    return directories.at(-1) ?? ''
  }
  return {
    directory,
    async open(options = {}) {
      const stores = await openSqliteStores({ dataDir: options.dataDir ?? directory(), clock: systemClock, ...options })
      opened.push(stores)
      return stores
    },
  }
}
