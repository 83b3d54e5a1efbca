/**
 * The state of the distributed container pool: events come in as calls of the functions in removal.ts, lifecycle.ts, decide.ts and collect.ts, commands
 * go out as data. Nothing here waits, calls a factory or reads a clock of its own: the same calls at the same times give the same commands.
 */

import type { ContainerSpec } from '../containers/container-factory.ts'
import type { Clock } from '../model/clock.ts'
import type { ContainerId, IdSource } from '../model/ids.ts'
import { Backoff } from './backoff.ts'
import type { GarbageCollector, MarkReason } from './collector/collector.ts'
import type { Transition } from './container-state.ts'
import { DemandBook } from './demand.ts'
import { GlobalPool } from './global-pool.ts'
import { ImageStemCells } from './image-stem-cells.ts'
import { Ledger } from './ledger.ts'
import type { PlacementStrategy } from './placement/placement.ts'
import type { PoolEvent, PoolEventBody, RouterId } from './pool-protocol.ts'
import type { PoolSettings } from './pool-settings.ts'
import { Retention } from './retention.ts'
import { StemCells } from './stem-cells.ts'
import { VictimQueue } from './victim-queue.ts'

/** Something an operator may want to read in the log. */
export interface PoolNotice {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly detail: Readonly<Record<string, string | number | boolean>>
}

/** What the shell is to do, in this order. */
export type PoolCommand =
  | { readonly type: 'create'; readonly spec: ContainerSpec }
  | { readonly type: 'resize'; readonly id: ContainerId; readonly memoryMb: number }
  | { readonly type: 'relabel'; readonly id: ContainerId; readonly labels: ContainerSpec['labels'] }
  | { readonly type: 'destroy'; readonly id: ContainerId }
  /** Remove a container that has no handle here. */
  | { readonly type: 'removeListed'; readonly id: ContainerId }
  | { readonly type: 'broadcast'; readonly event: PoolEvent }
  | { readonly type: 'notice'; readonly notice: PoolNotice }

/** Totals since the start; only ever counted up. */
export interface PoolCounters {
  creations: number
  coldStarts: number
  stemHits: number
  startFailures: number
  /** Times that containers were found wanting for what routers had newly stated. */
  demandDecisions: number
  demandsRefused: number
  evictions: number
  marks: number
  unmarks: number
  sweeps: number
  moves: number
  recycles: number
  /** Containers that the factory's list had and the pool not, or the other way round. */
  drift: number
  adoptions: number
  reconcileFailures: number
}

/** A container that routers were asked to stop choosing. Times are monotonic ms. */
export interface Mark {
  readonly reason: MarkReason
  /** Number of the event that tells of it. */
  readonly sequence: number
  /** Acknowledgements are not waited for after this. */
  readonly sweepAt: number
  /** It is removed with whatever is in flight at this time. */
  readonly forceAt: number
  /** It no longer counts as room that will be free soon after this. */
  readonly slowAt: number
  /** Routers that have not acknowledged. */
  readonly waiting: Set<RouterId>
  /** Requests in flight by router, where there are any. */
  readonly inFlight: Map<RouterId, number>
  /** Some router has acknowledged. */
  answered: boolean
  /** Container that is to be ready before this one goes. */
  replacement: ContainerId | undefined
}

export interface PoolCore {
  settings: PoolSettings
  readonly clock: Clock
  readonly ids: IdSource
  readonly pool: GlobalPool
  readonly ledger: Ledger
  readonly demands: DemandBook
  readonly marks: Map<ContainerId, Mark>
  readonly routers: Set<RouterId>
  stems: StemCells
  imageStems: ImageStemCells
  readonly backoff: Backoff
  readonly retention: Retention
  collector: GarbageCollector
  placement: PlacementStrategy
  readonly victims: VictimQueue
  readonly counters: PoolCounters
  /** To be taken from the front by the shell. */
  readonly commands: PoolCommand[]
  /** Stem cells can take any memory size. */
  resizable: boolean
  /** A container of a later leader was seen: nothing is created any more. */
  superseded: boolean
  /** Last event that was made, and last one that was handed to the routers. */
  sequence: number
  delivered: number
  /** Something changed that `decide` should look at. */
  passWanted: boolean
  collectedAt: number
  sharedAt: number
}

export interface PoolCoreParts {
  readonly settings: PoolSettings
  readonly clock: Clock
  readonly ids: IdSource
  readonly collector: GarbageCollector
  readonly placement: PlacementStrategy
  readonly resizable: boolean
  /** Told of every step in a container's life. */
  observe?(transition: Transition): void
}

const HALF_LIFE_MS = 600_000
const REMEMBERED_ACTIONS = 20_000

/** An empty pool. */
export function openPoolCore(parts: PoolCoreParts): PoolCore {
  const { settings, clock } = parts
  const now = clock.monotonic()
  const commands: PoolCommand[] = []
  const pool = new GlobalPool((transition) => {
    parts.observe?.(transition)
    const { id, from, event, to } = transition
    const detail = { container: id, state: from, event }
    if (to === undefined)
      commands.push({ type: 'notice', notice: { level: 'error', message: 'illegal transition', detail } })
  })
  return {
    settings,
    clock,
    ids: parts.ids,
    collector: parts.collector,
    placement: parts.placement,
    resizable: parts.resizable,
    pool,
    ledger: new Ledger(),
    demands: new DemandBook(settings.maxWaitingActions),
    marks: new Map(),
    routers: new Set(),
    stems: new StemCells(settings.stemCells, settings.stemCheckMs, now),
    imageStems: new ImageStemCells(settings.imageStemCells),
    backoff: new Backoff({ firstMs: settings.backoffMs, maxMs: settings.backoffMaxMs }),
    retention: new Retention(HALF_LIFE_MS, REMEMBERED_ACTIONS),
    victims: new VictimQueue(pool),
    counters: {
      creations: 0,
      coldStarts: 0,
      stemHits: 0,
      startFailures: 0,
      demandDecisions: 0,
      demandsRefused: 0,
      evictions: 0,
      marks: 0,
      unmarks: 0,
      sweeps: 0,
      moves: 0,
      recycles: 0,
      drift: 0,
      adoptions: 0,
      reconcileFailures: 0,
    },
    commands,
    superseded: false,
    sequence: 0,
    delivered: 0,
    passWanted: false,
    collectedAt: now,
    sharedAt: -Infinity,
  }
}

/** Numbers an event and queues it for all routers. */
export function broadcast(core: PoolCore, body: PoolEventBody): void {
  core.sequence++
  const event: PoolEvent = { ...body, epoch: core.settings.epoch, sequence: core.sequence }
  core.commands.push({ type: 'broadcast', event })
}

export function notice(
  core: PoolCore,
  level: PoolNotice['level'],
  message: string,
  detail: PoolNotice['detail'] = {},
): void {
  core.commands.push({ type: 'notice', notice: { level, message, detail } })
}

/** What failures to start and their costs are remembered under. */
export function startKey(of: { readonly kind: string; readonly image: string }): string {
  return `${of.kind} ${of.image}`
}
