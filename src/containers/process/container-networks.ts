/** The networks of containers: what each mode of the configuration means on this host. */

import type { NetworkMode } from './sandbox-plan.ts'

/** A network of one container. */
export interface NetworkLease {
  /** Path of its network namespace, where it has a name. */
  readonly namespace?: string
  /** Put in front of the command that builds the sandbox: enters the network and goes on to the rest. */
  readonly command: readonly string[]
  /** Gives it back when no process is in it any more. */
  release(): Promise<void>
}

export interface ContainerNetworks {
  readonly mode: NetworkMode
  /** Base URL of the API as containers reach it (`__OW_API_HOST`). */
  readonly apiHost: string
  /** Address of this host inside the containers' network, where the API must listen as well; undefined where its own addresses are reached. */
  readonly apiAddress: string | undefined
  /** Files shown in place of the host's, by path: resolv.conf and hosts of a network of its own. */
  readonly files: Readonly<Record<string, string>>
  /** A network for one container; undefined where a sandbox needs nothing prepared (`host`, `none`). Rejects when it cannot be made. */
  lease(): Promise<NetworkLease | undefined>
  /** Removes what was prepared. Idempotent. */
  close(): Promise<void>
}

/** Modes that need nothing prepared: the host's network as it is, or an empty namespace that the sandbox makes itself. */
export function unpreparedNetworks(mode: 'host' | 'none', apiHost: string): ContainerNetworks {
  return {
    mode,
    apiHost,
    apiAddress: undefined,
    files: {},
    lease: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  }
}
