/**
 * The control plane's core: globalPool, resourceAllocator and garbageCollector behind the interface that routers see. This file is the thin shell that
 * carries the core's commands to the factory and the routers, and brings back what came of them; it decides nothing.
 */

import type { Container, ContainerFactory, ContainerListing, ContainerSpec } from '../containers/container-factory.ts'
import { ContainerStartError } from '../containers/container-factory.ts'
import type { Clock } from '../model/clock.ts'
import { deadlineIn } from '../model/deadline.ts'
import type { ContainerId, IdSource } from '../model/ids.ts'
import { nextTickMs, tick } from './collect.ts'
import type { GarbageCollector } from './collector/collector.ts'
import { collectorOf } from './collector/collector.ts'
import { isAnnounced } from './container-state.ts'
import type { ContainerState } from './container-state.ts'
import { decide } from './decide.ts'
import { created, createFailed, descriptorOf, discard, refuseDemand, reportUse, resized, sharing } from './lifecycle.ts'
import type { PlacementStrategy } from './placement/placement.ts'
import { placementOf } from './placement/placement.ts'
import type { PoolCommand, PoolCore, PoolCounters, PoolNotice } from './pool-core.ts'
import { openPoolCore } from './pool-core.ts'
import type { PoolEntry, PoolFilter, PoolTotals } from './pool-inspection.ts'
import { inspectNodes, inspectPool } from './pool-inspection.ts'
import type { ContainerDescriptor, ControlPlane, Demand, PoolEvent, PoolSnapshot, RouterId } from './pool-protocol.ts'
import type { PoolSettings } from './pool-settings.ts'
import { expectedInList, reconcile } from './reconcile.ts'
import { acknowledge, ended, routerLeft, usedWhileMarked } from './removal.ts'
import { isValidNeed } from './resources.ts'
import { RouterRegistry } from './router-registry.ts'

export interface DistributedContainerPoolDeps {
  readonly factory: ContainerFactory
  readonly clock: Clock
  readonly ids: IdSource
  readonly settings: PoolSettings
  /** Called before `containerReady` is broadcast, so that the container's local proxy exists when routers hear of it. */
  adopt(container: Container, start: 'cold' | 'stem', descriptor: ContainerDescriptor): void
  /** Told what an operator may want to read. */
  note?(notice: PoolNotice): void
  /** Runs something soon but not now: what comes in until then is decided together. default setImmediate */
  schedule?(run: () => void): void
  /** Runs something after `ms`; answers how to cancel it. default an unref'd setTimeout */
  after?(ms: number, run: () => void): () => void
  /** In place of the ones that the settings name. */
  readonly collector?: GarbageCollector
  readonly placement?: PlacementStrategy
}

/** How long the factory may take to answer a list, in ms; it is asked again at the next reconcile. */
const LIST_MS = 10_000

export class DistributedContainerPool implements ControlPlane {
  readonly #deps: DistributedContainerPoolDeps
  readonly #core: PoolCore
  readonly #routers: RouterRegistry
  readonly #containers = new Map<ContainerId, Container>()
  #goneWhileListing: Set<ContainerId> | undefined
  readonly #after: (ms: number, run: () => void) => () => void
  #cancelTimer: (() => void) | undefined
  #timerAt = Infinity
  #cancelReconcile: (() => void) | undefined
  #carryingOut = false
  #passScheduled = false
  #running = false

  constructor(deps: DistributedContainerPoolDeps) {
    const { settings, clock, ids, factory } = deps
    this.#deps = deps
    this.#after = deps.after ?? afterMs
    this.#core = openPoolCore({
      settings,
      clock,
      ids,
      collector: deps.collector ?? collectorOf(settings.collector),
      placement: deps.placement ?? placementOf(settings.placement),
      resizable: factory.canResize === true,
    })
    this.#routers = new RouterRegistry((router, error) =>
      this.#note('error', 'a router could not take an event', { router, error: String(error) }),
    )
  }

  /** Takes over the factory's nodes and containers and begins to decide. The factory is started already. Rejects when it cannot be listed. */
  async start(): Promise<void> {
    if (this.#running) return
    this.#running = true
    try {
      this.#core.ledger.setNodes(this.#deps.factory.nodes())
      await this.#reconcile()
    } catch (error) {
      this.stop()
      throw error
    }
    this.#scheduleReconcile()
    this.#input(() => tick(this.#core))
  }

  /** Ends deciding. Containers stay: they are the factory's to stop or the next leader's to adopt. Idempotent. */
  stop(): void {
    this.#running = false
    this.#cancelTimer?.()
    this.#cancelReconcile?.()
    this.#timerAt = Infinity
  }

  join(router: RouterId, listener: (event: PoolEvent) => void): { readonly snapshot: PoolSnapshot; leave(): void } {
    const core = this.#core
    const membership = this.#routers.join(router, listener, core.sequence)
    // A router that comes back under its id knows nothing of what it was asked before.
    if (core.routers.has(router)) this.#input(() => routerLeft(core, router))
    core.routers.add(router)
    return {
      snapshot: this.#snapshot(),
      leave: () => {
        if (!membership.isCurrent()) return
        this.#routers.leave(router)
        this.#input(() => routerLeft(core, router))
      },
    }
  }

  demand(demand: Demand): void {
    const core = this.#core
    if (!core.routers.has(demand.router)) return
    this.#input(() => {
      const { action } = demand
      const valid = isValidNeed(action.resources) && action.concurrency >= 1 && Number.isFinite(demand.parked)
      if (!valid) refuseDemand(core, action, 'the resources or the concurrency of the action are malformed')
      else if (!core.demands.state(sharing(core, demand), core.delivered, core.clock.monotonic())) {
        refuseDemand(core, action, 'too many actions wait for a container')
      } else core.passWanted = true
    })
  }

  acknowledgeMark(router: RouterId, id: ContainerId, inFlight: number): void {
    this.#input(() => acknowledge(this.#core, router, id, inFlight))
  }

  usedWhileMarked(_router: RouterId, id: ContainerId): void {
    this.#input(() => usedWhileMarked(this.#core, id))
  }

  reportUse(id: ContainerId, inFlight: number, lastUsed: number): void {
    this.#input(() => reportUse(this.#core, id, inFlight, lastUsed))
  }

  discard(id: ContainerId, reason: string): void {
    this.#input(() => discard(this.#core, id, reason))
  }

  /** Totals since the start, for telemetry. */
  get counters(): Readonly<PoolCounters> {
    return this.#core.counters
  }

  /** Events that met a container in a state in which they make no sense. */
  get illegalTransitions(): number {
    return this.#core.pool.illegalTransitions
  }

  /** Actions that wait for a container. */
  get waitingActions(): number {
    return this.#core.demands.size
  }

  /** Routers that listen. */
  get routers(): number {
    return this.#routers.size
  }

  /** Containers in a state. */
  count(state: ContainerState): number {
    return this.#core.pool.inState(state).size
  }

  /** The pool's listing for the admin API. */
  inspect(filter: PoolFilter = {}): readonly PoolEntry[] {
    return inspectPool(this.#core, filter)
  }

  /** Nodes, how full and how fragmented they are. */
  inspectNodes(): PoolTotals {
    return inspectNodes(this.#core)
  }

  /** Compares the pool with the factory now. Never rejects: a failure is noted and counted. Does nothing while one is under way. */
  async reconcileNow(): Promise<void> {
    if (!this.#running || this.#goneWhileListing !== undefined) return
    try {
      await this.#reconcile()
    } catch (error) {
      this.#core.counters.reconcileFailures++
      this.#note('error', 'the factory could not list its containers', { error: String(error) })
    }
  }

  async #reconcile(): Promise<void> {
    const core = this.#core
    const expected = expectedInList(core)
    const gone = new Set<ContainerId>()
    this.#goneWhileListing = gone
    try {
      const listings = await this.#list()
      if (!this.#running) return
      this.#input(() => {
        core.ledger.setNodes(this.#deps.factory.nodes())
        reconcile(core, listings, expected, gone)
        core.passWanted = true
      })
    } finally {
      this.#goneWhileListing = undefined
    }
  }

  async #list(): Promise<readonly ContainerListing[]> {
    let cancel: (() => void) | undefined
    const late = new Promise<never>((_resolve, reject) => {
      cancel = this.#after(LIST_MS, () => reject(new Error(`no answer within ${LIST_MS} ms`)))
    })
    try {
      return await Promise.race([this.#deps.factory.list(), late])
    } finally {
      cancel?.()
    }
  }

  #snapshot(): PoolSnapshot {
    const core = this.#core
    const containers: PoolSnapshot['containers'][number][] = []
    for (const record of core.pool.all()) {
      if (record.action === undefined || !isAnnounced(record.state)) continue
      containers.push({ ...descriptorOf(record, record.action), marked: record.state === 'marked' })
    }
    return { epoch: core.settings.epoch, sequence: core.sequence, containers }
  }

  /** Lets the core take something in and carries out what it orders. Orders that lead to further input are carried out in order, not nested. */
  #input(change: () => void): void {
    change()
    const core = this.#core
    if (this.#carryingOut) return
    this.#carryingOut = true
    try {
      for (let at = 0; at < core.commands.length; at++) {
        const command = core.commands[at]
        if (command !== undefined) this.#carryOut(command)
      }
    } finally {
      core.commands.length = 0
      this.#carryingOut = false
    }
    this.#schedulePass()
    this.#armTimer()
  }

  #carryOut(command: PoolCommand): void {
    switch (command.type) {
      case 'create':
        void this.#create(command.spec)
        return
      case 'resize':
        void this.#resize(command.id, command.memoryMb)
        return
      case 'destroy':
        void this.#destroy(command.id)
        return
      case 'removeListed':
        void this.#removeListed(command.id)
        return
      case 'broadcast':
        this.#broadcast(command.event)
        return
      case 'notice':
        this.#deps.note?.(command.notice)
    }
  }

  #broadcast(event: PoolEvent): void {
    if (event.type === 'containerReady') {
      const { container } = event
      this.#adopt(container)
    }
    this.#core.delivered = event.sequence
    this.#routers.deliver(event)
  }

  #adopt(descriptor: ContainerDescriptor): void {
    const container = this.#containers.get(descriptor.id)
    if (container === undefined) return
    try {
      this.#deps.adopt(container, descriptor.start, descriptor)
    } catch (error) {
      this.#note('error', 'a container has no proxy and is removed', {
        container: descriptor.id,
        error: messageOf(error),
      })
      this.discard(descriptor.id, 'it could not be adopted')
    }
  }

  async #create(spec: ContainerSpec): Promise<void> {
    const { factory, clock, settings } = this.#deps
    let container: Container
    try {
      container = await factory.create(spec, deadlineIn(settings.startTimeoutMs, clock))
    } catch (error) {
      const failure = error instanceof ContainerStartError ? error.failure : 'startFailed'
      this.#input(() => createFailed(this.#core, spec.id, failure, messageOf(error)))
      return
    }
    this.#containers.set(spec.id, container)
    void container.ended.then((end) => this.#ended(spec.id, end.cause === 'lost' ? end.reason : end.cause))
    let known = false
    if (this.#running) this.#input(() => (known = created(this.#core, spec.id, container.node)))
    if (!known) await container.destroy()
  }

  async #resize(id: ContainerId, memoryMb: number): Promise<void> {
    let possible = false
    try {
      possible = (await this.#containers.get(id)?.resize(memoryMb)) === true
    } catch (error) {
      this.#note('warn', 'a stem cell could not be resized', { container: id, error: messageOf(error) })
    }
    this.#input(() => resized(this.#core, id, possible))
  }

  async #destroy(id: ContainerId): Promise<void> {
    const container = this.#containers.get(id)
    if (container === undefined) return this.#removeListed(id)
    await container.destroy()
    this.#ended(id, 'destroyed')
  }

  async #removeListed(id: ContainerId): Promise<void> {
    try {
      await this.#deps.factory.remove(id)
    } catch (error) {
      this.#note('warn', 'a container could not be removed; the next reconcile tries again', {
        container: id,
        error: messageOf(error),
      })
    }
  }

  #ended(id: ContainerId, reason: string): void {
    this.#containers.delete(id)
    this.#goneWhileListing?.add(id)
    this.#input(() => ended(this.#core, id, reason))
  }

  #schedulePass(): void {
    if (!this.#core.passWanted || this.#passScheduled || !this.#running) return
    this.#passScheduled = true
    const pass = (): void => {
      this.#passScheduled = false
      if (this.#running) this.#input(() => decide(this.#core))
    }
    if (this.#deps.schedule === undefined) setImmediate(pass)
    else this.#deps.schedule(pass)
  }

  /** One timer; it is set anew only when something has to happen earlier than it would fire. */
  #armTimer(): void {
    if (!this.#running) return
    const at = this.#core.clock.monotonic() + nextTickMs(this.#core)
    if (at >= this.#timerAt) return
    this.#cancelTimer?.()
    this.#timerAt = at
    this.#cancelTimer = this.#after(nextTickMs(this.#core), () => {
      this.#timerAt = Infinity
      if (this.#running) this.#input(() => tick(this.#core))
    })
  }

  #scheduleReconcile(): void {
    this.#cancelReconcile = this.#after(this.#deps.settings.reconcileMs, () => {
      void this.reconcileNow().then(() => {
        if (this.#running) this.#scheduleReconcile()
      })
    })
  }

  #note(level: PoolNotice['level'], message: string, detail: PoolNotice['detail']): void {
    this.#deps.note?.({ level, message, detail })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function afterMs(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  timer.unref()
  return () => clearTimeout(timer)
}
