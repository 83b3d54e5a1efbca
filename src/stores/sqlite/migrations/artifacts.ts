/** Schema of artifacts.db, script by script. A script that was released is never changed. */

/**
 * Entities share one id space of (namespace, package, name); the package is '' where there is none. `code` is a digest.
 * Code is never updated in place: whether it is still wanted is told by `released_code`, because an update would copy the whole text.
 */
const FIRST = `
CREATE TABLE entities (
  id INTEGER PRIMARY KEY,
  namespace TEXT NOT NULL,
  package TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  updated INTEGER NOT NULL,
  revision TEXT NOT NULL,
  code TEXT,
  document TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX entities_by_name ON entities (namespace, package, name);
CREATE INDEX entities_by_namespace ON entities (namespace, type, updated);
CREATE INDEX entities_by_package ON entities (namespace, package, type, updated);
CREATE INDEX entities_by_code ON entities (code) WHERE code IS NOT NULL;

CREATE TABLE code (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  text TEXT NOT NULL
) STRICT;
CREATE TABLE released_code (
  digest TEXT PRIMARY KEY,
  released INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE subjects (
  subject TEXT PRIMARY KEY,
  blocked INTEGER NOT NULL,
  revision TEXT NOT NULL,
  document TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE namespace_keys (
  uuid TEXT PRIMARY KEY,
  key TEXT NOT NULL,
  namespace TEXT NOT NULL,
  subject TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX namespace_keys_by_namespace ON namespace_keys (namespace, subject);
CREATE INDEX namespace_keys_by_subject ON namespace_keys (subject);

CREATE TABLE limits (
  namespace TEXT PRIMARY KEY,
  document TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE probe (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
`

export const ARTIFACT_MIGRATIONS: readonly string[] = [FIRST]
