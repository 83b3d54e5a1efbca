/** Finds the control groups that this process may use: v2 where it has the memory controller, else v1, else none. */

import { readFileSync } from 'node:fs'
import type { Cgroups } from './cgroups.ts'
import type { Hierarchy } from '../host/cgroup-files.ts'
import { isCode, makeGroup, parseHierarchies, readControl, readPids, writeControl } from '../host/cgroup-files.ts'
import { openCgroupV1 } from './cgroup-v1.ts'
import { openCgroupV2 } from './cgroup-v2.ts'

const PLATFORM_GROUP = 'stave-platform'

export interface CgroupSearch {
  readonly cgroups?: Cgroups
  /** Why there are none, or why some controllers are missing. */
  readonly reasons: readonly string[]
}

/** Opens the group `group` (a name that is unique to the data directory) where this process may make one. Linux only; elsewhere finds nothing. */
export function openCgroups(group: string): CgroupSearch {
  const hierarchies = findHierarchies()
  if (hierarchies.length === 0) return { reasons: ['this host has no control groups'] }
  const unified = hierarchies.find(({ version }) => version === 2)
  const reasons: string[] = []
  if (unified !== undefined && readControl(`${unified.mountPoint}/cgroup.controllers`)?.includes('memory') === true) {
    for (const parent of v2Parents(unified)) {
      try {
        return { cgroups: openCgroupV2(parent(), group), reasons }
      } catch (error) {
        reasons.push(error instanceof Error ? error.message : String(error))
      }
    }
    return { reasons }
  }
  const cgroups = openCgroupV1(hierarchies, group)
  return cgroups === undefined ? { reasons: ['no control group hierarchy can be written'] } : { cgroups, reasons }
}

function findHierarchies(): readonly Hierarchy[] {
  try {
    return parseHierarchies(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'))
  } catch (error) {
    if (isCode(error, 'ENOENT')) return []
    throw error
  }
}

/**
 * Places for the containers' groups, best first: below this process's own group, which a service manager delegates (`Delegate=yes`) and inside which
 * its limits hold; beside it (a user's systemd instance); the root of the hierarchy, which alone may hold processes and have controllers at once.
 */
function v2Parents(unified: Hierarchy): readonly (() => string)[] {
  const { own, mountPoint } = unified
  const beside = own.slice(0, own.lastIndexOf('/'))
  return [
    () => (own === mountPoint && !isContainerRoot(mountPoint) ? own : vacate(own)),
    ...(beside.startsWith(`${mountPoint}/`) ? [() => beside] : []),
    ...(own === mountPoint ? [] : [() => mountPoint]),
  ]
}

/** True where the visible root is a container's group: it has the files of an ordinary group. */
function isContainerRoot(mountPoint: string): boolean {
  return readControl(`${mountPoint}/cgroup.type`) !== undefined
}

/** Moves this process into a group below its own, so that its own may have controllers. Throws when it shares its group with others. */
function vacate(own: string): string {
  // An earlier start in this process, or the process that started this one, has moved already.
  if (own.endsWith(`/${PLATFORM_GROUP}`)) return own.slice(0, -PLATFORM_GROUP.length - 1)
  const others = readPids(own).filter((pid) => pid !== process.pid)
  if (others.length > 0) {
    throw new Error(
      `the control group ${own} is shared with other processes: start the platform as a service with Delegate=yes`,
    )
  }
  makeGroup(`${own}/${PLATFORM_GROUP}`)
  writeControl(`${own}/${PLATFORM_GROUP}/cgroup.procs`, String(process.pid))
  return own
}
