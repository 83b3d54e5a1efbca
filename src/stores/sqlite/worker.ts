/**
 * The stores' thread: everything that waits when it gets to it is one piece of work. Reads are answered first, then each database's writes are
 * committed together, and only then are their callers told. So one `fsync` serves all who wait, and nobody waits for a timer.
 */

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { JOURNAL_MIGRATIONS } from '../../journal/sqlite/migrations.ts'
import { journalOperations } from '../../journal/sqlite/journal-operations.ts'
import { activationOperations } from './activation-operations.ts'
import { artifactOperations } from './artifact-operations.ts'
import type { DatabaseKind } from './database.ts'
import { Database } from './database.ts'
import type { Failure } from './failure.ts'
import { failureOf, resultCode, spoilsConnection } from './failure.ts'
import { ACTIVATION_MIGRATIONS } from './migrations/activations.ts'
import { ARTIFACT_MIGRATIONS } from './migrations/artifacts.ts'
import type { Operation, Reply, Request, StoreName, Wire, WorkerData } from './protocol.ts'
import { weigh } from './protocol.ts'

/** Replies are sent on when so many characters have gathered: two megabytes more or less in a message cost nothing, hundreds would. */
const REPLY_CHARACTERS = 2_000_000
const DISK_FULL = 13

type AnyOperation = Operation<readonly Wire[], Wire>

interface Store {
  readonly kind: DatabaseKind
  readonly operations: Readonly<Record<string, AnyOperation>>
}

/** In the order in which they are committed: a caller waits for the journal, nobody waits for activation records. */
const STORES: Readonly<Record<StoreName, Store>> = {
  journal: {
    kind: { migrations: JOURNAL_MIGRATIONS, exclusive: true, cacheKb: 1000, prepareFile: '' },
    operations: erase(journalOperations),
  },
  artifacts: {
    kind: { migrations: ARTIFACT_MIGRATIONS, exclusive: false, cacheKb: 2000, prepareFile: '' },
    operations: erase(artifactOperations),
  },
  activations: {
    kind: {
      migrations: ACTIVATION_MIGRATIONS,
      exclusive: false,
      cacheKb: 4000,
      prepareFile: 'PRAGMA auto_vacuum = INCREMENTAL',
    },
    operations: erase(activationOperations),
  },
}

/** Drops the argument types: the client that calls by name is typed by the same declarations (protocol.ts, `Operations`). */
function erase(operations: Readonly<Record<string, unknown>>): Readonly<Record<string, AnyOperation>> {
  return operations as Readonly<Record<string, AnyOperation>>
}

const port = parentPort
if (port === null) throw new Error('worker.ts runs as a worker thread')
const settings = workerData as WorkerData
const floor = new BigInt64Array(settings.floor)
const open = new Map<StoreName, Database>()
let replies: Reply[] = []
let replyCharacters = 0

port.on('message', (first: readonly Request[]) => {
  const requests = [...first]
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    requests.push(...(next.message as readonly Request[]))
  }
  const wanted = Number(Atomics.load(floor, 0))
  const live = requests.filter(([id]) => id >= wanted)
  for (const name of Object.keys(STORES) as StoreName[])
    answer(
      name,
      live.filter(([, store]) => store === name),
    )
})

function answer(name: StoreName, requests: readonly Request[]): void {
  if (requests.length === 0) return
  const { operations } = STORES[name]
  const writes: Request[] = []
  for (const request of requests) {
    const [id, , operation] = request
    if (operation === 'open') attempt(name, id, () => (database(name), null))
    else if (operation === 'close') writes.push(request)
    else if (operations[operation]?.access === 'read') attempt(name, id, () => perform(database(name), name, request))
    else writes.push(request)
  }
  send()
  commit(
    name,
    writes.filter(([, , operation]) => operation !== 'close'),
  )
  for (const [id, , operation] of writes) if (operation === 'close') attempt(name, id, () => (shut(name), null))
  send()
}

function attempt(name: StoreName, id: number, body: () => Wire): void {
  const held = open.has(name)
  try {
    reply(id, body(), undefined)
  } catch (error) {
    const failure = failed(name, error)
    // The connection may have been bad for long; only if a new one fails as well is it the file.
    if (held && !open.has(name)) attempt(name, id, body)
    else reply(id, null, failure)
  }
}

function perform(db: Database, name: StoreName, [, , operation, args]: Request): Wire {
  const known = STORES[name].operations[operation]
  if (known === undefined) throw new Error(`unknown operation ${operation}`)
  return known.run(db, ...args)
}

/** One transaction for all of them; each in a savepoint, so that a conflict undoes only the write that met it. */
function commit(name: StoreName, writes: readonly Request[]): void {
  if (writes.length === 0) return
  const outcomes: Reply[] = []
  let db = open.get(name)
  const held = db !== undefined
  let committing = false
  try {
    db ??= database(name)
    db.begin()
    for (const request of writes) outcomes.push(savepoint(db, name, request))
    committing = true
    db.commit()
  } catch (error) {
    undo(name, db)
    const failure = failed(name, error)
    // One large write must not take the small ones with it that still fit.
    if (resultCode(error) === DISK_FULL && writes.length > 1) for (const request of writes) commit(name, [request])
    else if (held && !open.has(name) && !committing) commit(name, writes)
    else for (const [id] of writes) reply(id, null, failure)
    return
  }
  for (const outcome of outcomes) reply(...outcome)
}

function undo(name: StoreName, db: Database | undefined): void {
  try {
    db?.rollback()
  } catch {
    // A connection that cannot even roll back is of no use; closing it undoes the transaction as well.
    shut(name)
  }
}

/** What came of one write. Throws when the whole transaction is lost with it. */
function savepoint(db: Database, name: StoreName, request: Request): Reply {
  try {
    return [request[0], db.savepoint(() => perform(db, name, request)), undefined]
  } catch (error) {
    const failure = failureOf(error, settings.databases[name].file)
    if (failure.kind === 'unavailable') throw error
    return [request[0], null, failure]
  }
}

function database(name: StoreName): Database {
  const known = open.get(name)
  if (known !== undefined) return known
  const opened = new Database(settings.databases[name], STORES[name].kind, settings.busyTimeoutMs)
  open.set(name, opened)
  return opened
}

function failed(name: StoreName, error: unknown): Failure {
  if (spoilsConnection(error)) shut(name)
  return failureOf(error, settings.databases[name].file)
}

function shut(name: StoreName): void {
  const db = open.get(name)
  open.delete(name)
  db?.close()
}

function reply(id: number, result: Wire, failure: Failure | undefined): void {
  replies.push([id, result, failure])
  replyCharacters += weigh(result)
  if (replyCharacters > REPLY_CHARACTERS) send()
}

function send(): void {
  if (replies.length === 0) return
  port?.postMessage(replies)
  replies = []
  replyCharacters = 0
}
