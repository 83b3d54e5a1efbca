/**
 * A data plane in miniature: parks requests, states its demand, takes events after a delay, chooses the container that it used last, acknowledges
 * marks. It counts what must not happen: a request that reaches a container which does not run any more.
 */

import type {
  ActionKey,
  ActionRequirements,
  ContainerDescriptor,
  ControlPlane,
  PoolEvent,
  RouterId,
} from '../../src/control/pool-protocol.ts'
import type { ContainerId } from '../../src/model/ids.ts'
import type { SimulatedFactory } from './simulated-factory.ts'
import type { VirtualWorld } from './virtual-world.ts'

export interface SimulatedRouterOptions {
  readonly id: string
  readonly world: VirtualWorld
  readonly factory: SimulatedFactory
  readonly control: ControlPlane
  readonly proxies: SimulatedProxies
  /** Delay of each event on its way here; 0 is a function call. */
  eventDelayMs?(): number
  /** Time between taking in a mark and acknowledging it. */
  acknowledgeDelayMs?(): number
  /** Time from choosing a container to the request's arrival there. */
  requestDelayMs?(): number
}

interface Routed {
  readonly descriptor: ContainerDescriptor
  inFlight: number
  marked: boolean
  /** Sequence of the last event that took a mark back. */
  unmarkedAt: number
  lastUsed: number
}

interface Request {
  readonly action: ActionRequirements
  readonly serviceMs: number
  readonly arrivedAt: number
}

export class SimulatedRouter {
  readonly id: RouterId
  readonly events: PoolEvent[] = []
  /** Requests that reached a container which was gone. */
  hitDeleted = 0
  completed = 0
  failed = 0
  readonly completedOf = new Map<ActionKey, number>()
  longestWaitMs = 0
  /** How long each request of an action waited for a container, in ms, in the order in which they were sent there. */
  readonly waitsOf = new Map<ActionKey, number[]>()
  readonly #options: SimulatedRouterOptions
  readonly #table = new Map<ActionKey, Map<ContainerId, Routed>>()
  readonly #routed = new Map<ContainerId, Routed>()
  readonly #parked = new Map<ActionKey, Request[]>()
  readonly #leave: () => void
  #taken = 0
  #arriveAt = 0

  constructor(options: SimulatedRouterOptions) {
    this.#options = options
    this.id = options.id as RouterId
    const { snapshot, leave } = options.control.join(this.id, (event) => this.#receive(event))
    this.#leave = leave
    this.#taken = snapshot.sequence
    options.proxies.onFree((key) => this.#serve(key))
    for (const { marked, ...descriptor } of snapshot.containers) this.#know(descriptor, marked)
  }

  get parked(): number {
    let count = 0
    for (const queue of this.#parked.values()) count += queue.length
    return count
  }

  leave(): void {
    this.#leave()
  }

  /** A request comes in. */
  invoke(action: ActionRequirements, serviceMs: number): void {
    const queue = this.#parked.get(action.actionKey) ?? []
    this.#parked.set(action.actionKey, queue)
    queue.push({ action, serviceMs, arrivedAt: this.#options.world.now })
    this.#serve(action.actionKey)
    if (queue.length > 0) this.#state(action)
  }

  #receive(event: PoolEvent): void {
    const { world, eventDelayMs } = this.#options
    const delay = eventDelayMs?.() ?? 0
    if (delay <= 0) return this.#take(event)
    // One connection: events arrive in the order in which they were sent.
    this.#arriveAt = Math.max(this.#arriveAt, world.now + delay)
    world.after(this.#arriveAt - world.now, () => this.#take(event))
  }

  #take(event: PoolEvent): void {
    this.events.push(event)
    this.#taken = event.sequence
    switch (event.type) {
      case 'containerReady':
        this.#know(event.container, false)
        this.#serve(event.container.actionKey)
        return
      case 'containerMarked':
        return this.#marked(event.id, event.sequence)
      case 'containerUnmarked': {
        const routed = this.#routed.get(event.id)
        if (routed === undefined) return
        routed.marked = false
        routed.unmarkedAt = event.sequence
        this.#serve(routed.descriptor.actionKey)
        return
      }
      case 'containerGone':
        this.#forget(event.id)
        return
      case 'demandFailed':
        if (!event.retry) this.#failed(event.actionKey)
    }
  }

  #marked(id: ContainerId, sequence: number): void {
    const { world, acknowledgeDelayMs } = this.#options
    const acknowledge = (): void => {
      const routed = this.#routed.get(id)
      if (routed !== undefined && routed.unmarkedAt < sequence) routed.marked = true
      this.#options.control.acknowledgeMark(this.id, id, routed?.inFlight ?? 0, sequence)
    }
    const delay = acknowledgeDelayMs?.() ?? 0
    if (delay <= 0) acknowledge()
    else world.after(delay, acknowledge)
  }

  #failed(key: ActionKey): void {
    const queue = this.#parked.get(key) ?? []
    const [first] = queue
    this.failed += queue.length
    this.#parked.delete(key)
    if (first !== undefined) this.#state(first.action)
  }

  #know(descriptor: ContainerDescriptor, marked: boolean): void {
    const routed: Routed = { descriptor, inFlight: 0, marked, unmarkedAt: 0, lastUsed: 0 }
    const { actionKey, id } = descriptor
    const own = this.#table.get(actionKey) ?? new Map<ContainerId, Routed>()
    this.#table.set(actionKey, own)
    own.set(id, routed)
    this.#routed.set(id, routed)
  }

  #forget(id: ContainerId): void {
    const routed = this.#routed.get(id)
    this.#routed.delete(id)
    if (routed !== undefined) this.#table.get(routed.descriptor.actionKey)?.delete(id)
  }

  #serve(key: ActionKey): void {
    const queue = this.#parked.get(key)
    if (queue === undefined || queue.length === 0) return
    const [{ action }] = queue as [Request]
    let dispatched = 0
    for (let routed = this.#choose(key); routed !== undefined && queue.length > 0; routed = this.#choose(key)) {
      const request = queue.shift()
      if (request === undefined) break
      dispatched++
      this.#dispatch(routed, request)
    }
    if (dispatched > 0) this.#state(action)
  }

  #choose(key: ActionKey): Routed | undefined {
    let best: Routed | undefined
    for (const routed of this.#table.get(key)?.values() ?? []) {
      if (routed.marked || !this.#options.proxies.hasRoom(routed.descriptor, routed.inFlight)) continue
      if (best === undefined || routed.lastUsed > best.lastUsed) best = routed
    }
    return best
  }

  #dispatch(routed: Routed, request: Request): void {
    const { world, factory, proxies, requestDelayMs } = this.#options
    const { id } = routed.descriptor
    const waited = world.now - request.arrivedAt
    this.longestWaitMs = Math.max(this.longestWaitMs, waited)
    const waits = this.waitsOf.get(request.action.actionKey) ?? []
    this.waitsOf.set(request.action.actionKey, waits)
    waits.push(waited)
    routed.inFlight++
    routed.lastUsed = world.now
    proxies.began(id)
    const arrive = (): void => {
      if (factory.containers.get(id)?.alive !== true) this.hitDeleted++
      world.after(request.serviceMs, () => this.#finished(routed, request))
    }
    const delay = requestDelayMs?.() ?? 0
    if (delay <= 0) arrive()
    else world.after(delay, arrive)
  }

  #finished(routed: Routed, { action }: Request): void {
    const { control, proxies } = this.#options
    const { id, actionKey } = routed.descriptor
    routed.inFlight--
    this.completed++
    this.completedOf.set(actionKey, (this.completedOf.get(actionKey) ?? 0) + 1)
    proxies.ended(id, actionKey)
    if (routed.marked && routed.inFlight === 0) control.acknowledgeMark(this.id, id, 0, this.#taken)
    this.#serve(action.actionKey)
  }

  #state(action: ActionRequirements): void {
    const parked = this.#parked.get(action.actionKey)?.length ?? 0
    this.#options.control.demand({ router: this.id, action, parked, seen: this.#taken })
  }
}

/** The containers' proxies: they know what is in flight and report it at most once a second. */
export class SimulatedProxies {
  readonly #world: VirtualWorld
  readonly #control: ControlPlane
  readonly #inFlight = new Map<ContainerId, number>()
  readonly #reportDue = new Set<ContainerId>()
  readonly #lastEnd = new Map<ContainerId, number>()
  readonly #listeners: ((key: ActionKey) => void)[] = []

  constructor(world: VirtualWorld, control: ControlPlane) {
    this.#world = world
    this.#control = control
  }

  /** True when the proxy would take one more; `own` is the router's count. */
  hasRoom(descriptor: ContainerDescriptor, own: number): boolean {
    return Math.max(own, this.#inFlight.get(descriptor.id) ?? 0) < descriptor.concurrency
  }

  /** Calls back when a place in a container of an action has become free: what a router learns from answers and retries. */
  onFree(listener: (key: ActionKey) => void): void {
    this.#listeners.push(listener)
  }

  began(id: ContainerId): void {
    this.#inFlight.set(id, (this.#inFlight.get(id) ?? 0) + 1)
    this.#report(id)
  }

  ended(id: ContainerId, key: ActionKey): void {
    this.#inFlight.set(id, Math.max(0, (this.#inFlight.get(id) ?? 0) - 1))
    this.#lastEnd.set(id, this.#world.now)
    this.#report(id)
    for (const listener of this.#listeners) listener(key)
  }

  #report(id: ContainerId): void {
    if (this.#reportDue.has(id)) return
    this.#reportDue.add(id)
    this.#world.after(1_000, () => {
      this.#reportDue.delete(id)
      this.#control.reportUse(id, this.#inFlight.get(id) ?? 0, this.#lastEnd.get(id) ?? 0)
    })
  }
}
