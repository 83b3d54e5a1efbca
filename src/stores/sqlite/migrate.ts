/** Brings a database file to the present schema: numbered scripts, forward only, one process at a time, nothing ever wiped. */

import type { DatabaseSync } from 'node:sqlite'
import { OpenRefused } from './failure.ts'

/**
 * Runs the scripts that the file has not seen yet, all in one transaction. `user_version` counts the scripts that ran. Of two processes that come at
 * once, one waits for the other's lock and finds the work done. Throws `OpenRefused` for a file of a newer version and for one that is not ours.
 */
export function migrate(db: DatabaseSync, file: string, migrations: readonly string[]): void {
  // Without a lock first: an up-to-date file must open on a full disk and while another process writes.
  if (checkedVersion(db, file, migrations.length) === migrations.length) return
  db.exec('BEGIN EXCLUSIVE')
  try {
    const version = checkedVersion(db, file, migrations.length)
    for (const script of migrations.slice(version)) db.exec(script)
    db.exec(`PRAGMA user_version = ${migrations.length}`)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

function checkedVersion(db: DatabaseSync, file: string, known: number): number {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version > known) {
    throw new OpenRefused(
      `${file} has schema version ${version}, and this version of Stave knows up to ${known}. It was written by a newer Stave: run that one, or restore a copy from before.`,
    )
  }
  if (version === 0 && db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined) {
    throw new OpenRefused(
      `${file} has tables but no schema version: it was not made by Stave and is left as it is. Move it away, or choose another data directory.`,
    )
  }
  return version
}
