/**
 * Control groups of the first version, one hierarchy a controller. Where a v2 hierarchy is mounted beside them (a hybrid host, as systemd leaves it)
 * it freezes and kills instead of the v1 freezer: processes frozen by v2 can be killed, and `cgroup.kill` takes a whole tree at once.
 */

import type { CgroupControls, CgroupLeaf, CgroupLimits, Cgroups } from './cgroups.ts'
import { cpuShares } from './cgroups.ts'
import type { Hierarchy } from '../host/cgroup-files.ts'
import {
  controlCount,
  killAll,
  makeGroup,
  readControl,
  readPids,
  removeGroup,
  tryWriteControl,
  writeControl,
} from '../host/cgroup-files.ts'
import { unifiedFreezer, v1Freezer } from '../host/freezer.ts'

/** The directories below which leaves are made; undefined: that controller is not to be had. */
interface Parents {
  readonly memory?: string
  readonly pids?: string
  readonly cpu?: string
  readonly freezer?: string
  readonly unified?: string
}

/** Control groups `group` below this process's own group in each hierarchy that can be written. Undefined when none can. */
export function openCgroupV1(hierarchies: readonly Hierarchy[], group: string): Cgroups | undefined {
  const parents: Parents = Object.fromEntries(
    (['memory', 'pids', 'cpu', 'freezer', 'unified'] as const).flatMap((name) => {
      const hierarchy = hierarchies.find(({ version, controllers }) =>
        name === 'unified' ? version === 2 : version === 1 && controllers.includes(name),
      )
      const directory = hierarchy === undefined ? undefined : `${hierarchy.own}/${group}`
      return directory !== undefined && canMake(directory, name === 'unified') ? [[name, directory]] : []
    }),
  )
  if (Object.keys(parents).length === 0) return undefined
  const controls: CgroupControls = {
    memory: parents.memory !== undefined,
    processes: parents.pids !== undefined,
    cpu: parents.cpu !== undefined,
    freezer: parents.unified !== undefined || parents.freezer !== undefined,
  }
  return {
    version: 'v1',
    controls,
    groups: Object.values(parents),
    create: (name, limits) => createLeaf(parents, name, limits),
    close() {
      for (const directory of Object.values(parents)) removeGroup(directory)
    },
  }
}

function canMake(directory: string, unified: boolean): boolean {
  try {
    makeGroup(directory)
    // A v2 group without a freezer is older than Linux 5.2: of no use here.
    return !unified || readControl(`${directory}/cgroup.freeze`) !== undefined
  } catch {
    return false
  }
}

function createLeaf(parents: Parents, name: string, limits: CgroupLimits): CgroupLeaf {
  const at = (parent: string | undefined): string | undefined =>
    parent === undefined ? undefined : `${parent}/${name}`
  const memory = at(parents.memory)
  const pids = at(parents.pids)
  const cpu = at(parents.cpu)
  const stop = at(parents.unified ?? parents.freezer)
  // One directory may serve two controllers that are mounted together.
  const directories = [...new Set([memory, pids, cpu, stop].filter((directory) => directory !== undefined))]
  try {
    for (const directory of directories) makeGroup(directory)
    if (memory !== undefined && !limitMemory(memory, limits.memoryMb * 1024 * 1024)) {
      throw new Error(`the kernel does not take ${limits.memoryMb} MB as memory limit`)
    }
    if (pids !== undefined) writeControl(`${pids}/pids.max`, String(limits.processes))
    if (cpu !== undefined) writeControl(`${cpu}/cpu.shares`, String(cpuShares(limits.cpuShare)))
  } catch (error) {
    for (const directory of directories) removeGroup(directory)
    throw error
  }
  const freezer =
    stop === undefined ? undefined : parents.unified === undefined ? v1Freezer(stop) : unifiedFreezer(stop)
  const allPids = (): readonly number[] => [...new Set(directories.flatMap((directory) => readPids(directory)))]
  return {
    procs: directories.map((directory) => `${directory}/cgroup.procs`),
    directories,
    canFreeze: freezer !== undefined,
    freeze() {
      if (freezer === undefined) throw new Error('no freezer on this host')
      freezer.freeze()
    },
    thaw: () => freezer?.thaw(),
    isFrozen: () => freezer?.isFrozen() ?? false,
    kill() {
      freezer?.kill()
      killAll(allPids())
    },
    pids: allPids,
    oomKills: () => (memory === undefined ? 0 : controlCount(`${memory}/memory.oom_control`, 'oom_kill')),
    setMemory: (memoryMb) => memory !== undefined && limitMemory(memory, memoryMb * 1024 * 1024),
    setCpuShare: (share) => cpu === undefined || tryWriteControl(`${cpu}/cpu.shares`, String(cpuShares(share))),
    remove: () => directories.map((directory) => removeGroup(directory)).every(Boolean),
  }
}

/**
 * Sets memory and memory+swap to the same value, in the order in which the kernel accepts it: the sum must never be below its part.
 * The second file is missing where swap is not accounted.
 */
function limitMemory(directory: string, bytes: number): boolean {
  const limit = `${directory}/memory.limit_in_bytes`
  const total = `${directory}/memory.memsw.limit_in_bytes`
  const current = Number(readControl(limit) ?? '0')
  if (bytes < current) {
    if (!tryWriteControl(limit, String(bytes))) return false
    tryWriteControl(total, String(bytes))
    return true
  }
  tryWriteControl(total, String(bytes))
  return tryWriteControl(limit, String(bytes))
}
