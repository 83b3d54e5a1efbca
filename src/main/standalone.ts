/** The role `standalone`: management, router, control and the containers of this host in one process, over SQLite in one data directory. */

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Exchange } from '../api/exchange.ts'
import { wantsExtraLogging } from '../api/extra-logging.ts'
import { createHttpServer } from '../api/http-server.ts'
import { withoutDotSegments } from '../api/request-target.ts'
import { sendError } from '../api/respond.ts'
import { transactionIdOf } from '../api/transaction-id.ts'
import { systemLimits } from '../config/limits.ts'
import { parameterKeys, parameterScheme } from '../config/parameter-storage.ts'
import type { LoadedConfig } from '../config/load.ts'
import { configJson } from '../config/print.ts'
import { runDirectory } from '../config/runtime-paths.ts'
import type { SeededKey } from '../management/bootstrap.ts'
import { bootstrapSubjects } from '../management/bootstrap.ts'
import { createAdminApi } from '../management/admin-api.ts'
import { randomCredentials } from '../management/credentials.ts'
import { createManagement } from '../management/management.ts'
import { createNamespaceAdministration } from '../management/namespace-administration.ts'
import type { NotifyChange } from '../management/store-change.ts'
import { parameterRoutes } from '../management/parameter-renewal.ts'
import { createUserAdministration } from '../management/user-administration.ts'
import type { Clock } from '../model/clock.ts'
import { systemClock, systemTimers } from '../model/clock.ts'
import type { TransactionId } from '../model/ids.ts'
import { randomIds } from '../model/ids.ts'
import { handleFire, matchFire } from '../router/http-fire.ts'
import { handleInvoke, matchInvocation } from '../router/http-invoke.ts'
import { matchWeb } from '../router/web/target.ts'
import { vanityTarget } from '../router/web/vanity-host.ts'
import { handleWeb } from '../router/web/web.ts'
import { ActivationSpool } from '../stores/activation-spool.ts'
import { ActivationWal } from '../stores/activation-wal.ts'
import { ActivationWriter } from '../stores/activation-writer.ts'
import { createParameterCipher } from '../stores/parameter-cipher.ts'
import { openSqliteStores } from '../stores/sqlite/open.ts'
import { HealthRegistry } from '../telemetry/health.ts'
import type { Logger } from '../telemetry/logger.ts'
import { MetricsRegistry } from '../telemetry/metrics.ts'
import { registerProcessMetrics } from '../telemetry/process-metrics.ts'
import { UserMetrics } from '../telemetry/user-metrics.ts'
import type { HostReport } from './containers.ts'
import { openContainers } from './containers.ts'
import { drain } from './drain.ts'
import { listenForOperators } from './listen-for-operators.ts'
import { isLoopback, isWildcard, listenOnTcp } from './listeners.ts'
import { measuredFactory } from './measured-factory.ts'
import { openEntitlement } from './open-entitlement.ts'
import { openPool } from './open-pool.ts'
import { openRouter } from './open-router.ts'
import { startRetention } from './retention.ts'
import { startSeeding } from './seeding.ts'
import { observeOperations, registerStandaloneMetrics } from './standalone-metrics.ts'
import { holdYoungGeneration, releaseYoungGeneration } from './young-generation.ts'

export interface StandaloneOptions {
  readonly loaded: LoadedConfig
  readonly log: Logger
  /** Version of Stave, for `GET /api/v1`. */
  readonly version: string
  /** When this copy of it was put here, in ISO 8601: `wsk property get --apibuild` shows it. */
  readonly installedAt: string
  /** `PATH` of the environment: where interpreters are looked for. */
  readonly path: string
}

/** A server that accepts requests. */
export interface RunningServer extends HostReport {
  readonly url: string
  /** Path of the admin API's unix socket; undefined where it listens on TCP. */
  readonly adminSocket: string | undefined
  readonly dataDir: string
  /** Only this host can connect: subject `guest` has its well-known key. */
  readonly loopback: boolean
  /** Keys that were made up at this start and are known to nobody yet. */
  readonly newKeys: readonly SeededKey[]
  /** Resolves when everything accepted has ended or is safe in the journal, and nothing of the server is left. Idempotent. */
  stop(reason: string): Promise<void>
}

/** Longest wait at start for records of an earlier process to be stored; a killed one leaves a few thousand at most. */
const REPLAY_WAIT_MS = 2000

type Listener = (req: IncomingMessage, res: ServerResponse) => void

/** Starts the server. Rejects with a message for the operator; nothing is left behind then. */
export async function startStandalone(options: StandaloneOptions): Promise<RunningServer> {
  const cleanups: (() => Promise<void> | void)[] = []
  try {
    return await start(options, cleanups)
  } catch (error) {
    for (const cleanup of cleanups.toReversed()) await cleanup()
    throw error
  }
}

async function start(options: StandaloneOptions, cleanups: (() => Promise<void> | void)[]): Promise<RunningServer> {
  holdYoungGeneration()
  const { log } = options
  const { config } = options.loaded
  const clock = systemClock
  const timers = systemTimers
  const ids = randomIds()
  const limits = systemLimits(config)
  const loopback = isLoopback(config.host)
  const reportFault = (error: unknown, transactionId: TransactionId): void =>
    log.error({ error, transactionId }, 'a request failed')
  let stopping: Promise<void> | undefined
  let disabled = false

  const stores = await openSqliteStores({
    dataDir: config.dataDir,
    clock,
    journalSynchronous: config.journal.synchronous,
    journalMaxEntries: config.journal.maxEntries,
    journalMaxBytes: config.journal.maxBytes,
    onProblem: (error) => log.warn({ error }, 'housekeeping of the stores failed'),
  })
  cleanups.push(() => stores.close())
  const { artifacts, activations } = stores
  const keys = parameterKeys(config)
  const cipher = createParameterCipher({ current: parameterScheme(config), keys })
  const writer = new ActivationWriter({
    store: activations,
    spool: new ActivationSpool({ directory: config.dataDir }),
    wal: new ActivationWal({ directory: config.dataDir }),
    clock,
    timers,
    flushIntervalMs: config.activations.flushIntervalMs,
    maxPendingBytes: config.activations.maxPendingBytes,
    onProblem: (error) => log.warn({ error }, 'activation records could not be stored'),
  })
  await writer.start(REPLAY_WAIT_MS)
  const newKeys = await bootstrapSubjects(
    { store: artifacts, credentials: randomCredentials(), changed: () => undefined },
    { loopback },
  )

  const servers: Server[] = []
  let listener: Listener = refuseUntilReady
  const listen = async (host: string, port: number): Promise<number> => {
    const server = createHttpServer((req, res) => listener(req, res), {
      headersTimeoutMs: config.http.headersTimeoutMs,
      requestTimeoutMs: config.http.requestTimeoutMs,
      keepAliveMs: config.http.keepAliveTimeoutMs,
      checkIntervalMs: 5000,
      maxConnections: config.http.maxConnections,
    })
    const bound = await listenOnTcp(server, host, port)
    servers.push(server)
    return bound
  }
  cleanups.push(() => servers.forEach((server) => server.close().closeAllConnections()))
  // Before the containers: they are told the port, and a port in use is found out before anything was started.
  const port = await listen(config.host, config.port)
  const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`

  const containers = await openContainers({
    config,
    log,
    clock,
    timers,
    path: options.path,
    runDir: runDirectory(config.dataDir),
    apiHost: config.containers.apiHost || url.replace(/0\.0\.0\.0|\[::\]/, '127.0.0.1'),
    loopback,
    maxAnswerBytes: limits.payloadBytes,
  })
  const { factory, manifest, host, apiAddress } = containers
  cleanups.push(() => containers.stop())
  if (apiAddress !== undefined && !isWildcard(config.host)) await listen(apiAddress, port)

  const registry = new MetricsRegistry()
  const observe = observeOperations(registry, factory.provider)
  const { pool, proxies, nodesChanged } = openPool({
    config,
    limits,
    factory: measuredFactory(factory, clock, observe),
    manifest,
    clock,
    timers,
    ids,
    log,
  })
  cleanups.push(() => {
    pool.stop()
    proxies.stop()
  })
  const entitlement = await openEntitlement(config.entitlement.provider)
  const router = openRouter({
    config,
    limits,
    artifacts,
    cipher,
    entitlement,
    journal: stores.journal,
    writer,
    control: pool,
    runsImages: containers.blackbox,
    endpointOf: (id) => proxies.find(id),
    manifest,
    userMetrics: new UserMetrics(registry),
    isStopping: () => disabled || stopping !== undefined,
    clock,
    timers,
    ids,
    log,
  })
  const health = new HealthRegistry({ clock })
  const management = createManagement({
    artifacts,
    cipher,
    activations: writer,
    authenticate: router.invokeDeps.authenticate,
    entitlement,
    sharedPackagesExecuteOnly: config.entitlement.sharedPackagesExecuteOnly,
    manifest,
    system: limits,
    body: router.invokeDeps.bodyLimits,
    clock,
    ids,
    changed: (change) => router.invalidate(change),
    build: { date: options.installedAt, number: options.version },
    operator: config.controller,
    disable: () => {
      disabled = true
      health.drain('disabled')
      log.warn({}, 'disabled: nothing new is accepted until the next start')
    },
    operations: {
      invokers: () =>
        containers.invokers?.() ?? factory.nodes().map(({ schedulable }, number) => ({ number, up: schedulable })),
      runningActivations: () => proxies.activations(),
    },
    reportFault,
  })
  const seeding = config.systemPackages
    ? startSeeding({
        artifacts,
        manifest,
        system: limits,
        clock,
        timers,
        log,
        changed: (change) => router.invalidate(change),
      })
    : undefined
  cleanups.push(() => seeding?.stop())

  health.add('artifact store', () => artifacts.probe())
  health.add('journal', () => stores.journal.probe())
  health.add('activation store', () => {
    if (writer.problem !== undefined) throw new Error(writer.problem)
  })
  registerStandaloneMetrics(registry, {
    ...router,
    factory,
    journalStore: stores.journal,
    cipher,
    management,
    pool,
    proxies,
    writer,
  })
  containers.register(health, registry)
  const processMetrics = registerProcessMetrics(registry)
  cleanups.push(() => processMetrics.stop())
  const changed: NotifyChange = (change) => router.invalidate(change)
  const admin = createAdminApi({
    administration: createUserAdministration({ store: artifacts, credentials: randomCredentials(), changed }),
    namespaces: createNamespaceAdministration({ store: artifacts, system: limits, changed }),
    routes: { ...parameterRoutes({ store: artifacts, cipher, keys, changed }), ...containers.routes },
    audit: (entry) => log.info(entry, 'administration'),
    metrics: () => registry.render(),
    readiness: async () => {
      const { reasons } = await health.readiness()
      return [
        ...reasons.map(({ name, reason }) => ({ name, reason, ready: false })),
        ...containers.notes().map(({ name, reason }) => ({ name, reason, ready: true })),
      ]
    },
    pool: () => pool.inspect(),
    config: () => configJson(options.loaded),
    ids,
    reportFault,
  })
  // Not among those that a drain closes first: probes are told what is going on until the end.
  const internal: Server[] = []
  cleanups.push(() => internal.forEach((server) => server.close().closeAllConnections()))
  const adminSocket = await listenForOperators(config, internal, ids, (req, res) => admin.handle(req, res))

  await pool.start()
  containers.watchNodes?.(nodesChanged)
  proxies.start()
  router.dispatcher.start()
  router.journal.start()
  const retention = startRetention({ activations, config, clock, log })
  cleanups.push(() => retention.stop())
  cleanups.push(releaseYoungGeneration())

  const verbose = log.verbose()
  const exchangeOf = (req: IncomingMessage, res: ServerResponse): Exchange => {
    const transactionId = transactionIdOf(req, ids)
    if (!log.debugEnabled && !wantsExtraLogging(req.headers)) return { req, res, tid: transactionId, debug: undefined }
    const debug: Exchange['debug'] = (fields, message) => verbose.debug({ transactionId, ...fields }, message)
    return { req, res, tid: transactionId, debug }
  }
  const webDeps = { ...router.webDeps, reportFault }
  const { webDomain } = config.http
  listener = (req, res) => {
    req.url = withoutDotSegments(req.url ?? '/')
    if (webDomain !== '') req.url = vanityTarget(webDomain, req.headers.host, req.url)
    const exchange = exchangeOf(req, res)
    if (exchange.debug !== undefined) logRequest(exchange, clock)
    const invocation = req.method === 'POST' ? matchInvocation(req.url ?? '/') : undefined
    if (invocation === undefined) return handleOthers(exchange)
    handleInvoke(exchange, invocation, router.invokeDeps).catch((error: unknown) =>
      sendError(exchange, error, reportFault),
    )
  }

  function handleOthers(exchange: Exchange): void {
    const { method, url = '/' } = exchange.req
    const trigger = method === 'POST' ? matchFire(url) : undefined
    if (trigger !== undefined) {
      handleFire(exchange, trigger, router.fireDeps).catch((error: unknown) => sendError(exchange, error, reportFault))
      return
    }
    const webTarget = matchWeb(url)
    if (webTarget === undefined) management.handle(exchange)
    else void handleWeb(exchange, webTarget, webDeps)
  }

  return {
    url,
    adminSocket,
    dataDir: config.dataDir,
    loopback,
    newKeys,
    ...host,
    stop(reason) {
      const { dispatcher, journal } = router
      const { graceMs } = config.shutdown
      stopping ??= drain({ reason, log, health, servers, dispatcher, journal, writer, clock, graceMs, cleanups })
      return stopping
    },
  }
}

/** One line a request, at its end. Without the query, which may hold what nobody should read. */
function logRequest({ req, res, debug }: Exchange, clock: Clock): void {
  const began = clock.monotonic()
  const [path] = (req.url ?? '').split('?', 1)
  res.once('close', () => {
    const ms = Math.round(clock.monotonic() - began)
    debug?.({ method: req.method, path, status: res.statusCode, ended: res.writableEnded, ms }, 'request')
  })
}

/** The port is held while the containers are prepared; whoever comes too early is told so. */
function refuseUntilReady(_req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(503, { 'Retry-After': '1', Connection: 'close' })
  res.end()
}
