/** The entrance to the SQLite stores of one data directory. */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SqliteJournal } from '../../journal/sqlite/sqlite-journal.ts'
import type { Clock } from '../../model/clock.ts'
import type { StoreName } from './protocol.ts'
import { STORE_NAMES } from './protocol.ts'
import { SqliteActivationStore } from './sqlite-activation-store.ts'
import { SqliteArtifactStore } from './sqlite-artifact-store.ts'
import { connectStore } from './store-connection.ts'
import { WorkerClient } from './worker-client.ts'

export interface SqliteStoresOptions {
  /** Made, readable by its owner only, when it is missing. */
  readonly dataDir: string
  readonly clock: Clock
  /**
   * Opened before the promise resolves; the others at their first use. default all. The journal has one owner: who only edits subjects, as the
   * command line does beside a running server, opens `['artifacts']`.
   */
  readonly openNow?: readonly StoreName[]
  /** `full`: an accepted invocation survives the end of the machine; `normal`: that of the process. default full */
  readonly journalSynchronous?: 'full' | 'normal'
  /** Bounds on what the journal holds. default 10,000 entries and 256 MB */
  readonly journalMaxEntries?: number
  readonly journalMaxBytes?: number
  /** default 10,000 */
  readonly operationTimeoutMs?: number
  /** Longest wait for another process's lock on a file; below the operation's time. default 2,000 */
  readonly busyTimeoutMs?: number
  /** Calls that wait for the worker at most, and characters in their arguments. default 20,000 and 256 MB */
  readonly maxCalls?: number
  readonly maxCallCharacters?: number
  /** Size in bytes that each database file may grow to; writes beyond reject as on a full disk. default: the disk's */
  readonly maxFileBytes?: number
  /** Is told when housekeeping fails; it is tried again a minute later. */
  readonly onProblem?: (error: Error) => void
}

export interface SqliteStores {
  readonly artifacts: SqliteArtifactStore
  readonly activations: SqliteActivationStore
  readonly journal: SqliteJournal
  /** For metrics: calls under way, timeouts, refusals, crashes of the thread. */
  readonly client: Pick<WorkerClient, 'underWay' | 'timeouts' | 'refused' | 'crashes'>
  /** Closes what is still open and ends the worker. Idempotent. */
  close(): Promise<void>
}

const HOUSEKEEPING_MS = 60_000
const MB = 1024 * 1024

/**
 * Opens artifacts.db, activations.db and journal.db in `dataDir`. Rejects with `OpenRefused` (newer schema, foreign file, journal owned by another
 * process: the message says how to mend it) or `StoreUnavailable`; nothing stays open then.
 */
export async function openSqliteStores(options: SqliteStoresOptions): Promise<SqliteStores> {
  const { dataDir, clock, maxFileBytes } = options
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const settings = (name: StoreName, synchronous: 'full' | 'normal') => ({
    file: join(dataDir, `${name}.db`),
    synchronous,
    ...(maxFileBytes !== undefined && { maxFileBytes }),
  })
  const client = new WorkerClient({
    databases: {
      artifacts: settings('artifacts', 'full'),
      activations: settings('activations', 'normal'),
      journal: settings('journal', options.journalSynchronous ?? 'full'),
    },
    busyTimeoutMs: options.busyTimeoutMs ?? 2000,
    operationTimeoutMs: options.operationTimeoutMs ?? 10_000,
    maxCalls: options.maxCalls ?? 20_000,
    maxCharacters: options.maxCallCharacters ?? 256 * MB,
    clock,
  })
  const remaining = new Set<StoreName>(STORE_NAMES)
  const connect = <Store extends StoreName>(store: Store) =>
    connectStore(client, store, async () => {
      remaining.delete(store)
      if (remaining.size === 0) await client.close()
    })
  const artifacts = new SqliteArtifactStore(connect('artifacts'), clock)
  const activations = new SqliteActivationStore(connect('activations'), clock)
  const journal = new SqliteJournal(connect('journal'), {
    clock,
    maxEntries: options.journalMaxEntries ?? 10_000,
    maxBytes: options.journalMaxBytes ?? 256 * MB,
  })
  const stores = { artifacts, activations, journal }
  const housekeeping = setInterval(() => {
    artifacts.collectCode().catch((error: Error) => options.onProblem?.(error))
  }, HOUSEKEEPING_MS).unref()
  const close = async (): Promise<void> => {
    clearInterval(housekeeping)
    await Promise.allSettled([artifacts.close(), activations.close(), journal.close()])
    await client.close()
  }
  try {
    await Promise.all((options.openNow ?? STORE_NAMES).map((name) => stores[name].open()))
  } catch (error) {
    await close()
    throw error
  }
  return { ...stores, client, close }
}
