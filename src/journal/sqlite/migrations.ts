/** Schema of journal.db, script by script. A script that was released is never changed. */

/** `seq` is the order of acceptance and is given by the journal: a number that SQLite picks could be used again once the newest entry is gone. */
const FIRST = `
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  accepted INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  started INTEGER NOT NULL DEFAULT 0,
  payload TEXT NOT NULL
) STRICT;
CREATE TABLE probe (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
`

/** Apart from the entries: a note is written for each step of a call, and must not rewrite its payload each time. */
const PROGRESS = `
CREATE TABLE progress (
  seq INTEGER PRIMARY KEY,
  note TEXT NOT NULL
) STRICT;
`

/** Entries of before are one lane. */
const LANES = `ALTER TABLE entries ADD COLUMN lane TEXT NOT NULL DEFAULT '';`

export const JOURNAL_MIGRATIONS: readonly string[] = [FIRST, PROGRESS, LANES]
