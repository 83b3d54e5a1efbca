/**
 * The role `invoker`: the containers of one node, by the provider that its configuration names, served to the control plane that it registers with. It has no
 * API of its own and keeps nothing but what its provider leaves in the data directory.
 */

import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { hostname } from 'node:os'
import { splitTarget } from '../api/request-target.ts'
import { sendError } from '../api/respond.ts'
import { transactionIdOf } from '../api/transaction-id.ts'
import { systemLimits } from '../config/limits.ts'
import type { LoadedConfig } from '../config/load.ts'
import { runDirectory } from '../config/runtime-paths.ts'
import type { Config } from '../config/schema.ts'
import type { Membership } from '../containers/invokers/membership.ts'
import { join } from '../containers/invokers/membership.ts'
import { createNodeContainers } from '../containers/invokers/node-containers.ts'
import { lookInside } from '../management/look-inside.ts'
import { systemClock, systemTimers } from '../model/clock.ts'
import { deadlineIn } from '../model/deadline.ts'
import type { TransactionId } from '../model/ids.ts'
import { randomIds } from '../model/ids.ts'
import { HealthRegistry } from '../telemetry/health.ts'
import type { Logger } from '../telemetry/logger.ts'
import { MetricsRegistry } from '../telemetry/metrics.ts'
import { registerProcessMetrics } from '../telemetry/process-metrics.ts'
import type { HostReport, OpenedContainers } from './containers.ts'
import { openContainers } from './containers.ts'
import { maxMessageBytes } from './fleet-containers.ts'
import { listenForOperators } from './listen-for-operators.ts'

export interface InvokerOptions {
  readonly loaded: LoadedConfig
  readonly log: Logger
  /** `PATH` of the environment: where interpreters are looked for. */
  readonly path: string
}

/** An invoker that dials its control plane. */
export interface RunningInvoker extends HostReport {
  readonly node: string
  readonly adminSocket: string | undefined
  readonly dataDir: string
  /** Resolves with why, when another process of its name has taken its place. */
  readonly replaced: Promise<string>
  /** Leaves in order, within the grace period, and removes its containers. Idempotent. */
  stop(reason: string): Promise<void>
}

/** Share of the grace period for what its containers have under way; the rest is for removing them. */
const LEAVE_SHARE = 0.8
/** The API of a control plane whose address does not say another one. */
const API_PORT = 3233

/** Starts the containers of this node and begins to dial. Rejects with a message for the operator; nothing is left then. */
export async function startInvoker({ loaded, log, path }: InvokerOptions): Promise<RunningInvoker> {
  const { config } = loaded
  const url = requireInvoker(config)
  const clock = systemClock
  const timers = systemTimers
  const ids = randomIds()
  const limits = systemLimits(config)
  makeDataDirectory(config.dataDir)
  const containers = await openContainers({
    config,
    log,
    clock,
    timers,
    path,
    runDir: runDirectory(config.dataDir),
    apiHost: config.containers.apiHost || apiOf(url),
    // Others than this host's users call these actions.
    loopback: false,
    maxAnswerBytes: limits.payloadBytes,
  })
  const servers: Server[] = []
  let membership: Membership | undefined
  let stopping: Promise<void> | undefined
  try {
    const { factory } = containers
    const node = config.nodeName || hostname()
    const own = createNodeContainers(factory, clock)
    const joined = join({
      url,
      token: config.invokers.token,
      node,
      incarnation: randomUUID(),
      kinds: containers.blackbox ? [...containers.host.kinds, 'blackbox'] : containers.host.kinds,
      factory,
      containers: own,
      leaseMs: config.invokers.leaseMs,
      maxMessageBytes: maxMessageBytes(config),
      clock,
      timers,
      log,
      random: Math.random,
    })
    membership = joined
    const health = new HealthRegistry({ clock })
    const registry = new MetricsRegistry()
    health.add('control plane', () => {
      if (joined.problem !== undefined) throw new Error(joined.problem)
    })
    containers.register(health, registry)
    observeInvoker(registry, containers, joined)
    const processMetrics = registerProcessMetrics(registry)
    const adminSocket = await listenForOperators(config, servers, ids, answerer(health, registry, containers, log))
    return {
      node,
      adminSocket,
      dataDir: config.dataDir,
      replaced: joined.replaced,
      ...containers.host,
      stop(reason) {
        stopping ??= leave(reason)
        return stopping
      },
    }

    async function leave(reason: string): Promise<void> {
      log.info({ reason, containers: own.size }, 'stopping: nothing new is accepted')
      health.drain(reason)
      await joined.leave(deadlineIn(config.shutdown.graceMs * LEAVE_SHARE, clock))
      if (own.size > 0)
        log.warn({ containers: own.size }, 'containers were still in use at the end of the grace period')
      joined.stop()
      await containers.stop()
      processMetrics.stop()
      for (const server of servers) server.close().closeAllConnections()
      log.info({}, 'stopped')
    }
  } catch (error) {
    membership?.stop()
    await containers.stop()
    for (const server of servers) server.close().closeAllConnections()
    throw error
  }
}

function requireInvoker({ invokers, containers }: Config): string {
  if (containers.provider === 'invokers')
    throw new Error('containers.provider: an invoker makes containers itself: use process or docker')
  if (invokers.url === '')
    throw new Error('invokers.url is not set: the control plane’s address, ws://HOST:PORT (STAVE_INVOKERS_URL)')
  if (invokers.token === '')
    throw new Error(
      'invokers.token is not set: the secret of the control plane’s configuration (STAVE_INVOKERS_TOKEN_FILE)',
    )
  return invokers.url
}

function makeDataDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`the data directory cannot be made: ${reason}: choose another one with --data-dir (OW001)`, {
      cause: error,
    })
  }
}

function apiOf(url: string): string {
  return `http://${new URL(url).hostname}:${API_PORT}`
}

function observeInvoker(registry: MetricsRegistry, { factory }: OpenedContainers, membership: Membership): void {
  const gauge = (name: string, help: string, read: () => number): void => registry.observe('gauge', name, help, read)
  gauge('stave_invoker_registered', 'Whether the control plane knows this invoker.', () =>
    membership.number === undefined ? 0 : 1,
  )
  registry.observe('counter', 'stave_invoker_losses_total', 'Connections to the control plane that were lost.', () => [
    { labels: {}, value: membership.losses },
  ])
  const { metrics } = factory
  gauge('stave_factory_containers', 'Containers that the factory holds.', () => metrics.containers)
  gauge('stave_factory_starts_waiting', 'Container starts that wait for their turn.', () => metrics.startsWaiting)
  gauge('stave_factory_starts', 'Container starts under way.', () => metrics.startsUnderWay)
}

function answerer(
  health: HealthRegistry,
  registry: MetricsRegistry,
  containers: OpenedContainers,
  log: Logger,
): (req: IncomingMessage, res: ServerResponse) => void {
  const ids = randomIds()
  const inside = {
    metrics: () => registry.render(),
    async readiness() {
      const { reasons } = await health.readiness()
      return [
        ...reasons.map(({ name, reason }) => ({ name, reason, ready: false })),
        ...containers.notes().map(({ name, reason }) => ({ name, reason, ready: true })),
      ]
    },
  }
  const reportFault = (error: unknown, transactionId: TransactionId): void =>
    log.error({ error, transactionId }, 'a request failed')
  return (req, res) => {
    const exchange = { req, res, tid: transactionIdOf(req, ids) }
    lookInside(exchange, splitTarget(req.url ?? '/').path, inside).catch((error: unknown) =>
      sendError(exchange, error, reportFault),
    )
  }
}
