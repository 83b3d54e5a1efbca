/**
 * The control plane's core: globalPool, resourceAllocator and garbageCollector behind the interface that routers see. This file is the thin shell that
 * takes in what routers, proxies and the factory say and carries out what the core orders; it decides nothing.
 */

import type { Container, ContainerFactory } from '../containers/container-factory.ts'
import type { Cancel, Clock, Timers } from '../model/clock.ts'
import { systemTimers } from '../model/clock.ts'
import type { ContainerId, IdSource } from '../model/ids.ts'
import { nextTickMs, tick } from './collect.ts'
import { collectorOf } from './collector/choose-collector.ts'
import type { GarbageCollector } from './collector/collector.ts'
import type { ContainerState, Transition } from './container-state.ts'
import { isAnnounced } from './container-state.ts'
import { decide } from './decide.ts'
import { FactoryDriver } from './factory-driver.ts'
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
import type { SettingsChange } from './reconfigure.ts'
import { reconfigure } from './reconfigure.ts'
import { acknowledge, ended, routerLeft, usedWhileMarked } from './removal.ts'
import { isValidNeed } from './resources.ts'
import { RouterRegistry } from './router-registry.ts'

export interface DistributedContainerPoolDeps {
  readonly factory: ContainerFactory
  readonly clock: Clock
  /** default the event loop's */
  readonly timers?: Timers
  readonly ids: IdSource
  readonly settings: PoolSettings
  /** Called before `containerReady` is broadcast, so that the container's local proxy exists when routers hear of it. */
  adopt(container: Container, start: 'cold' | 'stem', descriptor: ContainerDescriptor): void
  /** Told what an operator may want to read. */
  note?(notice: PoolNotice): void
  /** Told of every step in a container's life, for the log at its finest. */
  observe?(transition: Transition): void
  /** Runs something soon but not now: what comes in until then is decided together. default setImmediate */
  schedule?(run: () => void): void
  /** In place of the ones that the settings name. */
  readonly collector?: GarbageCollector
  readonly placement?: PlacementStrategy
}

/** Pause before nodes that changed during a comparison are compared again, in ms. */
const NODES_RETRY_MS = 20

export class DistributedContainerPool implements ControlPlane {
  readonly #deps: DistributedContainerPoolDeps
  readonly #timers: Timers
  readonly #core: PoolCore
  readonly #driver: FactoryDriver
  readonly #routers: RouterRegistry
  #goneWhileListing: Set<ContainerId> | undefined
  #cancelTick: Cancel | undefined
  #tickAt = Infinity
  #nodesAt = -Infinity
  #cancelReconcile: Cancel | undefined
  #carryingOut = false
  #passScheduled = false
  #nodesMoved = false
  #followingNodes = false
  #running = false

  constructor(deps: DistributedContainerPoolDeps) {
    const { settings, clock, ids, factory } = deps
    this.#deps = deps
    this.#timers = deps.timers ?? systemTimers
    this.#core = openPoolCore({
      settings,
      clock,
      ids,
      collector: deps.collector ?? collectorOf(settings),
      placement: deps.placement ?? placementOf(settings.placement),
      resizable: factory.canResize === true,
      ...(deps.observe !== undefined && { observe: (transition) => deps.observe?.(transition) }),
    })
    this.#driver = this.#openDriver()
    this.#routers = new RouterRegistry((router, error) =>
      this.#note('error', 'a router could not take an event', { router, error: String(error) }),
    )
  }

  /** Takes over the factory's nodes and containers and begins to decide. The factory is started already. Rejects when it cannot be listed. */
  async start(): Promise<void> {
    if (this.#running) return
    this.#running = true
    try {
      await this.#reconcile()
    } catch (error) {
      this.stop()
      throw error
    }
    this.#scheduleReconcile()
    this.#tick()
  }

  /** Ends deciding. Containers stay: they are the factory's to stop or the next leader's to adopt. Idempotent. */
  stop(): void {
    this.#running = false
    this.#cancelTick?.()
    this.#cancelReconcile?.()
    this.#tickAt = Infinity
  }

  join(router: RouterId, listener: (event: PoolEvent) => void): { readonly snapshot: PoolSnapshot; leave(): void } {
    const core = this.#core
    // A router that comes back under its id knows nothing of what it was asked before.
    this.#routers.leave(router)
    if (core.routers.has(router)) this.#input(() => routerLeft(core, router))
    core.routers.add(router)
    const membership = this.#routers.join(router, listener, core.sequence)
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
    const { action, parked, router } = demand
    if (!core.routers.has(router)) return
    this.#input(() => {
      const isWithdrawn = parked <= 0
      const isValid = isValidNeed(action.resources) && action.concurrency >= 1 && Number.isFinite(parked)
      if (!isValid && !isWithdrawn)
        refuseDemand(core, action, 'the resources or the concurrency of the action are malformed')
      else if (!core.demands.state(sharing(core, demand), core.delivered, core.clock.monotonic())) {
        refuseDemand(core, action, 'too many actions wait for a container')
      } else core.passWanted = true
    })
  }

  acknowledgeMark(router: RouterId, id: ContainerId, inFlight: number, seen?: number): void {
    this.#input(() => acknowledge(this.#core, router, id, inFlight, seen))
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

  /** Puts other settings in force; what is under way is not affected. */
  reconfigure(change: SettingsChange): void {
    this.#input(() => reconfigure(this.#core, change))
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

  /** Nodes have come, gone or changed: what they are and run is taken in now, and not at the next comparison. */
  nodesChanged(): void {
    this.#nodesMoved = true
    void this.#followNodes()
  }

  async #followNodes(): Promise<void> {
    if (this.#followingNodes) return
    this.#followingNodes = true
    // A comparison that is under way may have asked before the change.
    while (this.#nodesMoved && this.#running) {
      this.#nodesMoved = this.#goneWhileListing !== undefined
      this.#input(() => this.#takeNodes())
      if (this.#nodesMoved) await new Promise<void>((resolve) => this.#timers.after(NODES_RETRY_MS, resolve))
      else await this.reconcileNow()
    }
    this.#followingNodes = false
  }

  async #reconcile(): Promise<void> {
    const core = this.#core
    const expected = expectedInList(core)
    const gone = new Set<ContainerId>()
    this.#goneWhileListing = gone
    try {
      const listings = await this.#driver.list()
      if (!this.#running) return
      this.#input(() => {
        this.#takeNodes()
        reconcile(core, listings, expected, gone)
        core.passWanted = true
      })
    } finally {
      this.#goneWhileListing = undefined
    }
  }

  #scheduleReconcile(): void {
    this.#cancelReconcile = this.#timers.after(this.#deps.settings.reconcileMs, () => {
      void this.reconcileNow().then(() => {
        if (this.#running) this.#scheduleReconcile()
      })
    })
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

  #openDriver(): FactoryDriver {
    const { factory, clock, settings } = this.#deps
    const core = this.#core
    const { startTimeoutMs } = settings
    return new FactoryDriver({
      factory,
      clock,
      timers: this.#timers,
      startTimeoutMs,
      reports: {
        created: (id, node) => this.#running && this.#input(() => created(core, id, node)),
        createFailed: (id, failure, message) => this.#input(() => createFailed(core, id, failure, message)),
        resized: (id, possible) => this.#input(() => resized(core, id, possible)),
        ended: (id, reason) => {
          this.#goneWhileListing?.add(id)
          this.#input(() => ended(core, id, reason))
        },
        troubled: (message, container, error) => this.#note('warn', message, { container, error }),
      },
    })
  }

  /** Lets the core take something in and carries out what it orders. Orders that lead to further input are carried out in order, not nested. */
  #input<Answer>(change: () => Answer): Answer {
    const answer = change()
    if (this.#carryingOut) return answer
    const { commands } = this.#core
    this.#carryingOut = true
    try {
      for (let at = 0; at < commands.length; at++) {
        const command = commands[at]
        if (command !== undefined) this.#carryOut(command)
      }
    } finally {
      commands.length = 0
      this.#carryingOut = false
    }
    this.#schedulePass()
    this.#armTick()
    return answer
  }

  #carryOut(command: PoolCommand): void {
    switch (command.type) {
      case 'create':
        void this.#driver.create(command.spec)
        return
      case 'resize':
        void this.#driver.resize(command.id, command.memoryMb)
        return
      case 'relabel':
        this.#driver.relabel(command.id, command.labels)
        return
      case 'destroy':
        void this.#driver.destroy(command.id)
        return
      case 'removeListed':
        void this.#driver.remove(command.id)
        return
      case 'broadcast':
        if (command.event.type === 'containerReady') this.#adopt(command.event.container)
        this.#core.delivered = command.event.sequence
        this.#routers.deliver(command.event)
        return
      case 'notice':
        this.#deps.note?.(command.notice)
    }
  }

  #adopt(descriptor: ContainerDescriptor): void {
    const container = this.#driver.container(descriptor.id)
    if (container === undefined) return
    try {
      this.#deps.adopt(container, descriptor.start, descriptor)
    } catch (error) {
      this.#note('error', 'a container got no proxy and is removed', { container: descriptor.id, error: String(error) })
      this.discard(descriptor.id, 'it could not be adopted')
    }
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
  #armTick(): void {
    if (!this.#running) return
    const ms = nextTickMs(this.#core)
    const at = this.#core.clock.monotonic() + ms
    if (at >= this.#tickAt) return
    this.#cancelTick?.()
    this.#tickAt = at
    this.#cancelTick = this.#timers.after(ms, () => {
      this.#tickAt = Infinity
      if (this.#running) this.#tick()
    })
  }

  #tick(): void {
    const core = this.#core
    const now = core.clock.monotonic()
    this.#input(() => {
      if (now - this.#nodesAt >= this.#deps.settings.collectMs) this.#takeNodes()
      tick(core)
    })
  }

  #takeNodes(): void {
    this.#nodesAt = this.#core.clock.monotonic()
    this.#core.ledger.setNodes(this.#deps.factory.nodes())
  }

  #note(level: PoolNotice['level'], message: string, detail: PoolNotice['detail']): void {
    this.#deps.note?.({ level, message, detail })
  }
}
