/** What a sandbox is to be, as data: each way of building one (bubblewrap, util-linux, the Python zygote, none) carries out the same plan. */

import type { ContainerId } from '../../model/ids.ts'

/**
 * One mount over the plan's root, in order. Every target exists in the root already, as a directory or file, so that nothing is created per container.
 * All are without set-user-ID; all but devices are without device files.
 */
export type SandboxMount =
  /** Read-only view of a host file or directory. */
  | { readonly type: 'bind'; readonly source: string; readonly target: string }
  /** A device file of the host, usable. */
  | { readonly type: 'device'; readonly source: string; readonly target: string }
  /** Private and writable; `mode` in octal such as `1777`. */
  | { readonly type: 'tmpfs'; readonly target: string; readonly sizeMb: number; readonly mode: string }
  /** The container's own processes only. */
  | { readonly type: 'proc'; readonly target: string }

export type NetworkMode = 'host' | 'isolated' | 'none'

export interface SandboxPlan {
  readonly id: ContainerId
  /** Host directory that becomes the container's root, read-only: empty mount points, links and the files of `/etc` that are made up. */
  readonly root: string
  readonly mounts: readonly SandboxMount[]
  /** Numeric user and group of the container; undefined where the platform is not root: its own user then, inside a user namespace. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** `cgroup.procs` files (one on v2, one a controller on v1) that the first process joins before it runs any user code. */
  readonly cgroupProcs: readonly string[]
  /** `host` shares the host's network, `none` is a new and empty network namespace, `isolated` is entered by `networkCommand`. */
  readonly network: NetworkMode
  /** Put in front of the command that builds the sandbox; empty but for `isolated`. */
  readonly networkCommand: readonly string[]
  /** Path of the network namespace that `networkCommand` enters, where it has a name. */
  readonly networkNamespace?: string
  /** File with the raw seccomp BPF program (8 bytes an instruction); undefined where none can be loaded. */
  readonly seccompFile?: string
  /** Landlock keeps the container from sockets of the host with an abstract name (`network` host, Linux 6.12); absent: it does not. */
  readonly hideAbstractSockets?: boolean
  readonly rlimits: { readonly openFiles: number; readonly processes?: number; readonly fileBytes: number }
  readonly hostname: string
  /** Inside the sandbox; writable. */
  readonly workingDirectory: string
  /** On the host, private to the container and writable by its user: the working directory where there is no sandbox. */
  readonly hostDirectory: string
  /** The container's whole environment: nothing of the platform's is inherited. */
  readonly environment: Readonly<Record<string, string>>
}
