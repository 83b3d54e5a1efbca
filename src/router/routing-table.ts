/** Which containers a router may send an action to, from the control plane's events; and which of them to choose. */

import type { ActionKey, ContainerDescriptor } from '../control/pool-protocol.ts'
import type { ContainerId } from '../model/ids.ts'
import type { RunRequest, RunResult } from '../proxy/run-request.ts'

/** The way into a container: its proxy in this process, or one behind HTTP. */
export interface Endpoint {
  /** Requests that it takes besides those that run: a full queue need not be asked. */
  readonly queueLimit: number
  submit(request: RunRequest, done: (result: RunResult) => void): void
}

/** A container as a router sees it. `inFlight` is a hint: the proxy alone enforces the limit. */
export interface RoutedContainer {
  readonly id: ContainerId
  readonly actionKey: ActionKey
  readonly endpoint: Endpoint
  readonly concurrency: number
  inFlight: number
  /** The control plane wants it gone: nothing new is sent there. */
  marked: boolean
  gone: boolean
  /** Monotonic ms until which the proxy asked to be left alone (its `Retry-After`): the circuit is open. */
  openUntil: number
  /** It stands on its action's stack of containers with room. */
  listed: boolean
}

/** Containers of one action. */
interface ActionContainers {
  readonly all: Set<RoutedContainer>
  /**
   * Those with room, the most recently used on top: so the least used ones idle and can be collected. Entries that lost their room are dropped when
   * they come up, which makes every operation O(1) however many containers there are.
   */
  readonly room: RoutedContainer[]
  /** How many of them have something to do. */
  busy: number
}

export interface RoutingTable {
  readonly size: number
  add(descriptor: ContainerDescriptor, endpoint: Endpoint, marked?: boolean): RoutedContainer
  get(id: ContainerId): RoutedContainer | undefined
  /** Containers of the action, unordered; empty when there are none. */
  of(actionKey: ActionKey): ReadonlySet<RoutedContainer>
  /** Reserves a place in the most recently used container with room whose circuit is closed at `now`; undefined when there is none. */
  reserve(actionKey: ActionKey, now: number): RoutedContainer | undefined
  /** How many containers of the action have something to do. */
  busy(actionKey: ActionKey): number
  /** How many of all containers have. */
  readonly busyContainers: number
  /** Takes a place in a container's queue, which it may not have room to run at once. */
  enqueue(container: RoutedContainer): void
  /** Gives a reserved or queued place back. */
  release(container: RoutedContainer): void
  mark(id: ContainerId): RoutedContainer | undefined
  unmark(id: ContainerId): RoutedContainer | undefined
  remove(id: ContainerId): RoutedContainer | undefined
  clear(): void
}

const NONE: ReadonlySet<RoutedContainer> = new Set()

/** An empty table. */
export function createRoutingTable(): RoutingTable {
  const byId = new Map<ContainerId, RoutedContainer>()
  const byAction = new Map<ActionKey, ActionContainers>()

  function hasRoom(container: RoutedContainer): boolean {
    return !container.gone && !container.marked && container.inFlight < container.concurrency
  }

  let busyContainers = 0

  function occupy(container: RoutedContainer): void {
    const containers = byAction.get(container.actionKey)
    if (container.inFlight === 0 && containers?.all.has(container) === true) {
      containers.busy++
      busyContainers++
    }
    container.inFlight++
  }

  function list(container: RoutedContainer): void {
    if (container.listed || !hasRoom(container)) return
    container.listed = true
    byAction.get(container.actionKey)?.room.push(container)
  }

  return {
    get size() {
      return byId.size
    },
    add({ id, actionKey, concurrency }, endpoint, marked = false) {
      const known = byId.get(id)
      if (known !== undefined) return known
      const container: RoutedContainer = {
        id,
        actionKey,
        endpoint,
        concurrency,
        inFlight: 0,
        marked,
        gone: false,
        openUntil: 0,
        listed: false,
      }
      byId.set(id, container)
      let containers = byAction.get(actionKey)
      if (containers === undefined) {
        containers = { all: new Set(), room: [], busy: 0 }
        byAction.set(actionKey, containers)
      }
      containers.all.add(container)
      list(container)
      return container
    },
    get: (id) => byId.get(id),
    of: (actionKey) => byAction.get(actionKey)?.all ?? NONE,
    reserve(actionKey, now) {
      const room = byAction.get(actionKey)?.room
      if (room === undefined) return undefined
      let open: RoutedContainer[] | undefined
      let chosen: RoutedContainer | undefined
      while (chosen === undefined && room.length > 0) {
        const top = room[room.length - 1]
        if (top === undefined) break
        if (!hasRoom(top)) {
          room.pop()
          top.listed = false
        } else if (top.openUntil > now) {
          room.pop()
          ;(open ??= []).push(top)
        } else chosen = top
      }
      if (open !== undefined) room.push(...open.toReversed())
      if (chosen === undefined) return undefined
      occupy(chosen)
      if (chosen.inFlight >= chosen.concurrency) {
        const at = room.lastIndexOf(chosen)
        if (at >= 0) room.splice(at, 1)
        chosen.listed = false
      }
      return chosen
    },
    busy: (actionKey) => byAction.get(actionKey)?.busy ?? 0,
    get busyContainers() {
      return busyContainers
    },
    enqueue: occupy,
    release(container) {
      container.inFlight--
      const containers = byAction.get(container.actionKey)
      if (container.inFlight === 0 && containers?.all.has(container) === true) {
        containers.busy--
        busyContainers--
      }
      list(container)
    },
    mark(id) {
      const container = byId.get(id)
      if (container !== undefined) container.marked = true
      return container
    },
    unmark(id) {
      const container = byId.get(id)
      if (container === undefined) return undefined
      container.marked = false
      list(container)
      return container
    },
    remove(id) {
      const container = byId.get(id)
      if (container === undefined) return undefined
      container.gone = true
      byId.delete(id)
      const containers = byAction.get(container.actionKey)
      if (containers?.all.delete(container) === true && container.inFlight > 0) {
        containers.busy--
        busyContainers--
      }
      if (containers?.all.size === 0) byAction.delete(container.actionKey)
      return container
    },
    clear() {
      for (const container of byId.values()) container.gone = true
      byId.clear()
      byAction.clear()
      busyContainers = 0
    },
  }
}
