/** What a sandbox is to be, as data: each way of building one (bubblewrap, util-linux, the Python zygote, none) carries out the same plan. */

import type { ContainerId } from '../../model/ids.ts'

/** One mount of the sandbox's own root, in order. */
export type SandboxMount =
  | { readonly type: 'bind'; readonly source: string; readonly target: string }
  | { readonly type: 'symlink'; readonly source: string; readonly target: string }
  | { readonly type: 'tmpfs'; readonly target: string; readonly sizeMb: number; readonly mode: string }
  | { readonly type: 'proc'; readonly target: string }
  | { readonly type: 'dev'; readonly target: string }

export type NetworkMode = 'host' | 'isolated' | 'none'

export interface SandboxPlan {
  readonly id: ContainerId
  /** Binds are read-only; the root itself is read-only too. */
  readonly mounts: readonly SandboxMount[]
  /** Numeric user and group of the container; undefined where the platform is not root: its own user then, inside a user namespace. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** `cgroup.procs` files (one on v2, one a controller on v1) that the first process joins before it runs any user code. */
  readonly cgroupProcs: readonly string[]
  readonly network: NetworkMode
  /** Path of a prepared network namespace to join (`isolated`). */
  readonly networkNamespace?: string
  /** File with the raw seccomp BPF program (8 bytes an instruction); undefined where none can be loaded. */
  readonly seccompFile?: string
  readonly rlimits: { readonly openFiles: number; readonly processes?: number; readonly fileBytes: number }
  readonly hostname: string
  readonly workingDirectory: string
  /** The container's whole environment: nothing of the platform's is inherited. */
  readonly environment: Readonly<Record<string, string>>
}
