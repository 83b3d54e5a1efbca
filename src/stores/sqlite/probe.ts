/** The operation by which a store proves that it can write; each of our databases has the table for it. */

import type { Database } from './database.ts'
import { write } from './protocol.ts'

export const probe = write((db: Database, now: number) => {
  db.run('INSERT INTO probe (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at', now)
  return null
})
