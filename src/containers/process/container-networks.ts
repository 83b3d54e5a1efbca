/** The networks of containers: what each mode of the configuration means on this host. */

import type { NetworkMode } from './sandbox-plan.ts'

/** A network of one container. */
export interface NetworkLease {
  /** Path of the network namespace to join. */
  readonly namespace: string
  /** Gives it back when no process is in it any more. */
  release(): Promise<void>
}

export interface ContainerNetworks {
  readonly mode: NetworkMode
  /** Address of this host as containers with an isolated network see it; undefined in the other modes. */
  readonly hostAddress: string | undefined
  /** A network for one container; undefined where a sandbox needs nothing prepared (`host`, `none`). Rejects when it cannot be made. */
  lease(): Promise<NetworkLease | undefined>
  /** Removes what was prepared. Idempotent. */
  close(): Promise<void>
}

/** Modes that need nothing prepared: the host's network as it is, or an empty namespace that the sandbox makes itself. */
export function unpreparedNetworks(mode: 'host' | 'none'): ContainerNetworks {
  return {
    mode,
    hostAddress: undefined,
    lease: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  }
}
