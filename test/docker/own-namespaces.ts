/**
 * Network, mount and process namespaces for a run of the Docker tests. What an engine does to a host (bridges, iptables chains, mounts, processes) happens in
 * there and is gone with them, even after a SIGKILL; several runs, and a Docker of the host's own, do not meet. There is no way out of them to any network.
 */

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const DIRECTORY = 'TEST_DOCKER_DIRECTORY'
const PREFIX = 'stave-docker-'
const CGROUPS = '/sys/fs/cgroup'
const TOOLS: Readonly<Record<string, string>> = {
  dockerd: 'docker.io',
  iptables: 'iptables',
  ip: 'iproute2',
  unshare: 'util-linux',
  setpriv: 'util-linux',
}

/** How often, and in ms how far apart, the removal of a control group is tried. */
const BUSY_ATTEMPTS = 100
const BUSY_MS = 50

const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']

/** Process 1: waits for the command and reaps what the engine leaves behind. */
const FIRST_PROCESS = '"$@" & wait $!'

/** Why no engine can be started here, in a sentence that says what would help; undefined when one can. */
export function missingForEngine(): string | undefined {
  if (process.platform !== 'linux') return 'dockerd needs Linux: set DOCKER_HOST to an engine'
  if (process.getuid?.() !== 0) return 'dockerd needs root: run as root, or set DOCKER_HOST to an engine'
  const missing = Object.entries(TOOLS).filter(([tool]) => !isInstalled(tool))
  if (missing.length === 0) return refusedNamespaces()
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ')
  return `${missing.map(([tool]) => tool).join(', ')} not found: apt-get install ${packages}, or set DOCKER_HOST to an engine`
}

/** Root of a container may not be allowed to. */
function refusedNamespaces(): string | undefined {
  const { status, stderr } = spawnSync('unshare', [...NAMESPACES, 'true'], { encoding: 'utf8' })
  return status === 0 ? undefined : `no namespaces can be made here (${stderr.trim()}): set DOCKER_HOST to an engine`
}

/** The directory of this run's own namespaces; undefined outside of any. */
export function ownDirectory(): string | undefined {
  return process.env[DIRECTORY]
}

/** Runs `command` in fresh namespaces and resolves with its exit code, when all of its processes and what they left on disk are gone. */
export async function runInOwnNamespaces(command: readonly string[]): Promise<number> {
  removeAbandoned()
  const directory = mkdtempSync(join(tmpdir(), PREFIX))
  writeFileSync(join(directory, 'owner'), JSON.stringify({ pid: process.pid, started: startOf(process.pid) }))
  const child = spawn(
    'setpriv',
    [
      // Whatever ends this process ends unshare, which ends process 1, which ends all the others.
      ...['--pdeathsig', 'KILL', 'unshare', ...NAMESPACES],
      ...['sh', '-c', FIRST_PROCESS, 'sh', ...command],
    ],
    { stdio: 'inherit', env: { ...process.env, [DIRECTORY]: directory } },
  )
  // unshare heeds no other signal; nothing in the namespaces needs a farewell.
  const end = (): void => void child.kill('SIGKILL')
  process.on('SIGTERM', end).on('SIGINT', end)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject).once('close', (code) => resolve(code ?? 1))
    })
  } finally {
    process.off('SIGTERM', end).off('SIGINT', end)
    removeRun(directory)
  }
}

/** Removes what runs left whose process is gone. */
function removeAbandoned(): void {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue
    const directory = join(tmpdir(), name)
    try {
      const owner = JSON.parse(readFileSync(join(directory, 'owner'), 'utf8')) as { pid: number; started: string }
      if (startOf(owner.pid) === owner.started) continue
    } catch {
      // Being made this moment by another run, or half removed: only the former matters, and it is empty.
      if (readdirSync(directory).length === 0) continue
    }
    removeRun(directory)
  }
}

function removeRun(directory: string): void {
  const name = directory.slice(tmpdir().length + 1)
  const groups = ['.', ...readdirSync(CGROUPS)].map((hierarchy) => join(CGROUPS, hierarchy, name))
  for (const group of groups) thaw(group)
  for (const group of groups) removeGroups(group)
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
}

/** A process that is frozen does not even die. */
function thaw(group: string): void {
  for (const file of globSync(join(group, '**/freezer.state'))) writeFileSync(file, 'THAWED')
  for (const file of globSync(join(group, '**/cgroup.freeze'))) writeFileSync(file, '0')
}

/** Control groups are removed from the innermost out; their files are no files. One whose last process has just ended is busy for a moment. */
function removeGroups(path: string): void {
  if (!existsSync(path)) return
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroups(join(path, entry.name))
  }
  for (let left = BUSY_ATTEMPTS; ; left--) {
    try {
      return rmdirSync(path)
    } catch (error) {
      if (left === 0 || !(error instanceof Error && 'code' in error && error.code === 'EBUSY')) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_MS)
    }
  }
}

/** When the process began, in ticks since the machine's start: tells it from a later one of the same number. */
function startOf(pid: number): string | undefined {
  try {
    // Behind the name, which is in brackets and may hold anything, it is the twentieth field.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19]
  } catch {
    return undefined
  }
}

function isInstalled(tool: string): boolean {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return directories.some((directory) => existsSync(join(directory, tool)))
}
