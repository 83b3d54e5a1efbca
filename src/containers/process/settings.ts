/** What the process factory is told, and what it tells about itself. */

import type { Resources } from '../container-factory.ts'
import type { NetworkMode } from './sandbox-plan.ts'

/** How containers are kept apart from the host, best first. */
export type SandboxLevel = 'bubblewrap' | 'unshare' | 'none'
export const SANDBOX_LEVELS: readonly SandboxLevel[] = ['bubblewrap', 'unshare', 'none']

export interface ProcessFactorySettings {
  /** This host as a node of the pool; empty: its own name. */
  readonly nodeName: string
  /** `auto`: the best that works on this host. A named level that does not work fails the start. */
  readonly sandbox: SandboxLevel | 'auto'
  readonly network: NetworkMode
  readonly uidFirst: number
  readonly uidCount: number
  /** Size of /tmp and of the working directory, each. */
  readonly tmpMb: number
  readonly openFiles: number
  /** Processes and threads of one container. */
  readonly processes: number
  readonly fileBytes: number
  /** 0: four fifths of what the host or this process's control group has. */
  readonly memoryMb: number
  /** 0: all CPUs of the host. */
  readonly cpuMilli: number
  /** Other named resources of this node. */
  readonly resources: Resources
  readonly maxAnswerBytes: number
  /** Base URL of the API for `__OW_API_HOST`. With an isolated network its host is replaced by `apiAddress()` when that is a loopback name. */
  readonly apiHost: string
  readonly startTimeoutMs: number
  /** Starts under way at once; 0: the number of CPUs. */
  readonly maxConcurrentStarts: number
  /** The operator trusts all users: plain processes are accepted although other hosts can connect. */
  readonly trusted: boolean
  /** The platform listens on loopback only. */
  readonly loopback: boolean
}

/** Where the factory logs; pino's methods fit. */
export interface FactoryLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}
