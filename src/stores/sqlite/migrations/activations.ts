/** Schema of activations.db, script by script. A script that was released is never changed. */

/**
 * `seq` is arrival order: rows and ids both arrive at the right end of their trees, which is what makes inserts cheap. Namespaces and filters are
 * numbers so that the two list indexes stay small. A filter belongs to one namespace.
 */
const FIRST = `
CREATE TABLE namespaces (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE filters (
  id INTEGER PRIMARY KEY,
  namespace INTEGER NOT NULL,
  name TEXT NOT NULL,
  UNIQUE (namespace, name)
) STRICT;
CREATE TABLE activations (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL,
  namespace INTEGER NOT NULL,
  filter INTEGER NOT NULL,
  start INTEGER NOT NULL,
  status INTEGER NOT NULL,
  document TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX activations_by_id ON activations (id);
CREATE INDEX activations_by_namespace ON activations (namespace, start);
CREATE INDEX activations_by_filter ON activations (filter, start);

CREATE TABLE probe (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
`

export const ACTIVATION_MIGRATIONS: readonly string[] = [FIRST]
