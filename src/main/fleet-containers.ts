/** The containers of a fleet: the listener that invokers register at, what the fleet can run, and the factory over all of them. */

import { join } from 'node:path'
import type { Config } from '../config/schema.ts'
import { openInvokerNumbers } from '../containers/invokers/invoker-numbers.ts'
import type { InvokersContainerFactory } from '../containers/invokers/invokers-container-factory.ts'
import { createInvokersContainerFactory } from '../containers/invokers/invokers-container-factory.ts'
import { createRegistrationServer } from '../containers/invokers/registration-server.ts'
import { readManifest, withStemCells } from '../containers/read-manifest.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import type { ContainersOptions, OpenedContainers } from './containers.ts'
import { closeServer, hasToken, listenOnTcp, splitAddress } from './listeners.ts'

/** Listens for invokers. Rejects with a message that says how to mend it. */
export async function openFleetContainers(options: ContainersOptions): Promise<OpenedContainers> {
  const { config, log, clock, timers } = options
  const { invokers, runtimes, containers } = config
  const found = readManifest(runtimes.manifest === '' ? undefined : runtimes.manifest)
  const manifest = { ...found, kinds: withStemCells(found.kinds, containers.stemCells) }
  const factory = createInvokersContainerFactory({
    numbers: await openInvokerNumbers(join(config.dataDir, 'invokers.json')),
    leaseMs: invokers.leaseMs,
    clock,
    timers,
    log,
  })
  const { host, port } = splitAddress(invokers.listen)
  const server = createRegistrationServer({
    isAllowed: (req) => hasToken(req, invokers.token),
    maxMessageBytes: maxMessageBytes(config),
    accept: (socket) => factory.accept(socket),
  })
  const bound = await listenOnTcp(server, host, port)
  log.info({ listen: `${host}:${bound}` }, 'invokers register here')
  return {
    factory,
    async stop() {
      await factory.stop()
      server.closeAllConnections()
      await closeServer(server)
    },
    manifest,
    host: {
      protections: { level: 'invokers', root: false, network: containers.network, protections: [], rejected: [] },
      kinds: manifest.kinds.map(({ kind }) => kind),
      absent: [],
    },
    apiAddress: undefined,
    blackbox: config.docker.blackbox,
    routes: { invokers: { GET: () => factory.invokers() } },
    notes: () => [],
    register(health, metrics) {
      health.add('invokers', () => {
        if (!factory.invokers().some(({ state }) => state === 'up')) throw new Error(noInvoker(factory))
      })
      observeFleet(factory, metrics)
    },
    watchNodes(changed) {
      factory.onChange = changed
    },
    invokers: () => factory.invokers().map(({ number, state }) => ({ number, up: state === 'up' })),
  }
}

/** Bytes of one message: an init has the code of an action, a run its arguments, and both some around it. */
export function maxMessageBytes({ limits }: Pick<Config, 'limits'>): number {
  return 2 * limits.requestBytes + 1024 * 1024
}

function noInvoker(factory: InvokersContainerFactory): string {
  const away = factory.invokers().filter(({ state }) => state === 'away')
  const known = away.length === 0 ? '' : `; away: ${away.map(({ node }) => node).join(', ')}`
  return `no invoker is registered: start \`stave invoker\` on a node${known}`
}

function observeFleet(factory: InvokersContainerFactory, metrics: MetricsRegistry): void {
  metrics.observe('gauge', 'stave_invokers', 'Invokers that were ever registered, by what they are now.', () => {
    const states = { up: 0, leaving: 0, away: 0 }
    for (const { state } of factory.invokers()) states[state]++
    return Object.entries(states).map(([state, value]) => ({ labels: { state }, value }))
  })
  metrics.observe('counter', 'stave_invokers_total', 'Registrations of invokers, and how they ended.', () => {
    const { registered, replaced, released, lost } = factory.metrics
    return Object.entries({ registered, replaced, released, lost }).map(([event, value]) => ({
      labels: { event },
      value,
    }))
  })
}
