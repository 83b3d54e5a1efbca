/** A factory whose containers exist in virtual time only: it shows slow and failing starts, starts that hang or succeed late, and sudden ends. */

import type {
  Container,
  ContainerEnd,
  ContainerFactory,
  ContainerListing,
  ContainerSpec,
  NodeCapacity,
} from '../../src/containers/container-factory.ts'
import { ContainerStartError } from '../../src/containers/container-factory.ts'
import type { RuntimeChannel } from '../../src/containers/runtime-channel.ts'
import type { ContainerId, IdSource } from '../../src/model/ids.ts'
import { randomIds } from '../../src/model/ids.ts'
import type { VirtualWorld } from './virtual-world.ts'

/** What becomes of one creation. */
export type StartPlan =
  | { readonly outcome: 'starts'; readonly afterMs: number }
  | { readonly outcome: 'fails'; readonly afterMs: number; readonly failure: ContainerStartError['failure'] }
  | { readonly outcome: 'hangs' }

export interface SimulatedFactoryOptions {
  readonly nodes: readonly NodeCapacity[]
  readonly canResize?: boolean
  readonly destroyMs?: number
  /** default: every container starts after 50 ms */
  plan?(spec: ContainerSpec): StartPlan
}

export interface SimulatedContainer extends Container {
  /** False from the moment that its destruction begins or it ends by itself. */
  readonly alive: boolean
  readonly memoryMb: number
}

export class SimulatedFactory implements ContainerFactory {
  readonly provider = 'simulated'
  readonly canResize: boolean
  readonly created: ContainerSpec[] = []
  readonly removed: ContainerId[] = []
  /** Containers of earlier processes. */
  readonly leftOver: ContainerListing[] = []
  capacities: readonly NodeCapacity[]
  plan: (spec: ContainerSpec) => StartPlan
  readonly #world: VirtualWorld
  readonly #destroyMs: number
  readonly #containers = new Map<ContainerId, Simulated>()

  constructor(world: VirtualWorld, options: SimulatedFactoryOptions) {
    this.#world = world
    this.capacities = options.nodes
    this.canResize = options.canResize ?? false
    this.#destroyMs = options.destroyMs ?? 10
    this.plan = options.plan ?? (() => ({ outcome: 'starts', afterMs: 50 }))
  }

  /** Containers that exist, those included that are being destroyed. */
  get containers(): ReadonlyMap<ContainerId, SimulatedContainer> {
    return this.#containers
  }

  async start(): Promise<void> {}

  async create(spec: ContainerSpec): Promise<Container> {
    const running = this.#containers.get(spec.id)
    if (running !== undefined) return running
    this.created.push(spec)
    const plan = this.plan(spec)
    if (plan.outcome === 'hangs') return new Promise<never>(() => {})
    await this.#world.wait(plan.afterMs)
    if (plan.outcome === 'fails') throw new ContainerStartError(plan.failure, 'as planned')
    const position = this.leftOver.findIndex(({ id }) => id === spec.id)
    if (position >= 0) this.leftOver.splice(position, 1)
    const container = new Simulated(spec, this.#world, this.#destroyMs, () => this.#containers.delete(spec.id))
    this.#containers.set(spec.id, container)
    return container
  }

  async list(): Promise<readonly ContainerListing[]> {
    await this.#world.wait(1)
    const running = [...this.#containers.values()].map(({ spec, node, labels }) => ({
      id: spec.id,
      node,
      labels,
      adoptable: true,
    }))
    return [...running, ...this.leftOver]
  }

  async remove(id: ContainerId): Promise<void> {
    this.removed.push(id)
    const position = this.leftOver.findIndex((listing) => listing.id === id)
    if (position >= 0) this.leftOver.splice(position, 1)
    await this.#containers.get(id)?.destroy()
  }

  nodes(): readonly NodeCapacity[] {
    return this.capacities
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#containers.values()].map((container) => container.destroy()))
  }

  /** Ends a container as the kernel or an operator would; `silently`: nobody is told but by `list`. */
  kill(id: ContainerId, silently = false): void {
    const container = this.#containers.get(id)
    this.#containers.delete(id)
    container?.die(silently)
  }
}

class Simulated implements SimulatedContainer {
  readonly spec: ContainerSpec
  readonly node: string
  readonly channel: RuntimeChannel = new NoChannel()
  readonly ended: Promise<ContainerEnd>
  alive = true
  memoryMb: number
  labels: ContainerSpec['labels']
  readonly #world: VirtualWorld
  readonly #destroyMs: number
  readonly #removed: () => void
  #end: (end: ContainerEnd) => void = () => {}
  #destroyed: Promise<void> | undefined

  constructor(spec: ContainerSpec, world: VirtualWorld, destroyMs: number, removed: () => void) {
    this.spec = spec
    this.node = spec.node ?? 'somewhere'
    this.memoryMb = spec.memoryMb
    this.labels = spec.labels
    this.#world = world
    this.#destroyMs = destroyMs
    this.#removed = removed
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  async resize(memoryMb: number): Promise<boolean> {
    await this.#world.wait(0.1)
    this.memoryMb = memoryMb
    return this.alive
  }

  relabel(labels: ContainerSpec['labels']): void {
    this.labels = labels
  }

  async suspend(): Promise<void> {}

  resume(): void {}

  destroy(): Promise<void> {
    this.#destroyed ??= this.#destroy()
    return this.#destroyed
  }

  die(silently: boolean): void {
    this.alive = false
    if (!silently) this.#end({ cause: 'signalled', signal: 'SIGKILL' })
  }

  async #destroy(): Promise<void> {
    this.alive = false
    await this.#world.wait(this.#destroyMs)
    this.#removed()
    this.#end({ cause: 'destroyed' })
  }
}

/** Nothing runs in a simulated container: simulations count requests, they do not answer them. */
class NoChannel implements RuntimeChannel {
  readonly concurrent = false
  readonly pipelined = false
  readonly outputPending = false
  answerLimitBytes = 0
  onOutput = (): void => {}
  init(_message: string, done: Parameters<RuntimeChannel['init']>[1]): void {
    done({ type: 'lost' })
  }
  run(_id: Parameters<RuntimeChannel['run']>[0], _message: string, done: Parameters<RuntimeChannel['run']>[2]): void {
    done({ type: 'lost' })
  }
  drained(done: (whole: boolean) => void): void {
    done(true)
  }
}

/** Ids 1, 2, 3 … so that runs of the same seed are the same. */
export function countedIds(): IdSource {
  let next = 0
  return { ...randomIds(), containerId: () => (++next).toString(16).padStart(16, '0') as ContainerId }
}
