/**
 * Gets an accepted request into a container: a warm one, else the overflow buffer of a busy one when that is expected to be sooner than a cold start,
 * else a place in the queue for the next container. Also the router's end of the control plane: its events change the table.
 */

import type { ActionKey, ContainerDescriptor, ControlPlane, PoolEvent, RouterId } from '../control/pool-protocol.ts'
import type { Outcome } from '../model/activation.ts'
import type { Cancel, Clock, Timers } from '../model/clock.ts'
import type { ContainerId } from '../model/ids.ts'
import type { FinishedRun, RunRequest, RunResult } from '../proxy/run-request.ts'
import { serviceTime } from '../proxy/service-time.ts'
import type { ServiceTime } from '../proxy/service-time.ts'
import { SATURATION_MS, demandOf } from './demand-policy.ts'
import type { BusyPoll } from './busy-poll.ts'
import type { ParkFailure, Parking } from './parking.ts'
import { isContainer } from './parking.ts'
import type { ResolvedAction } from './resolved-action.ts'
import type { Endpoint, RoutedContainer, RoutingTable } from './routing-table.ts'

export interface DispatcherDeps {
  readonly router: RouterId
  readonly table: RoutingTable
  readonly parking: Parking
  readonly control: Pick<ControlPlane, 'join' | 'demand' | 'acknowledgeMark' | 'usedWhileMarked'>
  /** The way into a container that the control plane announced; undefined when it has gone already. */
  readonly endpointOf: (id: ContainerId) => Endpoint | undefined
  /** Containers of one action that can run at the same time without taking the router's own processor. */
  readonly parallelism: number
  /** Is told of each run that leaves and comes back. */
  readonly busyPoll: Pick<BusyPoll, 'sent' | 'answered'>
  readonly clock: Clock
  readonly timers: Timers
}

/** Why an action was not run. */
export type Unrun = ParkFailure | { readonly type: 'unrunnable'; readonly outcome: Outcome }

export interface DispatchHooks {
  /** Called when the request has to wait, with a function that gives it up. */
  readonly onWait?: ((withdraw: () => void) => void) | undefined
  /** Awaited once, when a container has been found and before the request is sent there; a rejection ends the dispatch with it. */
  readonly onReserved?: () => Promise<void>
}

export interface Dispatcher {
  /** Requests that run or wait. */
  readonly active: number
  readonly counters: { reserved: number; overflowed: number; parked: number; rerouted: number; resyncs: number }
  /**
   * Runs the request in a container of the action, waiting until `deadlineAt` (monotonic ms) for one. Resolves with the run, or with why there was
   * none. Throws 503 where the waiting room is full.
   */
  run(
    action: ResolvedAction,
    request: RunRequest,
    deadlineAt: number,
    hooks?: DispatchHooks,
  ): Promise<FinishedRun | Unrun>
  /** States the present need for an action to the control plane. */
  demand(actionKey: ActionKey, parked: number): void
  start(): void
  stop(): void
}

/** What one action taught about itself. Forgotten with its last container and parked request. */
interface Learned {
  readonly service: ServiceTime
  readonly action: ResolvedAction
  /** Requests that wait in overflow buffers, or run, beyond what the containers have room for. */
  overflowed: number
  /** Monotonic ms since when requests have been parked without a break; undefined while none is. */
  saturatedSince: number | undefined
  /** What the control plane was told last. */
  stated: number
  recheck: Cancel | undefined
}

/** A cold start is taken to last this long until one has been seen, in ms. */
const ASSUMED_COLD_START_MS = 100
/** What waking a process that sleeps takes of a processor, on both sides of the pipe, in ms: runs shorter than that are not worth another process. */
const WAKE_UP_MS = 0.25
/** Busy containers of one action that are compared before a request is queued at one of them. */
const MAX_LOOKED_AT = 64
/** A request is handed on this often by containers that go away under it before it is given up. */
const MAX_ATTEMPTS = 10

/** The dispatcher of one router. */
export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { table, parking, control, clock, timers, router } = deps
  const learned = new Map<ActionKey, Learned>()
  const coldStarts = serviceTime(ASSUMED_COLD_START_MS)
  /** Monotonic ms since when an action waits for its first container: what a cold start takes is learnt from it. */
  const waitingSince = new Map<ActionKey, number>()
  const counters = { reserved: 0, overflowed: 0, parked: 0, rerouted: 0, resyncs: 0 }
  let active = 0
  let leave: (() => void) | undefined
  let epoch = -1
  let sequence = 0

  function lessonsOf(action: ResolvedAction): Learned {
    let lessons = learned.get(action.key)
    if (lessons === undefined) {
      lessons = {
        service: serviceTime(ASSUMED_COLD_START_MS),
        action,
        overflowed: 0,
        saturatedSince: undefined,
        stated: 0,
        recheck: undefined,
      }
      learned.set(action.key, lessons)
    }
    return lessons
  }

  function forgetIfIdle(actionKey: ActionKey): void {
    if (parking.count(actionKey) === 0 && table.of(actionKey).size === 0) {
      learned.get(actionKey)?.recheck?.()
      learned.delete(actionKey)
      waitingSince.delete(actionKey)
    }
  }

  async function run(
    action: ResolvedAction,
    request: RunRequest,
    deadlineAt: number,
    hooks: DispatchHooks = {},
  ): Promise<FinishedRun | Unrun> {
    if (action.unrunnable !== undefined) return { type: 'unrunnable', outcome: action.unrunnable }
    active++
    try {
      return await place(action, request, deadlineAt, hooks)
    } finally {
      active--
    }
  }

  async function place(
    action: ResolvedAction,
    request: RunRequest,
    deadlineAt: number,
    hooks: DispatchHooks,
  ): Promise<FinishedRun | ParkFailure> {
    let { onReserved } = hooks
    const lessons = lessonsOf(action)
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      let container = isConcentrated(action.key, lessons) ? undefined : reserve(action.key)
      let overflowing = false
      if (container === undefined) {
        container = busyButSooner(action.key, lessons)
        overflowing = container !== undefined
        container ??= reserve(action.key)
      }
      if (container === undefined) {
        counters.parked++
        if (table.of(action.key).size === 0 && !waitingSince.has(action.key)) {
          waitingSince.set(action.key, clock.monotonic())
        }
        const parked = await parking.park(action.key, deadlineAt, hooks.onWait)
        if (!isContainer(parked)) return parked
        container = parked
      }
      const chosen = container
      if (onReserved !== undefined) {
        await onReserved().catch((error: unknown) => {
          release(chosen)
          throw error
        })
        onReserved = undefined
      }
      const result = await send(chosen, request, lessons, overflowing)
      if (result.type === 'finished') return result
      counters.rerouted++
    }
    return { type: 'failed', failure: 'startFailed', message: 'every container went away before the run began' }
  }

  function reserve(actionKey: ActionKey): RoutedContainer | undefined {
    // Whoever is parked came first.
    if (parking.count(actionKey) > 0) return undefined
    const container = table.reserve(actionKey, clock.monotonic())
    if (container !== undefined) counters.reserved++
    return container
  }

  /**
   * Runs so short that another process can hardly be woken in that time are kept in as few containers as the processors can run beside this router:
   * there they are sent ahead of their turn, and two wake-ups a run are saved. Only the runtime's own account of a run tells that it is one of those: the
   * more containers share the processors, the longer each of their runs takes to look at from here.
   */
  function isConcentrated(actionKey: ActionKey, { service }: Learned): boolean {
    return service.meanMs !== undefined && service.meanMs < WAKE_UP_MS && table.busy(actionKey) >= deps.parallelism
  }

  /** The busy container to queue at, when waiting there is expected to be shorter than a cold start; S4-72. */
  function busyButSooner(actionKey: ActionKey, lessons: Learned): RoutedContainer | undefined {
    if (parking.count(actionKey) > 0 || lessons.service.meanMs === undefined) return undefined
    const now = clock.monotonic()
    let best: RoutedContainer | undefined
    let slots = 0
    let looked = 0
    for (const container of table.of(actionKey)) {
      if (++looked > MAX_LOOKED_AT) break
      if (container.inFlight === 0 || container.marked || container.openUntil > now) continue
      slots += container.concurrency
      // Full buffers are known of without asking: a refusal would open the container's circuit for nothing.
      if (container.inFlight >= container.concurrency + container.endpoint.queueLimit) continue
      if (best === undefined || container.inFlight < best.inFlight) best = container
    }
    if (best === undefined) return undefined
    const waitMs = lessons.service.waitMs(lessons.overflowed + 1, slots)
    if (waitMs > coldStarts.waitMs(1, 1)) return undefined
    table.enqueue(best)
    counters.overflowed++
    return best
  }

  function send(
    container: RoutedContainer,
    request: RunRequest,
    lessons: Learned,
    overflowing: boolean,
  ): Promise<RunResult> {
    if (overflowing) lessons.overflowed++
    // Marked between its reservation and now: the control plane keeps it, or makes another one ready before it goes.
    if (container.marked) control.usedWhileMarked(router, container.id)
    deps.busyPoll.sent(table.busyContainers)
    return new Promise((resolve) => {
      container.endpoint.submit(request, (result) => {
        if (overflowing) lessons.overflowed--
        if (result.type === 'finished') lessons.service.observe(result.serviceMs)
        else if (result.type === 'busy') openCircuit(container, result.retryAfterMs)
        else table.remove(container.id)
        release(container)
        deps.busyPoll.answered(table.busyContainers)
        resolve(result)
      })
    })
  }

  /** The proxy asked to be left alone for that long (S4-84); whoever is parked tries again after it. */
  function openCircuit(container: RoutedContainer, retryAfterMs: number): void {
    container.openUntil = clock.monotonic() + retryAfterMs
    timers.after(Math.ceil(retryAfterMs), () => serve(container.actionKey))
  }

  function release(container: RoutedContainer): void {
    table.release(container)
    if (container.marked && container.inFlight === 0) control.acknowledgeMark(router, container.id, 0)
    serve(container.actionKey)
  }

  function serve(actionKey: ActionKey): void {
    if (parking.length === 0) return
    parking.serve(actionKey, () => table.reserve(actionKey, clock.monotonic()))
  }

  function apply(event: PoolEvent): void {
    if (event.epoch !== epoch || event.sequence !== sequence + 1) return resync()
    sequence = event.sequence
    switch (event.type) {
      case 'containerReady':
        return ready(event.container)
      case 'containerMarked': {
        const container = table.mark(event.id)
        control.acknowledgeMark(router, event.id, container?.inFlight ?? 0)
        return
      }
      case 'containerUnmarked': {
        const container = table.unmark(event.id)
        if (container !== undefined) serve(container.actionKey)
        return
      }
      case 'containerGone': {
        const container = table.remove(event.id)
        if (container === undefined) return
        restate(container.actionKey)
        forgetIfIdle(container.actionKey)
        return
      }
      case 'demandFailed':
        if (!event.retry) parking.fail(event.actionKey, event.failure, event.message)
        return
    }
  }

  /** The number of containers changed: the need may be another, and is told again even if it is not. */
  function restate(actionKey: ActionKey): void {
    const parked = parking.count(actionKey)
    const lessons = learned.get(actionKey)
    if (parked === 0 || lessons === undefined) return
    lessons.stated = -1
    demand(actionKey, parked)
  }

  function ready(container: ContainerDescriptor): void {
    const { id, actionKey } = container
    const since = waitingSince.get(actionKey)
    if (since !== undefined) {
      coldStarts.observe(clock.monotonic() - since)
      waitingSince.delete(actionKey)
    }
    const endpoint = deps.endpointOf(id)
    if (endpoint === undefined) return
    table.add(container, endpoint)
    serve(actionKey)
    restate(actionKey)
  }

  function demand(actionKey: ActionKey, parked: number): void {
    const lessons = learned.get(actionKey)
    if (lessons === undefined) return
    const now = clock.monotonic()
    if (parked === 0) lessons.saturatedSince = undefined
    else lessons.saturatedSince ??= now
    let slots = 0
    for (const { concurrency, marked } of table.of(actionKey)) if (!marked) slots += concurrency
    const wanted = demandOf({
      parked,
      slots,
      meanMs: lessons.service.meanMs,
      coldMs: coldStarts.waitMs(1, 1),
      saturatedMs: now - (lessons.saturatedSince ?? now),
      // The router has one of them.
      processors: deps.parallelism + 1,
    })
    state(lessons, wanted)
    // Nothing may change while the queue stays as long as it is, but its having lasted.
    if (parked > 0) {
      lessons.recheck ??= timers.after(SATURATION_MS, () => {
        lessons.recheck = undefined
        demand(actionKey, parking.count(actionKey))
      })
    } else forgetIfIdle(actionKey)
  }

  function state(lessons: Learned, wanted: number): void {
    if (wanted === lessons.stated) return
    lessons.stated = wanted
    control.demand({ router, action: lessons.action.requirements, parked: wanted, seen: sequence })
  }

  /** Events were lost, or another control plane speaks: the snapshot replaces what is known. */
  function resync(): void {
    counters.resyncs++
    leave?.()
    join()
  }

  function join(): void {
    // Events that the control plane sends while it makes the snapshot are part of it.
    const joined = control.join(router, apply)
    leave = joined.leave
    epoch = joined.snapshot.epoch
    sequence = joined.snapshot.sequence
    const present = new Set(joined.snapshot.containers.map(({ id }) => id))
    for (const { id, actionKey, marked, ...rest } of joined.snapshot.containers) {
      const endpoint = deps.endpointOf(id)
      if (endpoint !== undefined) table.add({ id, actionKey, ...rest }, endpoint, marked)
    }
    for (const actionKey of learned.keys()) {
      for (const container of table.of(actionKey)) if (!present.has(container.id)) table.remove(container.id)
      serve(actionKey)
      restate(actionKey)
    }
  }

  return {
    counters,
    get active() {
      return active
    },
    run,
    demand,
    start: join,
    stop() {
      leave?.()
      leave = undefined
      parking.close()
    },
  }
}
