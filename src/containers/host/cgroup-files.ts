/** Reading and writing of control group files, and where the kernel shows its hierarchies. */

import { mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'

/** A mounted hierarchy and the place of this process in it. */
export interface Hierarchy {
  /** v1 controllers; empty for v2. */
  readonly controllers: readonly string[]
  readonly version: 1 | 2
  readonly mountPoint: string
  /** Directory of the group that this process is in. */
  readonly own: string
}

/** Text of a control file without its end of line; undefined when it is not there or may not be read. */
export function readControl(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trimEnd()
  } catch {
    return undefined
  }
}

/** Writes a control file; throws the kernel's error. */
export function writeControl(path: string, value: string): void {
  // 'r+' would be enough, but 'w' is what the kernel's files are used to: they ignore truncation.
  writeFileSync(path, value)
}

/** Writes a control file that not every kernel has, or that may refuse; true when it took the value. */
export function tryWriteControl(path: string, value: string): boolean {
  try {
    writeControl(path, value)
    return true
  } catch {
    return false
  }
}

/** Value of `key` in a file of "key value" lines, 0 when absent. */
export function controlCount(path: string, key: string): number {
  const line = readControl(path)
    ?.split('\n')
    .find((text) => text.startsWith(`${key} `))
  return line === undefined ? 0 : Number(line.slice(key.length + 1))
}

export function readPids(directory: string): readonly number[] {
  const text = readControl(`${directory}/cgroup.procs`)
  return text === undefined || text === '' ? [] : text.split('\n').map(Number)
}

/** Makes a group and its parents; throws the kernel's error. */
export function makeGroup(directory: string): void {
  mkdirSync(directory, { recursive: true })
}

/** Directories of the groups directly below one; none when it is not there. */
export function subgroups(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [`${directory}/${entry.name}`] : [],
    )
  } catch {
    return []
  }
}

/** Removes a group with the groups below it (container managers inside containers make some). True when it is gone. */
export function removeGroup(directory: string): boolean {
  try {
    rmdirSync(directory)
    return true
  } catch (error) {
    if (isCode(error, 'ENOENT')) return true
  }
  try {
    for (const below of subgroups(directory)) removeGroup(below)
    rmdirSync(directory)
    return true
  } catch (error) {
    return isCode(error, 'ENOENT')
  }
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/** Sends SIGKILL to processes that may be gone by now. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Gone already, which is what was wanted.
    }
  }
}

/**
 * The hierarchies that are mounted, from the text of /proc/self/mountinfo and /proc/self/cgroup (see cgroups(7) and proc(5)).
 * Inside a container without a cgroup namespace a mount shows only a part of the hierarchy: the paths of /proc/self/cgroup are relative to the whole.
 */
export function parseHierarchies(mountinfo: string, cgroup: string): readonly Hierarchy[] {
  const paths = new Map<string, string>()
  for (const line of cgroup.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line)
    if (match !== null) paths.set(match[1] ?? '', match[2] ?? '/')
  }
  const hierarchies: Hierarchy[] = []
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ')
    const [, , , root, mountPoint] = before?.split(' ') ?? []
    const [type, , options] = after?.split(' ') ?? []
    if (root === undefined || mountPoint === undefined || (type !== 'cgroup' && type !== 'cgroup2')) continue
    const controllers = type === 'cgroup2' ? [] : (options?.split(',') ?? [])
    const key = [...paths.keys()].find((list) =>
      type === 'cgroup2' ? list === '' : list !== '' && list.split(',').every((name) => controllers.includes(name)),
    )
    if (key === undefined) continue
    const path = paths.get(key) ?? '/'
    const relative = root !== '/' && path.startsWith(root) ? path.slice(root.length) : path
    hierarchies.push({
      controllers: type === 'cgroup2' ? [] : key.split(','),
      version: type === 'cgroup2' ? 2 : 1,
      mountPoint,
      own: relative === '/' || relative === '' || relative.includes('..') ? mountPoint : mountPoint + relative,
    })
  }
  return hierarchies
}
