/** A management plane over real SQLite stores and real sockets, with its admin API, for the suites of this folder. */

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHttpServer } from '../../src/api/http-server.ts'
import { transactionIdOf } from '../../src/api/transaction-id.ts'
import { systemClock } from '../../src/model/clock.ts'
import { randomIds } from '../../src/model/ids.ts'
import { basicEntitlement } from '../../src/entitlement/basic-entitlement.ts'
import type { SystemLimits } from '../../src/model/limits.ts'
import type { RuntimeKind, RuntimesManifest } from '../../src/model/manifest.ts'
import type { ParameterKey } from '../../src/model/parameter-keys.ts'
import type { AuditEntry } from '../../src/management/admin-api.ts'
import type { ReadinessCheck } from '../../src/management/look-inside.ts'
import { createAdminApi } from '../../src/management/admin-api.ts'
import { randomCredentials } from '../../src/management/credentials.ts'
import { createNamespaceAdministration } from '../../src/management/namespace-administration.ts'
import { createManagement } from '../../src/management/management.ts'
import { parameterRoutes } from '../../src/management/parameter-renewal.ts'
import type { StoreChange } from '../../src/management/store-change.ts'
import type { UserAdministration } from '../../src/management/user-administration.ts'
import { createUserAdministration } from '../../src/management/user-administration.ts'
import { createAuthenticator } from '../../src/router/authenticate.ts'
import { basicAuthentication } from '../../src/router/basic-authentication.ts'
import { createParameterCipher } from '../../src/stores/parameter-cipher.ts'
import type { SqliteStores } from '../../src/stores/sqlite/open.ts'
import { openSqliteStores } from '../../src/stores/sqlite/open.ts'
import { systemLimitsFixture } from '../action-fixture.ts'

const kind = (name: string, fields: Partial<RuntimeKind> = {}): RuntimeKind => ({
  kind: name,
  family: name.split(':')[0] ?? name,
  default: false,
  deprecated: false,
  requireMain: false,
  attached: true,
  sentinelledLogs: true,
  image: { prefix: 'openwhisk', name: `action-${name.replace(':', '-v')}`, tag: 'nightly' },
  stemCells: [],
  ...fields,
})

export const manifest: RuntimesManifest = {
  kinds: [
    kind('nodejs:6', { deprecated: true }),
    kind('nodejs:20', { default: true }),
    kind('python:3.11', { default: true, attached: false }),
    kind('java:8', { default: true, requireMain: true }),
  ],
  blackboxes: [],
}

/** OpenWhisk's stock limits; sizes small, so that what exceeds them is quick to send. */
export const system: SystemLimits = {
  ...systemLimitsFixture,
  concurrency: { min: 1, std: 1, max: 1 },
  codeBytes: 100_000,
  parametersBytes: 10_000,
  requestBytes: 400_000,
}

export interface ApiServer {
  readonly port: number
  readonly adminPort: number
  readonly dataDir: string
  readonly administration: UserAdministration
  readonly stores: SqliteStores
  readonly faults: unknown[]
  readonly changes: StoreChange[]
  /** What the admin API wrote into the log. */
  readonly audited: AuditEntry[]
  /** What `/readyz` finds. */
  readonly checks: ReadinessCheck[]
  /** Whether the one invoker is well. */
  health: boolean
  /** Milliseconds to let pass before each authentication, for clients that leave meanwhile. */
  authenticationDelayMs: number
  close(): Promise<void>
}

export interface ApiServerOptions {
  readonly sharedPackagesExecuteOnly?: boolean
  /** Keys of aes-256 that parameters are encrypted with. default: they are not */
  readonly keys?: readonly ParameterKey[]
}

/** Starts a server on an empty data directory. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'stave-api-'))
  const stores = await openSqliteStores({ dataDir, clock: systemClock, openNow: ['artifacts', 'activations'] })
  const ids = randomIds()
  const authenticator = createAuthenticator({
    provider: basicAuthentication(stores.artifacts),
    systemLimits: system,
    clock: systemClock,
    cacheEntries: 100,
    cacheTtlMs: 300_000,
  })
  const faults: unknown[] = []
  const changes: StoreChange[] = []
  const checks: ReadinessCheck[] = []
  const changed = (change: StoreChange): void => {
    changes.push(change)
    if (change.type === 'subject') authenticator.forgetSubject(change.subject, change.namespaces)
    if (change.type === 'limits') authenticator.forgetNamespace(change.namespace)
  }
  const reportFault = (error: unknown): void => void faults.push(error)
  const administration = createUserAdministration({
    store: stores.artifacts,
    credentials: randomCredentials(),
    changed,
  })

  const cipher = createParameterCipher({
    current: options.keys === undefined ? undefined : 'aes-256',
    keys: options.keys ?? [],
  })
  const management = createManagement({
    artifacts: stores.artifacts,
    cipher,
    entitlement: basicEntitlement(),
    activations: stores.activations,
    manifest,
    sharedPackagesExecuteOnly: options.sharedPackagesExecuteOnly ?? false,
    system,
    body: { maxBytes: system.requestBytes, timeoutMs: 5000 },
    clock: systemClock,
    changed,
    authenticate: async (authorization) => {
      if (running.authenticationDelayMs > 0) {
        await new Promise((resolve) => setTimeout(resolve, running.authenticationDelayMs))
      }
      return authenticator.authenticate(authorization)
    },
    ids,
    build: { date: '2026-01-01T00:00:00Z', number: '42' },
    operations: { invokers: () => [{ number: 0, up: running.health }], runningActivations: () => [] },
    operator: { username: 'controller.user', password: 'controller.pass' },
    disable: () => undefined,
    reportFault,
  })
  const audited: AuditEntry[] = []
  const admin = createAdminApi({
    administration,
    namespaces: createNamespaceAdministration({ store: stores.artifacts, system, changed }),
    routes: parameterRoutes({ store: stores.artifacts, cipher, keys: options.keys ?? [], changed }),
    audit: (entry) => void audited.push(entry),
    metrics: () => 'stave_up 1\n',
    readiness: () => checks,
    pool: () => ({ containers: [] }),
    config: () => ({ port: { value: 3233, origin: 'default' } }),
    ids,
    reportFault,
  })

  const servers = [
    createHttpServer((req, res) => management.handle({ req, res, tid: transactionIdOf(req, ids) })),
    createHttpServer(admin.handle),
  ]
  const ports: number[] = []
  for (const server of servers) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ports.push((server.address() as AddressInfo).port)
  }
  const [port = 0, adminPort = 0] = ports
  const running: ApiServer = {
    port,
    adminPort,
    dataDir,
    administration,
    stores,
    faults,
    changes,
    checks,
    audited,
    health: true,
    authenticationDelayMs: 0,
    async close() {
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
      }
      await stores.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
  return running
}
