/**
 * What all routers need, as one number an action. Routers state their whole present need, so that the same need stated twice is not two needs; what
 * became ready since a router counted is taken off what it stated, so that one container does not leave a second one being started for nothing.
 *
 * What is decided for an action is an order: containers up to the need of that moment. The requests of a burst arrive over many turns of routers' event
 * loops, and the containers are started a few at a time, so an order is not closed when it is given: until its first container is ready, whoever comes
 * joins it; from then on it is carried out as far as the need lasts. Only a need that is larger than what is left of the order is decided anew.
 */

import type { ActionKey, ActionRequirements, Demand, RouterId } from './pool-protocol.ts'

interface Stated {
  readonly parked: number
  /** Last event that the router knew of when it counted. */
  readonly seen: number
  /** How long announced slots are taken off, in ms. */
  readonly creditMs: number
}

/** Slots that events announced. */
interface Credit {
  readonly sequence: number
  readonly slots: number
  readonly at: number
}

/** Containers that an action is to get, decided at one time. */
interface Order {
  /** Containers that may become ready under it from now on. */
  left: number
  /** None has become ready yet. */
  growing: boolean
}

export interface ActionDemand {
  action: ActionRequirements
  /** When it began to wait, or was last given a container; monotonic ms. */
  since: number
  /** Since when there has been no room for one more; undefined while there was, or nothing was asked. Monotonic ms. */
  deniedSince: number | undefined
  /** Nothing is tried before: monotonic ms. */
  retryAt: number
  /** What was decided for it and is not carried out yet. */
  order: Order | undefined
  /** Routers were told that there is no capacity, and nothing has changed since. */
  reported: boolean
  readonly byRouter: Map<RouterId, Stated>
  credits: readonly Credit[]
}

/**
 * How long a ready container counts as the answer to a need that was stated before it, in ms, unless the router counts again. A router that tells what
 * it has seen will tell that it has seen this; one that does not is told by function call, and what it has not taken by then it does not want.
 */
const CREDIT_MS = 100
const CREDIT_OF_SEEN_MS = 5_000

export class DemandBook {
  readonly #demands = new Map<ActionKey, ActionDemand>()
  readonly #maxActions: number

  /** `maxActions` bounds how many actions can wait at a time. */
  constructor(maxActions: number) {
    this.#maxActions = maxActions
  }

  /** Actions that wait. */
  get size(): number {
    return this.#demands.size
  }

  get(key: ActionKey): ActionDemand | undefined {
    return this.#demands.get(key)
  }

  all(): IterableIterator<ActionDemand> {
    return this.#demands.values()
  }

  /** Takes over what a router states; `sequence` is the last event that was delivered to it. False when the book is full. */
  state({ router, action, parked, seen }: Demand, sequence: number, now: number): boolean {
    const known = this.#demands.get(action.actionKey)
    if (!(parked > 0)) {
      known?.byRouter.delete(router)
      if (known?.byRouter.size === 0) this.#demands.delete(action.actionKey)
      return true
    }
    if (known === undefined && this.#demands.size >= this.#maxActions) return false
    const entry = known ?? this.#open(action, now)
    entry.action = action
    entry.byRouter.set(router, {
      parked: Math.ceil(parked),
      seen: seen ?? sequence,
      creditMs: seen === undefined ? CREDIT_MS : CREDIT_OF_SEEN_MS,
    })
    const seenByAll = Math.min(...[...entry.byRouter.values()].map((stated) => stated.seen))
    entry.credits = entry.credits.filter((credit) => credit.sequence > seenByAll)
    return true
  }

  /** Notes that an event announced `slots` free slots for the action. */
  credit(key: ActionKey, sequence: number, slots: number, now: number): void {
    const entry = this.#demands.get(key)
    if (entry === undefined) return
    const recent = entry.credits.filter((credit) => now - credit.at < CREDIT_OF_SEEN_MS)
    entry.credits = [...recent, { sequence, slots, at: now }]
    entry.since = now
    entry.deniedSince = undefined
    entry.reported = false
    if (entry.order === undefined) return
    entry.order.left--
    entry.order.growing = false
  }

  /**
   * Takes note that `wanted` containers are wanted, of which `starting` are on their way. True when that is a new decision; false when it is part of what
   * was decided before.
   */
  order(entry: ActionDemand, wanted: number, starting: number): boolean {
    const { order } = entry
    // Without an order there may be starts all the same: of one whose need was withdrawn and has come back.
    const covered = order === undefined ? starting > 0 : order.growing || wanted <= order.left
    if (order === undefined || !covered) entry.order = { left: wanted, growing: true }
    else order.left = Math.max(order.left, wanted)
    return !covered
  }

  /** Requests that wait at all routers together, less those that announced slots will take. */
  waiting(entry: ActionDemand, now: number): number {
    let fresh = 0
    let stale = 0
    const taken = new Set<Credit>()
    for (const { parked, seen, creditMs } of entry.byRouter.values()) {
      const unseen = entry.credits.filter(({ sequence, at }) => sequence > seen && now - at < creditMs)
      for (const credit of unseen) taken.add(credit)
      if (unseen.length === 0) fresh += parked
      else stale += parked
    }
    let slots = 0
    for (const credit of taken) slots += credit.slots
    return fresh + Math.max(0, stale - slots)
  }

  /** Forgets what a router stated. */
  dropRouter(router: RouterId): void {
    for (const [key, entry] of this.#demands) {
      entry.byRouter.delete(router)
      if (entry.byRouter.size === 0) this.#demands.delete(key)
    }
  }

  /** Forgets the action: its parked requests were failed. */
  clear(key: ActionKey): void {
    this.#demands.delete(key)
  }

  #open(action: ActionRequirements, now: number): ActionDemand {
    const entry: ActionDemand = {
      action,
      since: now,
      deniedSince: undefined,
      retryAt: 0,
      order: undefined,
      reported: false,
      byRouter: new Map(),
      credits: [],
    }
    this.#demands.set(action.actionKey, entry)
    return entry
  }
}
