/** What a role needs of the containers that its configuration selects: the factory, what it can run, what there is to say about it. */

import type { Config } from '../config/schema.ts'
import type { ContainerFactory } from '../containers/container-factory.ts'
import type { Protections } from '../containers/protections.ts'
import type { AdminRoutes } from '../management/admin-route.ts'
import type { Clock, Timers } from '../model/clock.ts'
import type { RuntimesManifest } from '../model/manifest.ts'
import type { HealthReason, HealthRegistry } from '../telemetry/health.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'

/** What was found out about the host. */
export interface HostReport {
  readonly protections: Protections
  /** Concrete kinds that can be run. */
  readonly kinds: readonly string[]
  readonly absent: readonly { readonly kind: string; readonly reason: string; readonly remedy: string }[]
}

export interface ContainersOptions {
  readonly config: Config
  readonly log: Logger
  readonly clock: Clock
  readonly timers: Timers
  /** PATH on which interpreters are looked for. */
  readonly path: string
  readonly runDir: string
  readonly apiHost: string
  readonly loopback: boolean
  readonly maxAnswerBytes: number
}

/** Numbers that every provider keeps; counters only grow. */
export interface FactoryNumbers {
  readonly containers: number
  readonly startsWaiting: number
  readonly startsUnderWay: number
  readonly started: number
  readonly startFailures: number
  readonly outOfMemory: number
}

export interface OpenedContainers {
  /** Started. */
  readonly factory: ContainerFactory & { readonly metrics: FactoryNumbers }
  /** Stops the factory and what works beside it. Idempotent. */
  stop(): Promise<void>
  readonly manifest: RuntimesManifest
  readonly host: HostReport
  /** Address at which containers reach this host: the API must listen there as well. Undefined where it does so already. */
  readonly apiAddress: string | undefined
  /** Actions may be images of users. */
  readonly blackbox: boolean
  /** Of the admin API: what can be changed while it runs. */
  readonly routes: AdminRoutes
  /** What goes on that a probe should hear of, without anything being wrong: images that are pulled. */
  notes(): readonly HealthReason[]
  /** Adds what the provider has besides: checks of health, metrics. */
  register(health: HealthRegistry, metrics: MetricsRegistry): void
  /** Is given what to do when nodes have come, gone or changed; absent where there is one node, for ever. */
  watchNodes?(changed: () => void): void
  /** The nodes by the numbers that OpenWhisk's tools know them by; absent where there is one. */
  invokers?(): readonly NumberedInvoker[]
}

/** A node of a fleet, and whether it can be given work. */
export interface NumberedInvoker {
  readonly number: number
  readonly up: boolean
}

/** Starts the containers of the configuration. Rejects with a message that says how to mend it; nothing is left then. */
export async function openContainers(options: ContainersOptions): Promise<OpenedContainers> {
  const { provider } = options.config.containers
  switch (provider) {
    case 'process':
      return (await import('./process-containers.ts')).openProcessContainers(options)
    case 'docker':
      return (await import('./docker-containers.ts')).openDockerContainers(options)
    case 'invokers':
      return (await import('./fleet-containers.ts')).openFleetContainers(options)
    default:
      throw new Error(`containers.provider ${provider} is not part of this version: use process, docker or invokers`)
  }
}
