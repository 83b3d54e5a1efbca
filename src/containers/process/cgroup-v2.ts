/** Control groups of the unified hierarchy: freeze and kill in one write, and on hosts that have it alone also memory, processes and CPU. */

import type { CgroupControls, CgroupLeaf, CgroupLimits, Cgroups } from './cgroups.ts'
import { cpuWeight } from './cgroups.ts'
import {
  controlCount,
  makeGroup,
  readControl,
  readPids,
  removeGroup,
  tryWriteControl,
  writeControl,
} from '../host/cgroup-files.ts'
import { unifiedFreezer } from '../host/freezer.ts'

/**
 * Control groups below `parent` on a host where v2 has the controllers. `parent` must hold no process of its own (or be the root of the hierarchy):
 * the kernel gives controllers only to groups without. Throws when they cannot be enabled.
 */
export function openCgroupV2(parent: string, group: string): Cgroups {
  const directory = `${parent}/${group}`
  const available = new Set(readControl(`${parent}/cgroup.controllers`)?.split(' '))
  const wanted = ['memory', 'pids', 'cpu'].filter((name) => available.has(name))
  const enable = wanted.map((name) => `+${name}`).join(' ')
  if (enable !== '') writeControl(`${parent}/cgroup.subtree_control`, enable)
  makeGroup(directory)
  if (enable !== '') writeControl(`${directory}/cgroup.subtree_control`, enable)
  const controls: CgroupControls = {
    memory: wanted.includes('memory'),
    processes: wanted.includes('pids'),
    cpu: wanted.includes('cpu'),
    freezer: readControl(`${directory}/cgroup.freeze`) !== undefined,
  }
  return {
    version: 'v2',
    controls,
    groups: [directory],
    create: (name, limits) => createLeaf(`${directory}/${name}`, limits, controls),
    close() {
      removeGroup(directory)
    },
  }
}

function createLeaf(directory: string, limits: CgroupLimits, controls: CgroupControls): CgroupLeaf {
  makeGroup(directory)
  try {
    if (controls.memory) {
      writeControl(`${directory}/memory.max`, String(limits.memoryMb * 1024 * 1024))
      // Absent on kernels without swap accounting.
      tryWriteControl(`${directory}/memory.swap.max`, '0')
      // The container is one unit: a half killed one would answer nonsense.
      tryWriteControl(`${directory}/memory.oom.group`, '1')
    }
    if (controls.processes) writeControl(`${directory}/pids.max`, String(limits.processes))
    if (controls.cpu) writeControl(`${directory}/cpu.weight`, String(cpuWeight(limits.cpuShare)))
  } catch (error) {
    removeGroup(directory)
    throw error
  }
  const freezer = unifiedFreezer(directory)
  return {
    procs: [`${directory}/cgroup.procs`],
    directories: [directory],
    canFreeze: controls.freezer,
    freeze: () => {
      freezer.freeze()
    },
    thaw: () => {
      freezer.thaw()
    },
    isFrozen: () => freezer.isFrozen(),
    kill: () => {
      freezer.kill()
    },
    pids: () => readPids(directory),
    oomKills: () => controlCount(`${directory}/memory.events`, 'oom_kill'),
    setMemory: (memoryMb) =>
      controls.memory &&
      Number(readControl(`${directory}/memory.current`) ?? '0') <= memoryMb * 1024 * 1024 &&
      tryWriteControl(`${directory}/memory.max`, String(memoryMb * 1024 * 1024)),
    setCpuShare: (share) => !controls.cpu || tryWriteControl(`${directory}/cpu.weight`, String(cpuWeight(share))),
    remove: () => removeGroup(directory),
  }
}
