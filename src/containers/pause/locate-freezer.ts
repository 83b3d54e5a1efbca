/** Where the freezer of an engine's container is, on hosts with control groups of version 1, of version 2, and of both. */

import { accessSync, constants, readFileSync } from 'node:fs'
import { readControl } from '../host/cgroup-files.ts'
import type { Freezer } from '../host/freezer.ts'
import { unifiedFreezer, v1Freezer } from '../host/freezer.ts'
import type { PauseTarget } from './pause-strategy.ts'

/** Which freezers a host has below the place where its control groups are mounted; `hybrid` is v1 with an additional v2. */
export type CgroupVersion = 'v1' | 'v2' | 'hybrid' | 'none'

export type Location =
  | { readonly freezer: Freezer }
  /** Why it cannot be had, with what would change that. */
  | { readonly unreachable: string }

export interface CgroupPlaces {
  /** Where the control groups are mounted: `docker.paths.cgroup`. */
  readonly root: string
  /** Where processes are listed. */
  readonly proc: string
}

const ENGINE_ID = /[0-9a-f]{64}/

/** What is mounted at `root`. */
export function detectCgroupVersion(root: string): CgroupVersion {
  if (readControl(`${root}/cgroup.controllers`) !== undefined) return 'v2'
  const v1 = isReadable(`${root}/freezer`)
  const v2 = readControl(`${root}/unified/cgroup.controllers`) !== undefined
  return v1 ? (v2 ? 'hybrid' : 'v1') : 'none'
}

/**
 * The container's freezer, if this process may write to it. Found by the group that its first process is in, else beside that of the platform's own container,
 * else by the names that engines give to groups: where the platform has process ids of its own, that of the container is of somebody else, or of nobody. Hence a group is only taken when its
 * name has the container's id in it.
 */
export function locateFreezer(places: CgroupPlaces, target: PauseTarget): Location {
  const freezer = findFreezer(places, target)
  if ('unreachable' in freezer) return freezer
  const control = controlFile(freezer.freezer)
  try {
    accessSync(control, constants.W_OK)
    return freezer
  } catch (error) {
    return {
      unreachable: `${control} may not be written (${codeOf(error)}): run the platform as root, and mount docker.paths.cgroup writable where it runs in a container`,
    }
  }
}

/** The same for those who only look. */
export function findFreezer({ root, proc }: CgroupPlaces, target: PauseTarget): Location {
  const { containerId, pid } = target
  if (!/^[0-9a-zA-Z_-]{12,128}$/.test(containerId))
    return { unreachable: `${JSON.stringify(containerId)} is no id of a container` }
  const groups = [...groupsOf(proc, pid), ...siblingGroups(proc, containerId), ...usualGroups(containerId)].flatMap(
    (path) => cutAfter(path, containerId),
  )
  for (const group of groups) {
    // Version 1 first: on hosts that have both, that is the one which the engine itself uses.
    const v1 = `${root}/freezer${group}`
    if (isReadable(`${v1}/freezer.state`)) return { freezer: v1Freezer(v1) }
    for (const v2 of [`${root}${group}`, `${root}/unified${group}`])
      if (isReadable(`${v2}/cgroup.freeze`)) return { freezer: unifiedFreezer(v2) }
  }
  return {
    unreachable:
      detectCgroupVersion(root) === 'none'
        ? `there are no control groups at ${root}: set docker.paths.cgroup`
        : `no control group of container ${containerId.slice(0, 12)} is below ${root}: mount the host’s there, or set docker.paths.cgroup`,
  }
}

/** The freezer's group of a process in version 1, then its group in version 2; none where the process cannot be seen. */
function groupsOf(proc: string, pid: number | 'self'): readonly string[] {
  if (pid !== 'self' && pid <= 0) return []
  let text: string
  try {
    text = readFileSync(`${proc}/${pid}/cgroup`, 'utf8')
  } catch {
    return []
  }
  const lines = text.split('\n').flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    return path === '' ? [] : [{ controllers: controllers.split(','), path }]
  })
  const freezer = lines.filter(({ controllers }) => controllers.includes('freezer'))
  const unified = lines.filter(({ controllers }) => controllers.includes(''))
  return [...freezer, ...unified].map(({ path }) => path)
}

/** Where the container's group is if the platform is a container of the same engine, whose containers all have the same parent. */
function siblingGroups(proc: string, containerId: string): readonly string[] {
  return groupsOf(proc, 'self').flatMap((path) => {
    const sibling = path.replace(ENGINE_ID, containerId)
    return sibling === path ? [] : [sibling]
  })
}

/** Docker's groups by its two drivers, with the default parent. */
function usualGroups(containerId: string): readonly string[] {
  return [`/docker/${containerId}`, `/system.slice/docker-${containerId}.scope`]
}

/** The path up to the part that names the container, what the container has made below it left out; none when no part does, or when it leaves the root. */
function cutAfter(path: string, containerId: string): readonly string[] {
  const parts = path.split('/')
  const at = parts.findIndex((part) => part.includes(containerId))
  return at < 0 || parts.includes('..') ? [] : [parts.slice(0, at + 1).join('/')]
}

function controlFile({ directory }: Freezer): string {
  const v1 = `${directory}/freezer.state`
  return isReadable(v1) ? v1 : `${directory}/cgroup.freeze`
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
