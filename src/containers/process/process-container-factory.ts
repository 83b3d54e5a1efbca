/**
 * The `process` provider: containers are sandboxed processes of this host that speak ActionLoop on pipes.
 * It needs no daemon and no image; what protects the host from them is decided once at start (see prepare-host.ts).
 */

import { availableParallelism, hostname } from 'node:os'
import type { Clock } from '../../model/clock.ts'
import type { Deadline } from '../../model/deadline.ts'
import type { Container, ContainerFactory, ContainerSpec } from '../container-factory.ts'
import { ContainerStartError } from '../container-factory.ts'
import { knownContainers } from '../known-containers.ts'
import { isSafeId, recordId } from './container-record.ts'
import { removeLeftover } from './leftovers.ts'
import { prepareHost } from './prepare-host.ts'
import { startContainer } from './process-container.ts'
import type { Protections } from '../protections.ts'
import { protectionsLine } from '../protections.ts'
import type { RuntimeLauncher } from './runtime-launcher.ts'
import type { PreparedHost, SandboxHost } from './sandbox-host.ts'
import type { FactoryLog, ProcessFactorySettings } from './settings.ts'
import type { StartGate } from '../host/start-gate.ts'
import { createStartGate } from '../host/start-gate.ts'
import type { ProcessStarter } from './started-process.ts'

export interface ProcessContainerFactoryOptions {
  /** Kind to launcher; kinds that are not in it cannot be started. */
  readonly runtimes: ReadonlyMap<string, RuntimeLauncher>
  /** Names the control groups: leftovers are told apart by it. */
  readonly dataDir: string
  /** Private to the platform and this host: roots, mount tables, records of containers. */
  readonly runDir: string
  readonly settings: ProcessFactorySettings
  readonly clock: Clock
  readonly log: FactoryLog
  /** Starts containers of kinds that have a zygote; `direct` is the way without one. Called once a kind, at its first container. */
  readonly zygote?: (launcher: RuntimeLauncher, host: SandboxHost, direct: ProcessStarter) => ProcessStarter
}

/** Numbers for telemetry; counters only grow. */
export interface ProcessFactoryMetrics {
  readonly containers: number
  readonly startsWaiting: number
  readonly startsUnderWay: number
  started: number
  startFailures: number
  outOfMemory: number
}

export interface ProcessContainerFactory extends ContainerFactory {
  readonly provider: 'process'
  readonly metrics: ProcessFactoryMetrics
  /** What protects the host; throws before `start`. */
  protections(): Protections
  /** Address at which containers with an isolated network reach this host: the API must listen there as well. Undefined in the other modes. */
  apiAddress(): string | undefined
}

/** Makes the factory; nothing happens on the host before `start`. */
export function createProcessContainerFactory(options: ProcessContainerFactoryOptions): ProcessContainerFactory {
  const { settings, clock, log, runtimes } = options
  const node = settings.nodeName || hostname()
  const containers = knownContainers()
  const zygotes = new Map<string, ProcessStarter>()
  const gate: StartGate = createStartGate(settings.maxConcurrentStarts || availableParallelism(), clock)
  let host: PreparedHost | undefined
  const metrics: ProcessFactoryMetrics = {
    get containers() {
      return containers.size
    },
    get startsWaiting() {
      return gate.waiting
    },
    get startsUnderWay() {
      return gate.underWay
    },
    started: 0,
    startFailures: 0,
    outOfMemory: 0,
  }

  const prepared = (): PreparedHost => {
    if (host === undefined) throw new ContainerStartError('startFailed', 'the container factory is not started')
    return host
  }

  const starterOf = (launcher: RuntimeLauncher, on: SandboxHost): ProcessStarter => {
    if (launcher.zygote === undefined || options.zygote === undefined) return on.starter
    const known = zygotes.get(launcher.kind)
    if (known !== undefined) return known
    const made = options.zygote(launcher, on, on.starter)
    zygotes.set(launcher.kind, made)
    return made
  }

  const start = async (spec: ContainerSpec, deadline: Deadline): Promise<Container> => {
    const on = prepared()
    const launcher = runtimes.get(spec.kind)
    if (launcher === undefined) throw new ContainerStartError('imageNotFound', `no runtime for the kind ${spec.kind}`)
    if (!isSafeId(spec.id)) throw new ContainerStartError('startFailed', 'the container id is not fit for a path')
    const leave = await gate.enter(deadline)
    try {
      const container = await startContainer(on, starterOf(launcher, on), spec, launcher, deadline, node)
      metrics.started++
      return container
    } catch (error) {
      metrics.startFailures++
      throw error
    } finally {
      leave()
    }
  }

  return {
    provider: 'process',
    canSuspend: true,
    get canResize() {
      return host?.cgroups?.controls.memory === true
    },
    metrics,
    protections: () => prepared().protections,
    apiAddress: () => host?.networks.apiAddress,
    async start() {
      if (host !== undefined) return
      host = await prepareHost({
        ...options,
        launchers: [...runtimes.values()],
        isStarting: () => gate.underWay > 0,
      })
      const line = protectionsLine(host.protections)
      if (host.level === 'none') log.warn({ protections: host.protections }, `ACTIONS RUN WITHOUT A SANDBOX: ${line}`)
      else log.info({}, line)
    },
    create: (spec, deadline) =>
      containers.start(
        spec.id,
        () => start(spec, deadline),
        (_container, end) => {
          if (end.cause === 'outOfMemory') metrics.outOfMemory++
        },
      ),
    list() {
      const { records } = prepared()
      const listings = records.ids().flatMap((name) => {
        const id = recordId(name)
        const labels = records.read(name)?.labels
        return labels === undefined ? [] : [{ id, node, labels, adoptable: containers.has(id) }]
      })
      return Promise.resolve(listings)
    },
    async remove(id) {
      const known = containers.get(id)
      const container = await known?.catch(() => undefined)
      if (container !== undefined) await container.destroy()
      else if (isSafeId(id)) await removeLeftover(prepared().records, id)
    },
    nodes: () => [{ node, capacity: { ...prepared().capacity, ...settings.resources }, schedulable: true }],
    async stop() {
      if (host === undefined) return
      const stopping = host
      host = undefined
      await containers.destroyAll()
      await Promise.all([...zygotes.values()].map((starter) => starter.close()))
      zygotes.clear()
      await stopping.starter.close()
      await stopping.release()
    },
  }
}
