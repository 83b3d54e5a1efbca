/** Control groups of containers: one leaf a container, below a group that bears the data directory's name, so that a later process finds what is left. */

/** What one container may use. */
export interface CgroupLimits {
  readonly memoryMb: number
  readonly processes: number
  /** The container's part of the node's CPU time, above 0 and at most 1. */
  readonly cpuShare: number
}

/** The control group of one container. Every method is a handful of synchronous file operations, well below a millisecond. */
export interface CgroupLeaf {
  /** `cgroup.procs` files that the container's first process writes itself into. */
  readonly procs: readonly string[]
  /** Directories to remove after an unclean end. */
  readonly directories: readonly string[]
  /** False: there is no freezer; `freeze` throws, `thaw` does nothing. */
  readonly canFreeze: boolean
  /** Asks the kernel to stop all processes; they have stopped when `isFrozen` says so. Throws when it cannot be asked. */
  freeze(): void
  /** Lets the processes run again; done on return. Throws when it cannot be asked. */
  thaw(): void
  isFrozen(): boolean
  /** Kills every process in it, frozen ones, too. Never throws. */
  kill(): void
  pids(): readonly number[]
  /** Processes that the kernel killed because the memory bound was reached. */
  oomKills(): number
  /** Sets the bound on memory and swap together. False: not possible here, or more is in use than the new bound allows. */
  setMemory(memoryMb: number): boolean
  /** Sets the container's part of the CPU time. False: not possible here. */
  setCpuShare(share: number): boolean
  /** Removes the groups. False: processes are left in it; try again. */
  remove(): boolean
}

/** Which of the protections a hierarchy gives. */
export interface CgroupControls {
  readonly memory: boolean
  readonly processes: boolean
  readonly cpu: boolean
  readonly freezer: boolean
}

export interface Cgroups {
  readonly version: 'v1' | 'v2'
  readonly controls: CgroupControls
  /** Directories of the groups that hold the leaves. */
  readonly groups: readonly string[]
  /** Makes a leaf. Throws when the kernel refuses; nothing is left then. */
  create(name: string, limits: CgroupLimits): CgroupLeaf
  /** Removes empty groups that this object made for all containers together. */
  close(): void
}

/** CPU shares as OpenWhisk gives them to Docker: `max(2, 1024 * share)`. */
export function cpuShares(share: number): number {
  return Math.max(2, Math.round(1024 * share))
}

/** The same as a v2 weight, by the conversion that runc and systemd use: 2..262144 becomes 1..10000. */
export function cpuWeight(share: number): number {
  return Math.max(1, Math.min(10000, Math.round(1 + ((cpuShares(share) - 2) * 9999) / 262142)))
}
