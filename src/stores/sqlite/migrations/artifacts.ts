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

/**
 * Lists of any length in pages that cost the same. A list is `TYPE/NS`, `TYPE/NS/PKG` or `shared//NS`; `newer` counts the rows before a mark.
 * What was stored before has no packages, so that nothing of it is shared.
 */
const LISTS = `
ALTER TABLE entities ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;
CREATE INDEX entities_shared ON entities (namespace, updated) WHERE shared = 1;

CREATE TABLE list_sizes (
  list TEXT PRIMARY KEY,
  size INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE list_marks (
  list TEXT NOT NULL,
  updated INTEGER NOT NULL,
  id INTEGER NOT NULL,
  newer INTEGER NOT NULL,
  PRIMARY KEY (list, updated, id)
) STRICT, WITHOUT ROWID;

CREATE TEMP VIEW listed AS
  SELECT type || '/' || namespace AS list, updated, id FROM entities
  UNION ALL SELECT type || '/' || namespace || '/' || package, updated, id FROM entities WHERE package <> '';
INSERT INTO list_sizes SELECT list, count(*) FROM listed GROUP BY list;
INSERT INTO list_marks
  SELECT list, updated, id, newer FROM (
    SELECT list, updated, id, row_number() OVER (PARTITION BY list ORDER BY updated DESC, id DESC) - 1 AS newer FROM listed
  ) WHERE newer > 0 AND newer % 500 = 0;
DROP VIEW listed;
`

export const ARTIFACT_MIGRATIONS: readonly string[] = [FIRST, LISTS]
