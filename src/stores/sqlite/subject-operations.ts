/** The artifact store's statements for subjects, their keys and the limits of namespaces. Runs in the worker. */

import type { Database } from './database.ts'
import { text } from './database.ts'
import { Conflict } from './failure.ts'
import { read, write } from './protocol.ts'

const NEW_REVISION = 'lower(hex(randomblob(10)))'

/** The key's holder, unless blocked: subject, namespace, key and the namespace's limits document. The key is compared by the caller. */
function findKey(
  db: Database,
  uuid: string,
): [subject: string, namespace: string, key: string, limits: string | null] | null {
  const row = db.get(
    `SELECT k.subject, k.namespace, k.key, l.document FROM namespace_keys k JOIN subjects s ON s.subject = k.subject
     LEFT JOIN limits l ON l.namespace = k.namespace WHERE k.uuid = ? AND s.blocked = 0`,
    uuid,
  )
  return row === undefined ? null : [text(row, 0), text(row, 1), text(row, 2), row[3] === null ? null : text(row, 3)]
}

/** A key of the namespace, that of the subject of the same name first: subject, uuid, key and the namespace's limits document. */
function findNamespaceKey(
  db: Database,
  namespace: string,
): [subject: string, uuid: string, key: string, limits: string | null] | null {
  const row = db.get(
    `SELECT k.subject, k.uuid, k.key, l.document FROM namespace_keys k JOIN subjects s ON s.subject = k.subject
     LEFT JOIN limits l ON l.namespace = k.namespace WHERE k.namespace = ? AND s.blocked = 0
     ORDER BY k.subject <> k.namespace, k.subject, k.uuid LIMIT 1`,
    namespace,
  )
  return row === undefined ? null : [text(row, 0), text(row, 1), text(row, 2), row[3] === null ? null : text(row, 3)]
}

function getSubject(db: Database, subject: string): [revision: string, document: string] | null {
  const row = db.get('SELECT revision, document FROM subjects WHERE subject = ?', subject)
  return row === undefined ? null : [text(row, 0), text(row, 1)]
}

/** `keys` is uuid, key and namespace, one after the other. A uuid that another subject holds violates the primary key. */
function putSubject(
  db: Database,
  subject: string,
  blocked: boolean,
  document: string,
  keys: readonly string[],
  expected: string | null,
): string {
  const before = getSubject(db, subject)
  if ((before === null ? null : before[0]) !== expected) throw new Conflict(`subject ${subject} was changed meanwhile`)
  db.run('DELETE FROM namespace_keys WHERE subject = ?', subject)
  for (let at = 0; at < keys.length; at += 3) {
    const [uuid, key, namespace] = keys.slice(at, at + 3)
    db.run(
      'INSERT INTO namespace_keys (uuid, key, namespace, subject) VALUES (?, ?, ?, ?)',
      uuid ?? null,
      key ?? null,
      namespace ?? null,
      subject,
    )
  }
  const row = db.get(
    `INSERT INTO subjects (subject, blocked, document, revision) VALUES (?, ?, ?, ${NEW_REVISION})
     ON CONFLICT (subject) DO UPDATE SET blocked = excluded.blocked, document = excluded.document, revision = excluded.revision
     RETURNING revision`,
    subject,
    blocked ? 1 : 0,
    document,
  )
  if (row === undefined) throw new Error('an insert returned nothing')
  return text(row, 0)
}

function deleteSubject(db: Database, subject: string, expected: string): null {
  if (db.run('DELETE FROM subjects WHERE subject = ? AND revision = ?', subject, expected) === 0) {
    throw new Conflict(`subject ${subject} was changed meanwhile`)
  }
  db.run('DELETE FROM namespace_keys WHERE subject = ?', subject)
  return null
}

function listSubjects(db: Database, namespace: string | null): string[] {
  const rows =
    namespace === null
      ? db.all('SELECT document FROM subjects ORDER BY subject')
      : db.all(
          `SELECT document FROM subjects WHERE subject IN (SELECT subject FROM namespace_keys WHERE namespace = ?) ORDER BY subject`,
          namespace,
        )
  return rows.map((row) => text(row, 0))
}

function getLimits(db: Database, namespace: string): string | null {
  const row = db.get('SELECT document FROM limits WHERE namespace = ?', namespace)
  return row === undefined ? null : text(row, 0)
}

function listLimits(db: Database): [namespace: string, document: string][] {
  return db.all('SELECT namespace, document FROM limits ORDER BY namespace').map((row) => [text(row, 0), text(row, 1)])
}

function putLimits(db: Database, namespace: string, document: string | null): null {
  if (document === null) db.run('DELETE FROM limits WHERE namespace = ?', namespace)
  else {
    db.run(
      'INSERT INTO limits (namespace, document) VALUES (?, ?) ON CONFLICT (namespace) DO UPDATE SET document = excluded.document',
      namespace,
      document,
    )
  }
  return null
}

export const subjectOperations = {
  findKey: read(findKey),
  findNamespaceKey: read(findNamespaceKey),
  getSubject: read(getSubject),
  putSubject: write(putSubject),
  deleteSubject: write(deleteSubject),
  listSubjects: read(listSubjects),
  getLimits: read(getLimits),
  listLimits: read(listLimits),
  putLimits: write(putLimits),
}
