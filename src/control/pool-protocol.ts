/**
 * What routers and the control plane say to each other. In one process these are function calls; between processes they are messages:
 * everything here is plain data, numbered per epoch, so that a gap is noticed and answered with a snapshot.
 */

import type { Brand } from '../model/brand.ts'
import type { Resources, StartFailure } from '../containers/container-factory.ts'
import type { ContainerId } from '../model/ids.ts'

/** `INVOKING_NS:OWNER_NS/[PKG/]NAME@REVISION`: containers are shared by nobody but runs of one revision for one invoking namespace. */
export type ActionKey = Brand<string, 'ActionKey'>
export type RouterId = Brand<string, 'RouterId'>

/** What placing a container for an action takes. No code, no parameters, no payload: those never pass the control plane. */
export interface ActionRequirements {
  readonly actionKey: ActionKey
  /** Invoking namespace, for caps and labels. */
  readonly namespace: string
  readonly kind: string
  readonly image: string
  /** Needs of one container: at least `memoryMb`; `cpuMilli` and named resources where the action declares them (annotation `resources`). */
  readonly resources: Resources
  /** Runs at once in one container. */
  readonly concurrency: number
  /** Containers at most at any time (`limits.instances`, else the namespace's concurrent limit). */
  readonly maxContainers: number
}

/** A router's whole need for one action at one time: later ones replace earlier ones of the same router. */
export interface Demand {
  readonly router: RouterId
  readonly action: ActionRequirements
  /** Requests parked at this router. 0 withdraws the demand. */
  readonly parked: number
  /** Sequence of the last event that the router had taken in when it counted; absent: every event that was delivered to it so far. */
  readonly seen?: number
}

export interface ContainerDescriptor {
  readonly id: ContainerId
  readonly actionKey: ActionKey
  readonly node: string
  readonly concurrency: number
  /** How the container came to be: nothing was started for a stem cell. */
  readonly start: 'cold' | 'stem'
}

/** Broadcast to every router, those that did not ask included. */
export type PoolEventBody =
  | { readonly type: 'containerReady'; readonly container: ContainerDescriptor }
  /** Stop choosing it and acknowledge; it is swept when all routers have, or at `sweepAt` (epoch ms). */
  | { readonly type: 'containerMarked'; readonly id: ContainerId; readonly sweepAt: number }
  | { readonly type: 'containerUnmarked'; readonly id: ContainerId }
  | { readonly type: 'containerGone'; readonly id: ContainerId; readonly reason: string }
  /** The demand for an action could not be met now. `retry`: the control plane goes on trying (no capacity); otherwise the parked requests fail. */
  | {
      readonly type: 'demandFailed'
      readonly actionKey: ActionKey
      readonly failure: StartFailure
      readonly message: string
      readonly retry: boolean
    }

export type PoolEvent = PoolEventBody & {
  /** Fencing epoch of the control plane that sent it. */
  readonly epoch: number
  /** 1, 2, 3 … within the epoch. */
  readonly sequence: number
}

/** The state that the events after `sequence` build upon. */
export interface PoolSnapshot {
  readonly epoch: number
  readonly sequence: number
  readonly containers: readonly (ContainerDescriptor & { readonly marked: boolean })[]
}

/** What a router sees of the control plane. No method throws; answers come as events. */
export interface ControlPlane {
  /** Registers a router; it gets the snapshot now and every event from then on. Returns how to leave. */
  join(router: RouterId, listener: (event: PoolEvent) => void): { readonly snapshot: PoolSnapshot; leave(): void }
  /** States the router's whole present need for an action. Idempotent; coalesced over routers. */
  demand(demand: Demand): void
  /**
   * The router has stopped choosing a marked container and has `inFlight` requests in it. Sent again when that reaches 0. `seen` is the sequence of the
   * last event that the router had taken in (absent: all that were delivered): an acknowledgement that crosses a second mark does not count for that.
   */
  acknowledgeMark(router: RouterId, id: ContainerId, inFlight: number, seen?: number): void
  /** A request went to the container before the router knew of the mark. */
  usedWhileMarked(router: RouterId, id: ContainerId): void
  /** The container's proxy reports use: requests in flight and when the last one ended (monotonic ms of the node). Batched, at most one a second and container. */
  reportUse(id: ContainerId, inFlight: number, lastUsed: number): void
  /** The container must not serve any more (failed init, developer error, timeout); it is removed at once. */
  discard(id: ContainerId, reason: string): void
}
