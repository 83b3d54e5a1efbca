/**
 * The `docker` provider: containers of images on a Docker Engine, spoken to over HTTP on a bridge network of their own. The engine's list is the truth;
 * what happens to containers is heard from its events.
 */

import type { Clock, Timers } from '../../model/clock.ts'
import type { Deadline } from '../../model/deadline.ts'
import { deadlineIn, remainingMs } from '../../model/deadline.ts'
import type { ContainerId } from '../../model/ids.ts'
import type { ContainerFactory, ContainerListing, ContainerSpec } from '../container-factory.ts'
import { ContainerStartError } from '../container-factory.ts'
import { findApi } from '../host/network-addresses.ts'
import type { StartGate } from '../host/start-gate.ts'
import { createStartGate } from '../host/start-gate.ts'
import { bounded } from './bounded.ts'
import { knownContainers } from '../known-containers.ts'
import type { ContainerNetwork } from './container-network.ts'
import { openContainerNetwork } from './container-network.ts'
import type { DockerContainer } from './docker-container.ts'
import type { EngineInfo, EngineVersion, ListedContainer } from './engine-answers.ts'
import type { EngineClient } from './engine-client.ts'
import type { EngineWatch } from './engine-watch.ts'
import { watchEngine } from './engine-watch.ts'
import type { ImageStore, PullReport } from './image-store.ts'
import { createImageStore } from './image-store.ts'
import { createLeftBehind } from './left-behind.ts'
import type { Relabelled } from './listed-labels.ts'
import { containerIdOf, poolLabels } from './listed-labels.ts'
import type { Reach } from './reach.ts'
import type { DockerFactorySettings, DockerLog } from './settings.ts'
import { CONCURRENT_LABEL, ID_LABEL, INSTANCE_LABEL } from './settings.ts'
import type { ContainerPause, StartDeps } from './start-container.ts'
import { adoptContainer, startContainer } from './start-container.ts'

export interface DockerContainerFactoryOptions {
  readonly client: EngineClient
  readonly settings: DockerFactorySettings
  readonly clock: Clock
  readonly timers: Timers
  readonly log: DockerLog
  /** How to tell the images of kinds from those of users, and those whose runs end with sentinels. */
  readonly isRuntimeImage: (spec: Pick<ContainerSpec, 'kind' | 'image'>) => boolean
  readonly isSentinelled: (spec: Pick<ContainerSpec, 'kind' | 'image'>) => boolean
  readonly relabelled: Relabelled
  /** Made once the engine is known; undefined: containers are not suspended. */
  readonly choosePause: (engine: EngineFacts) => Promise<ContainerPause | undefined>
  /** How the containers of this engine are reached. */
  readonly reach: (info: EngineInfo) => Reach
  /** Finds programs of the host, for the packet filter; default: in the system's directories. */
  readonly findTool?: (name: string) => string | undefined
  /** Told of images that are used or were pulled. */
  readonly imageUsed?: (image: string, pulled: boolean) => void
}

export interface EngineFacts {
  readonly version: EngineVersion
  readonly info: EngineInfo
}

/** Numbers for telemetry; counters only grow. */
export interface DockerFactoryMetrics {
  readonly containers: number
  readonly startsWaiting: number
  readonly startsUnderWay: number
  readonly engineLosses: number
  started: number
  adopted: number
  startFailures: number
  outOfMemory: number
}

export interface DockerContainerFactory extends ContainerFactory {
  readonly provider: 'docker'
  readonly metrics: DockerFactoryMetrics
  readonly images: ImageStore
  /** Why the engine can not be used now; undefined while it can. */
  problem(): string | undefined
  /** Asks the engine whether it is there: one that hangs does not close its connections. Rejects with why not. */
  probe(): Promise<void>
  /** What is known of the engine; throws before `start`. */
  engine(): EngineFacts
  /** Address at which containers reach this host: the API must listen there as well. Undefined where it does so already. */
  apiAddress(): string | undefined
  /** Why containers may reach ports of this host; undefined when they cannot. */
  unguarded(): string | undefined
  pulls(): readonly PullReport[]
}

interface Prepared {
  readonly facts: EngineFacts
  readonly network: ContainerNetwork
  readonly watch: EngineWatch
  readonly start: StartDeps
  readonly node: string
  readonly canSuspend: boolean
}

const SHARE_OF_MEMORY = 0.8
const MB = 1024 * 1024
const STOP_MS = 30_000

/** Makes the factory; nothing happens on the engine before `start`. */
export function createDockerContainerFactory(options: DockerContainerFactoryOptions): DockerContainerFactory {
  const { client, settings, clock, timers, log } = options
  const containers = knownContainers<DockerContainer>()
  /** Containers by the engine's id, for its events. */
  const running = new Map<string, DockerContainer>()
  /** Containers that are being started, by the engine's id: told when it ends before it listens. */
  const starting = new Map<string, () => void>()
  const leftBehind = createLeftBehind(client, log)
  const gate: StartGate = createStartGate(settings.parallelStarts, clock)
  const images = createImageStore({
    client,
    settings: settings.images,
    clock,
    log,
    used: options.imageUsed ?? (() => undefined),
  })
  let prepared: Prepared | undefined
  let stopped = false
  const metrics: DockerFactoryMetrics = {
    get containers() {
      return containers.size
    },
    get startsWaiting() {
      return gate.waiting
    },
    get startsUnderWay() {
      return gate.underWay
    },
    get engineLosses() {
      return prepared?.watch.losses ?? 0
    },
    started: 0,
    adopted: 0,
    startFailures: 0,
    outOfMemory: 0,
  }

  const on = (): Prepared => {
    if (prepared === undefined) throw new ContainerStartError('startFailed', 'the container factory is not started')
    return prepared
  }

  /** Every container of this platform on the engine, whatever its state. */
  const listed = (): Promise<readonly ListedContainer[]> =>
    client.listContainers([`${INSTANCE_LABEL}=${settings.instance}`])

  async function start(spec: ContainerSpec, deadline: Deadline): Promise<DockerContainer> {
    const { watch, start } = on()
    if (watch.problem !== undefined) throw new ContainerStartError('startFailed', watch.problem)
    try {
      const within = { at: Math.min(deadline.at, deadlineIn(settings.startTimeoutMs, clock).at) }
      const existing = adoptable.get(spec.id)
      adoptable.delete(spec.id)
      const container =
        existing === undefined
          ? await startContainer(spec, within, start)
          : await adoptContainer(spec, existing, within, start)
      if (existing === undefined) metrics.started++
      else metrics.adopted++
      running.set(container.engineId, container)
      starting.delete(container.engineId)
      return container
    } catch (error) {
      metrics.startFailures++
      throw error
    }
  }

  /** Containers of an earlier process that hold an idle action: the engine's id by ours. */
  const adoptable = new Map<ContainerId, string>()

  /** Only what was suspended is known to have been idle when its platform ended: it may hold its action, and nothing runs in it. */
  async function wasIdle({ engineId, state, labels }: ListedContainer): Promise<boolean> {
    // Whether its runtime agreed to let runs overlap was said at its init, to a process that is no more.
    if (labels[CONCURRENT_LABEL] !== undefined) return false
    if (state === 'paused') return true
    if (state !== 'running') return false
    const { pid } = await client.inspectContainer(engineId).catch(() => ({ pid: 0 }))
    return pid > 0 && on().start.pause.isFrozen({ containerId: engineId, pid }) === true
  }

  /** Removes a container that there is no handle for; whatever froze it, it is thawed first. */
  async function removeStranger({ engineId, state }: ListedContainer): Promise<void> {
    if (state === 'running' || state === 'paused') {
      const { pid } = await client.inspectContainer(engineId).catch(() => ({ pid: 0 }))
      await on().start.pause.thawLeftover({ containerId: engineId, pid }, state === 'paused')
    }
    await client.removeContainer(engineId)
  }

  /** After an outage: whoever ended meanwhile is told so, and removals that failed are made up for. */
  async function compare(): Promise<void> {
    // Whoever starts to run while the list is made may be missing in it.
    const before = [...running]
    const found = new Map((await listed()).map((container) => [container.engineId, container.state]))
    for (const [engineId, container] of before) {
      const state = found.get(engineId)
      if (state !== 'running' && state !== 'paused') container.exited(undefined)
    }
    await prepared?.network.guard()
    void leftBehind.removeNow()
  }

  /** Labels that an earlier process noted: its containers may have gone while nobody was there to forget them. */
  const ofEarlier = new Set(options.relabelled.entries.keys())

  function forgetLabelsOfGone(present: readonly ListedContainer[]): void {
    const ids = new Set(present.map(({ engineId }) => engineId))
    for (const engineId of ofEarlier) {
      if (!ids.has(engineId)) options.relabelled.entries.delete(engineId)
      ofEarlier.delete(engineId)
    }
  }

  return {
    provider: 'docker',
    canResize: true,
    get canSuspend() {
      return prepared?.canSuspend === true
    },
    metrics,
    images,
    problem: () => (prepared === undefined ? 'the container factory is not started' : prepared.watch.problem),
    async probe() {
      const { problem } = on().watch
      if (problem !== undefined) throw new Error(problem)
      await client.ping()
    },
    engine: () => on().facts,
    apiAddress: () => on().network.apiAddress,
    unguarded: () => on().network.unguarded,
    pulls: () => images.pulls(),
    async start() {
      if (prepared !== undefined) return
      const version = await client.connect()
      const facts = { version, info: await client.info() }
      const network = await openContainerNetwork({
        client,
        name: settings.networkName,
        mode: settings.network,
        instance: settings.instance,
        api: await findApi(settings.apiHost),
        byAddress: options.reach(facts.info).type === 'address',
        log,
        ...(options.findTool !== undefined && { findTool: options.findTool }),
      })
      const watch = await watchEngine({
        client,
        labels: [`${INSTANCE_LABEL}=${settings.instance}`],
        onEvent(event) {
          if (event.action === 'oom') return
          running.get(event.engineId)?.exited(event.exitCode)
          starting.get(event.engineId)?.()
          starting.delete(event.engineId)
        },
        onConnected: compare,
        log,
      })
      const pause = await options.choosePause(facts)
      const node = settings.nodeName || facts.info.name
      prepared = {
        facts,
        network,
        watch,
        node,
        canSuspend: pause !== undefined,
        start: {
          client,
          settings,
          clock,
          timers,
          log,
          images,
          gate,
          network,
          node,
          capacity: capacityOf(facts.info, settings),
          pause: pause ?? NO_PAUSE,
          reach: options.reach(facts.info),
          isRuntimeImage: options.isRuntimeImage,
          isSentinelled: options.isSentinelled,
          relabelled: options.relabelled,
          initMissing: { seen: false },
          whenDead(engineId, callback) {
            starting.set(engineId, callback)
            return () => void starting.delete(engineId)
          },
          leftBehind,
        },
      }
    },
    create(spec, deadline) {
      const begin = (): Promise<DockerContainer> =>
        stopped
          ? Promise.reject(new ContainerStartError('startFailed', 'the container factory is stopped'))
          : start(spec, deadline)
      return containers.start(spec.id, begin, (container, end) => {
        if (end.cause === 'outOfMemory') metrics.outOfMemory++
        running.delete(container.engineId)
      })
    },
    async list() {
      const { node } = on()
      const all = await listed()
      forgetLabelsOfGone(all)
      const listings = all.map(async (found): Promise<readonly ContainerListing[]> => {
        const id = containerIdOf(found)
        if (id === undefined || found.state === 'removing') return []
        const labels = poolLabels(found, options.relabelled)
        if (containers.has(id)) return [{ id, node, labels, adoptable: true }]
        const idle = await wasIdle(found)
        if (idle) adoptable.set(id, found.engineId)
        return [{ id, node, labels, adoptable: idle }]
      })
      return (await Promise.all(listings)).flat()
    },
    async remove(id) {
      const known = containers.get(id)
      const container = await known?.catch(() => undefined)
      if (container !== undefined) return container.destroy()
      adoptable.delete(id)
      const found = await client.listContainers([`${INSTANCE_LABEL}=${settings.instance}`, `${ID_LABEL}=${id}`])
      for (const stranger of found) await removeStranger(stranger)
    },
    nodes() {
      const { node, start } = on()
      return [{ node, capacity: { ...start.capacity, ...settings.resources }, schedulable: true }]
    },
    async stop() {
      if (stopped) return
      stopped = true
      const deadline = deadlineIn(STOP_MS, clock)
      await bounded(STOP_MS, containers.destroyAll())
      await bounded(remainingMs(deadline, clock), leftBehind.removeNow())
      if (leftBehind.size > 0) log.warn({ containers: leftBehind.size }, 'containers are left on the Docker Engine')
      leftBehind.stop()
      prepared?.watch.stop()
      if (prepared !== undefined && remainingMs(deadline, clock) > 0) {
        await prepared.network
          .close()
          .catch((error: unknown) => log.warn({ error }, 'the network is left on the engine'))
      }
      await client.close()
    },
  }
}

const NO_PAUSE: ContainerPause = {
  suspend: () => Promise.reject(new Error('containers are not suspended here')),
  resume: () => undefined,
  thaw: () => Promise.resolve(true),
  thawLeftover: () => Promise.resolve(true),
  forget: () => undefined,
  isFrozen: () => undefined,
}

function capacityOf(
  info: EngineInfo,
  settings: DockerFactorySettings,
): { readonly memoryMb: number; readonly cpuMilli: number } {
  return {
    memoryMb: settings.memoryMb > 0 ? settings.memoryMb : Math.floor((info.memoryBytes / MB) * SHARE_OF_MEMORY),
    cpuMilli: settings.cpuMilli > 0 ? settings.cpuMilli : info.cpus * 1000,
  }
}
