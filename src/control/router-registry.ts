/** The routers that listen, and what each of them has been told. */

import type { PoolEvent, RouterId } from './pool-protocol.ts'

interface Listening {
  readonly listener: (event: PoolEvent) => void
  /** Events up to this one are in the snapshot that the router got. */
  readonly joinedAt: number
}

export class RouterRegistry {
  readonly #routers = new Map<RouterId, Listening>()
  readonly #failed: (router: RouterId, error: unknown) => void

  /** `failed` is told of listeners that throw: their events are lost to them, nobody else is affected. */
  constructor(failed: (router: RouterId, error: unknown) => void) {
    this.#failed = failed
  }

  get size(): number {
    return this.#routers.size
  }

  /** Registers a router, in place of an earlier one of the same id. Answers whether a later `leave` is still its own. */
  join(router: RouterId, listener: (event: PoolEvent) => void, sequence: number): { isCurrent(): boolean } {
    const entry: Listening = { listener, joinedAt: sequence }
    this.#routers.set(router, entry)
    return { isCurrent: () => this.#routers.get(router) === entry }
  }

  leave(router: RouterId): void {
    this.#routers.delete(router)
  }

  deliver(event: PoolEvent): void {
    for (const [router, { listener, joinedAt }] of this.#routers) {
      if (event.sequence <= joinedAt) continue
      try {
        listener(event)
      } catch (error) {
        this.#failed(router, error)
      }
    }
  }
}
