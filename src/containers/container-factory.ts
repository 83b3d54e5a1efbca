/**
 * Creates, lists, watches, suspends, resumes and destroys containers. Every provider passes test/conformance/container-factory.ts.
 * The factory is the truth about containers: whoever decides about them rebuilds itself from `list`.
 */

import type { Deadline } from '../model/deadline.ts'
import type { ContainerId } from '../model/ids.ts'
import type { RuntimeChannel } from './runtime-channel.ts'

/** Amounts of each named resource: `cpuMilli`, `memoryMb`, `diskMb` and any other (`nvidia.com/gpu`). */
export type Resources = Readonly<Record<string, number>>

export interface ContainerSpec {
  readonly id: ContainerId
  /** Concrete kind such as `nodejs:24`, or `blackbox`. */
  readonly kind: string
  /** Image to run where the provider runs images. */
  readonly image: string
  readonly memoryMb: number
  /** Share of the node's CPU time in thousandths of a CPU; a weight, not a ceiling, unless the provider is configured to cap. */
  readonly cpuMilli: number
  /** Node that the allocator chose and reserved room on; absent: the provider chooses. `Container.node` tells where it really went. */
  readonly node?: string
  /** Amounts of named resources besides memory and CPU (`nvidia.com/gpu`, `diskMb`); absent: none. */
  readonly resources?: Resources
  /** True when the action lets runs overlap (`limits.concurrency` > 1): the runtime is started with `__OW_ALLOW_CONCURRENT=true`. */
  readonly concurrent: boolean
  /** What a later `list` needs to tell whose it is: strings only, at most 63 characters a key and 4 KB in all. */
  readonly labels: Readonly<Record<string, string>>
}

/** How a container came to its end. */
export type ContainerEnd =
  | { readonly cause: 'destroyed' }
  | { readonly cause: 'exited'; readonly code: number }
  | { readonly cause: 'signalled'; readonly signal: string }
  | { readonly cause: 'outOfMemory' }
  | { readonly cause: 'lost'; readonly reason: string }

/** A running container. Methods are idempotent and may be called in any state; after the end they do nothing. */
export interface Container {
  readonly spec: ContainerSpec
  readonly node: string
  readonly channel: RuntimeChannel
  /** default false: the runtime waits for its init. True for a container that was adopted with its action in it. */
  readonly initialised?: boolean
  /** Resolves once, with the cause, when the container has ended and the provider has removed what it left behind. Never rejects. */
  readonly ended: Promise<ContainerEnd>
  /** Changes the memory bound of a running container, in MB; resolves false where the provider cannot. */
  resize(memoryMb: number): Promise<boolean>
  /**
   * A stem cell serves an action from now on: whoever lists it later, a process that comes after this one above all, is told these labels. It is not waited
   * for, and may fail: then the container is listed as the stem cell that it was. Absent where containers do not outlive this process.
   */
  relabel?(labels: Readonly<Record<string, string>>): void
  /** Stops the container's processes from running until `resume`. Rejects when it could not be done: the container then still runs. Bounded by 10 s. */
  suspend(): Promise<void>
  /** Undoes `suspend`. Synchronous providers (a freezer write) are done when it returns. Rejects when the container's state is unknown: destroy it. */
  resume(): void | Promise<void>
  /** Ends the container, thawing it first, and removes everything of it. Resolves when nothing is left. Bounded by 30 s. Never rejects. */
  destroy(): Promise<void>
}

/** What `list` tells of one container, alive or left over by an earlier process. */
export interface ContainerListing {
  readonly id: ContainerId
  readonly node: string
  readonly labels: Readonly<Record<string, string>>
  /** False: left over, there is no channel to it; only good to be removed. */
  readonly adoptable: boolean
}

/** Capacity of one node. */
export interface NodeCapacity {
  readonly node: string
  readonly capacity: Resources
  /** False: take away, do not add (cordoned or draining). */
  readonly schedulable: boolean
  /** Kinds that can be run there, `blackbox` for images of users; absent: all that the factory is asked for. */
  readonly kinds?: readonly string[]
}

export type StartFailure = 'noCapacity' | 'imageNotFound' | 'startFailed' | 'timedOut'

/** A container could not be started; whatever had been started of it was removed. */
export class ContainerStartError extends Error {
  override readonly name = 'ContainerStartError'
  readonly failure: StartFailure

  constructor(failure: StartFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}

export interface ContainerFactory {
  /** The provider's name in the configuration. */
  readonly provider: string
  /** default false: idle containers stay running. */
  readonly canSuspend?: boolean
  /** default false: a stem cell serves only actions of exactly its memory. */
  readonly canResize?: boolean
  /** Prepares the host and removes what an earlier process of the same data directory left behind. Rejects with a message that says how to mend it. */
  start(): Promise<void>
  /** Starts a container; resolves when its runtime accepts an init message. Idempotent per `spec.id`. Rejects with `ContainerStartError`. */
  create(spec: ContainerSpec, deadline: Deadline): Promise<Container>
  /** Every container of this factory, those included that nobody asked it for. */
  list(): Promise<readonly ContainerListing[]>
  /** Removes a listed container that has no handle. Idempotent. */
  remove(id: ContainerId): Promise<void>
  /** The nodes that containers are placed on. */
  nodes(): readonly NodeCapacity[]
  /** Destroys all containers and releases the host. Idempotent. */
  stop(): Promise<void>
}
