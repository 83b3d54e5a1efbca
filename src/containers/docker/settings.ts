/** What the docker factory is told. */

import type { Resources } from '../container-factory.ts'
import type { CreateBody } from './create-body.ts'

/** When images of users are pulled: `openwhisk` before each start (but for tags other than `latest` a copy that is here will do), the others as Kubernetes has them. */
export type PullPolicy = 'openwhisk' | 'ifNotPresent' | 'always' | 'never'

/**
 * What containers reach: `host` whatever the engine's host can route to, `isolated` no private networks, both the API and no other port of that host;
 * `none` nothing.
 */
export type DockerNetworkMode = 'host' | 'isolated' | 'none'

export interface ImageSettings {
  readonly pullPolicy: PullPolicy
  /** In front of the names of runtime images, and of users' images, that name no registry; empty: the engine's default. */
  readonly runtimesRegistry: string
  readonly userImagesRegistry: string
  /** File with credentials for registries (registry-auth.ts); empty: none. */
  readonly authFile: string
  /** Images that begin with it are never pulled; empty: none. */
  readonly localImagePrefix: string
  /** Share of the image store's disk, in percent, at which images that were pulled and are not in use are removed, and down to which. */
  readonly highWaterPercent: number
  readonly lowWaterPercent: number
}

export interface DockerFactorySettings {
  /** Begins the name of each container. */
  readonly namePrefix: string
  /** Tells this platform's containers from those of others on the same engine; at most 63 characters. */
  readonly instance: string
  /** The engine's host as a node of the pool; empty: its own name. */
  readonly nodeName: string
  readonly network: DockerNetworkMode
  /** Name of the bridge network; made where it is missing. */
  readonly networkName: string
  readonly dns: readonly string[]
  readonly dnsSearch: readonly string[]
  readonly dnsOptions: readonly string[]
  /** `NAME=value`, in front of what the platform sets. */
  readonly extraEnv: readonly string[]
  /** Laid over the create body of every container. */
  readonly extra: CreateBody
  readonly images: ImageSettings
  /** The root file system is read-only for images that say that they can do with it. */
  readonly readOnlyRoot: boolean
  /** The engine's own init is the first process of a container. */
  readonly init: boolean
  /** Processor time: a weight, or a ceiling. */
  readonly cpuLimit: 'shares' | 'quota'
  readonly tmpMb: number
  readonly openFiles: number
  readonly processes: number
  /** 0: four fifths of what the engine's host has. */
  readonly memoryMb: number
  /** 0: all processors of the engine's host. */
  readonly cpuMilli: number
  readonly resources: Resources
  readonly maxAnswerBytes: number
  /** Base URL of the API for `__OW_API_HOST`; a loopback name in it is replaced by the network's gateway. */
  readonly apiHost: string
  readonly startTimeoutMs: number
  /** Creations that are sent to the engine at once. */
  readonly parallelStarts: number
}

/** Labels by which containers and networks are found again. */
export const INSTANCE_LABEL = 'org.stave.instance'
export const ID_LABEL = 'org.stave.container'
/** On a container whose runtime was offered to let runs overlap. */
export const CONCURRENT_LABEL = 'org.stave.concurrent'
/** Labels of the pool, as one JSON text: values may be longer than 63 characters. */
export const POOL_LABELS = 'org.stave.labels'
/** On an image: it can do with a read-only root file system and /tmp. */
export const READ_ONLY_ROOT_LABEL = 'org.stave.read-only-root'

/** Where the factory logs; pino's methods fit. */
export interface DockerLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}
