/** A server of web actions for the tables of this folder: real stores, caches and limits, real sockets, and actions that are functions of the test. */

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHttpServer } from '../../src/api/http-server.ts'
import { transactionIdOf } from '../../src/api/transaction-id.ts'
import { basicEntitlement } from '../../src/entitlement/basic-entitlement.ts'
import { randomCredentials } from '../../src/management/credentials.ts'
import type { StoreChange } from '../../src/management/store-change.ts'
import type { UserAdministration } from '../../src/management/user-administration.ts'
import { createUserAdministration } from '../../src/management/user-administration.ts'
import type { ActivationRecord } from '../../src/model/activation.ts'
import { systemClock, systemTimers } from '../../src/model/clock.ts'
import type { Identity } from '../../src/model/identity.ts'
import { randomIds } from '../../src/model/ids.ts'
import type { JsonObject, JsonValue } from '../../src/model/json.ts'
import { EMPTY_LOG } from '../../src/proxy/activation-log.ts'
import { classifyRun } from '../../src/proxy/classify.ts'
import type { FinishedRun, RunRequest } from '../../src/proxy/run-request.ts'
import { localLimits } from '../../src/router/admission.ts'
import { createAuthenticator } from '../../src/router/authenticate.ts'
import { basicAuthentication } from '../../src/router/basic-authentication.ts'
import { createResolver } from '../../src/router/resolve.ts'
import { matchWeb } from '../../src/router/web/target.ts'
import type { WebDeps } from '../../src/router/web/web.ts'
import { handleWeb } from '../../src/router/web/web.ts'
import type { Entity } from '../../src/stores/artifact-store.ts'
import type { SqliteStores } from '../../src/stores/sqlite/open.ts'
import { openSqliteStores } from '../../src/stores/sqlite/open.ts'
import { manifest, system } from './api-server.ts'

/** What an action of the test returns: a value, or the text that its runtime answers, with a status. */
export type Returned = { readonly value: JsonValue } | { readonly text: string; readonly status?: number } | 'never'

export interface WebServer {
  readonly port: number
  readonly administration: UserAdministration
  readonly stores: SqliteStores
  readonly faults: unknown[]
  /** All runs so far. */
  readonly runs: RunRequest[]
  readonly records: { readonly record: ActivationRecord; readonly identity: Identity }[]
  /** What runs return, by the action's path with a leading slash. */
  readonly behaviours: Map<string, (args: JsonObject) => Returned>
  /** Why nothing new is accepted. */
  refusal: Error | undefined
  blockingWaitMs: number
  /** Writes an entity, and code `code` where it is an action. */
  put(entity: Entity): Promise<void>
  close(): Promise<void>
}

/** Starts a server on an empty data directory. */
export async function startWebServer(): Promise<WebServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'stave-web-'))
  const stores = await openSqliteStores({ dataDir, clock: systemClock, openNow: ['artifacts'] })
  const ids = randomIds()
  const authenticator = createAuthenticator({
    provider: basicAuthentication(stores.artifacts),
    systemLimits: system,
    clock: systemClock,
    cacheEntries: 1000,
    cacheTtlMs: 300_000,
  })
  const resolver = createResolver({
    getEntity: (name) => stores.artifacts.getEntity(name),
    entitlement: basicEntitlement(),
    getCode: (digest) => stores.artifacts.getCode(digest),
    manifest,
    platform: { runsImages: false, limits: system },
    cacheEntries: 1000,
  })
  const changed = (change: StoreChange): void => {
    if (change.type === 'entity') resolver.invalidate(change.name)
    else if (change.type === 'subject') authenticator.forgetSubject(change.subject, change.namespaces)
    else {
      authenticator.forgetNamespace(change.namespace)
      resolver.forgetCaller(change.namespace)
    }
  }
  const faults: unknown[] = []
  const deps: WebDeps = {
    authenticate: (authorization) => authenticator.authenticate(authorization),
    ownerOf: (namespace) => authenticator.ownerOf(namespace),
    resolve: (identity, target) => resolver.resolve(identity, target),
    getEntity: (name) => stores.artifacts.getEntity(name),
    limits: localLimits({ window: 'sliding', headers: true, clock: systemClock }),
    turns: { take: () => undefined },
    dispatcher: { run: (_action, request) => run(request) },
    record: (record, identity) => void running.records.push({ record, identity }),
    observe: () => undefined,
    refuse: () => running.refusal,
    ids,
    clock: systemClock,
    timers: systemTimers,
    parkTimeoutMs: 60_000,
    sequenceLength: 50,
    get blockingWaitMs() {
      return running.blockingWaitMs
    },
    bodyLimits: { maxBytes: system.requestBytes, timeoutMs: 5000 },
    reportFault: (error) => void faults.push(error),
  }

  async function run(request: RunRequest): Promise<FinishedRun> {
    running.runs.push(request)
    const args: JsonObject = JSON.parse(Buffer.from(request.argumentBytes, 'latin1').toString('utf8'))
    const returned = running.behaviours.get(request.program.path)?.(args) ?? { value: {} }
    if (returned === 'never') return new Promise(() => undefined)
    const [text, status] =
      'value' in returned ? [JSON.stringify(returned.value), 200] : [returned.text, returned.status ?? 200]
    return {
      type: 'finished',
      outcome: classifyRun({ type: 'answer', status, body: Buffer.from(text) }, 1_048_576, 1_048_576),
      start: 'warm',
      startedAt: systemClock.now(),
      endedAt: systemClock.now(),
      beganAt: systemClock.monotonic(),
      initMs: undefined,
      runMs: 1,
      serviceMs: 1,
      timedOut: false,
      log: EMPTY_LOG,
    }
  }

  const server = createHttpServer((req, res) => {
    const target = matchWeb(req.url ?? '/')
    if (target === undefined) {
      res.writeHead(418)
      res.end('not a web action')
      return
    }
    void handleWeb({ req, res, tid: transactionIdOf(req, ids) }, target, deps)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const running: WebServer = {
    port: (server.address() as AddressInfo).port,
    administration: createUserAdministration({ store: stores.artifacts, credentials: randomCredentials(), changed }),
    stores,
    faults,
    runs: [],
    records: [],
    behaviours: new Map(),
    refusal: undefined,
    blockingWaitMs: 10_000,
    async put(entity) {
      const { namespace, name } = entity
      const key = { namespace, name, ...(entity.package !== undefined && { package: entity.package }) }
      const before = await stores.artifacts.getEntity(key)
      const code = entity.entityType === 'action' ? 'code' : undefined
      await stores.artifacts.putEntity(entity, code, before?.revision)
      changed({ type: 'entity', name: key })
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await stores.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
  return running
}
