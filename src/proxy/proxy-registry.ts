/** The container proxies of this node, by container id: where a router finds the way into a container, and what reports their use to the control plane. */

import type { Container } from '../containers/container-factory.ts'
import type { Cancel, Clock, Timers } from '../model/clock.ts'
import type { ActivationId, ContainerId } from '../model/ids.ts'
import type { ContainerProxy, ProxySettings } from './container-proxy.ts'
import type { ProxyCounters } from './proxy-counters.ts'
import { createContainerProxy } from './container-proxy.ts'
import { newProxyCounters } from './proxy-counters.ts'

export interface ProxyRegistryDeps {
  readonly clock: Clock
  readonly timers: Timers
  readonly settings: ProxySettings
  /** To the control plane: the container must be removed. */
  readonly discard: (id: ContainerId, reason: string) => void
  /** To the control plane: in flight now, and monotonic ms of the last use. */
  readonly reportUse: (id: ContainerId, inFlight: number, lastUsed: number) => void
}

export interface ProxyRegistry {
  readonly counters: ProxyCounters
  readonly size: number
  /** Makes the proxy of a container that is ready for its init. */
  adopt(container: Container, start: 'cold' | 'stem'): void
  find(id: ContainerId): ContainerProxy | undefined
  /** Ids of all runs under way on this node. */
  activations(): readonly ActivationId[]
  start(): void
  stop(): void
}

/** How often use is reported: the control plane's idle timeouts are minutes. */
const REPORT_INTERVAL_MS = 1000

/** An empty registry. */
export function createProxyRegistry(deps: ProxyRegistryDeps): ProxyRegistry {
  const proxies = new Map<ContainerId, ContainerProxy>()
  const reported = new Map<ContainerId, number>()
  const counters = newProxyCounters()
  let cancel: Cancel | undefined

  function report(): void {
    for (const [id, proxy] of proxies) {
      if (proxy.inFlight === 0 && reported.get(id) === proxy.lastUsed) continue
      reported.set(id, proxy.inFlight === 0 ? proxy.lastUsed : -1)
      deps.reportUse(id, proxy.inFlight, proxy.lastUsed)
    }
    cancel = deps.timers.after(REPORT_INTERVAL_MS, report)
  }

  return {
    counters,
    get size() {
      return proxies.size
    },
    adopt(container, start) {
      const { id } = container.spec
      const { clock, timers, settings } = deps
      const discard = (reason: string): void => deps.discard(id, reason)
      proxies.set(id, createContainerProxy(container, start, { clock, timers, settings, discard, counters }))
      void container.ended.then(() => {
        proxies.delete(id)
        reported.delete(id)
      })
    },
    find: (id) => proxies.get(id),
    activations: () => [...proxies.values()].flatMap((proxy) => proxy.activations()),
    start() {
      cancel ??= deps.timers.after(REPORT_INTERVAL_MS, report)
    },
    stop() {
      cancel?.()
      cancel = undefined
    },
  }
}
