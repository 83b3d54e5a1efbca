/** Everything a container holds on the host besides its processes (user, control group, directory, network), taken together and given back together. */

import { chownSync, mkdirSync } from 'node:fs'
import { release as kernelRelease } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ContainerSpec } from '../container-factory.ts'
import { ContainerStartError } from '../container-factory.ts'
import { killAll } from '../host/cgroup-files.ts'
import type { CgroupLeaf } from './cgroups.ts'
import { bootId, membersOf, readProcess, readProcesses, signalAll, startedBelow } from './process-table.ts'
import type { NetworkLease } from './container-networks.ts'
import type { RuntimeLauncher } from './runtime-launcher.ts'
import type { SandboxHost } from './sandbox-host.ts'
import type { SandboxMount, SandboxPlan } from './sandbox-plan.ts'
import { WORKING_DIRECTORY } from './root-directory.ts'
import type { SandboxLevel } from './settings.ts'
import type { StartedProcess, WaitingProcess } from './started-process.ts'
import type { WaitingShells } from './waiting-shells.ts'

/** Killed processes are gone in a few ms; only one that hangs in the kernel (a dead network file system) takes longer. */
const REMOVAL_TIMEOUT_MS = 20_000

export interface Reservation {
  readonly plan: SandboxPlan
  readonly leaf: CgroupLeaf | undefined
  /** A process that is in the leaf already and can become the container. */
  readonly shell: WaitingProcess | undefined
  /** Notes the started process on disk, so that it is found after a crash. */
  started(process: StartedProcess): void
  /** Ends every process of the container and gives everything back. Idempotent, never rejects; what could not be removed is logged and left to the next start. */
  release(): Promise<void>
}

/** Takes what one container needs; a waiting shell where there is one in `shells`. Rejects with `ContainerStartError`; nothing is left then. */
export async function reserve(
  host: SandboxHost,
  spec: ContainerSpec,
  launcher: RuntimeLauncher,
  shells?: WaitingShells,
): Promise<Reservation> {
  const { records, users, cgroups, settings } = host
  const uid = users?.take()
  if (users !== undefined && uid === undefined) {
    throw new ContainerStartError(
      'noCapacity',
      `all ${users.count} users of containers are taken (containers.uidCount)`,
    )
  }
  let leaf: CgroupLeaf | undefined
  let process: StartedProcess | undefined
  let releasing: Promise<void> | undefined
  const network = await host.networks.lease().catch((error: unknown) => {
    if (uid !== undefined) users?.giveBack(uid)
    throw new ContainerStartError('startFailed', 'no network for the container', { cause: error })
  })
  const release = async (): Promise<void> => {
    if (!(await endProcesses(leaf, process, records.directory(spec.id)))) {
      // Its user and its record stay taken: another container must not get a user whose processes still live.
      host.log.warn({ container: spec.id, pid: process?.pid }, 'processes of a container could not be ended')
      return
    }
    try {
      records.remove(spec.id)
      await network?.release()
    } catch (error) {
      host.log.warn({ container: spec.id, err: error }, 'leftovers of a container could not be removed')
    }
    if (uid !== undefined) users?.giveBack(uid)
  }
  const record = { id: spec.id, labels: spec.labels, bootId: bootId() }
  try {
    const limits = {
      memoryMb: spec.memoryMb,
      processes: settings.processes,
      cpuShare: cpuShare(spec, host.capacity),
    }
    const shell = shells?.take(limits)
    process = shell?.process
    leaf = shell?.leaf ?? cgroups?.create(spec.id, limits)
    records.write({ ...record, cgroups: [...(leaf?.directories ?? [])] })
    const hostDirectory = join(records.directory(spec.id), 'work')
    if (host.level === 'none') {
      mkdirSync(hostDirectory, { mode: 0o700 })
      if (uid !== undefined) chownSync(hostDirectory, uid, uid)
    }
    return {
      plan: makePlan(host, spec, launcher, { uid, leaf, hostDirectory, network }),
      leaf,
      shell,
      started(startedProcess) {
        process = startedProcess
        const { pid } = startedProcess
        records.write({
          ...record,
          process: { pid, started: readProcess(pid)?.started ?? '' },
          cgroups: [...(leaf?.directories ?? [])],
        })
      },
      release: () => (releasing ??= release()),
    }
  } catch (error) {
    await release()
    throw new ContainerStartError('startFailed', `cannot prepare the container: ${messageOf(error)}`, { cause: error })
  }
}

function makePlan(
  host: SandboxHost,
  spec: ContainerSpec,
  launcher: RuntimeLauncher,
  held: {
    readonly uid: number | undefined
    readonly leaf: CgroupLeaf | undefined
    readonly hostDirectory: string
    readonly network: NetworkLease | undefined
  },
): SandboxPlan {
  const { settings, root, level } = host
  const home = level === 'none' ? held.hostDirectory : WORKING_DIRECTORY
  return {
    id: spec.id,
    root: root.path,
    mounts: [...root.mounts, ...privateMounts(settings.tmpMb)],
    ...(held.uid !== undefined && { user: { uid: held.uid, gid: held.uid } }),
    cgroupProcs: held.leaf?.procs ?? [],
    network: settings.network,
    networkCommand: held.network?.command ?? [],
    ...(held.network?.namespace !== undefined && { networkNamespace: held.network.namespace }),
    ...(host.seccompFile !== undefined && { seccompFile: host.seccompFile }),
    ...(host.hideAbstractSockets && { hideAbstractSockets: true }),
    rlimits: {
      openFiles: settings.openFiles,
      ...(canLimitProcesses(level, held.uid !== undefined) && { processes: settings.processes }),
      fileBytes: settings.fileBytes,
    },
    hostname: 'action',
    workingDirectory: WORKING_DIRECTORY,
    hostDirectory: held.hostDirectory,
    environment: {
      ...launcher.environment,
      ...(level !== 'none' && launcher.sandboxEnvironment),
      HOME: home,
      ...(level === 'none' && { TMPDIR: home }),
      __OW_API_HOST: host.networks.apiHost,
      ...(spec.concurrent && { __OW_ALLOW_CONCURRENT: 'true' }),
    },
  }
}

/** Shared memory is for a few semaphores and buffers; more of it than this was never asked of OpenWhisk. */
const SHARED_MEMORY_MB = 64

/** What is the container's own. The memory that it fills counts towards its limit. */
function privateMounts(tmpMb: number): readonly SandboxMount[] {
  return [
    { type: 'proc', target: '/proc' },
    { type: 'tmpfs', target: '/tmp', sizeMb: tmpMb, mode: '1777' },
    { type: 'tmpfs', target: WORKING_DIRECTORY, sizeMb: tmpMb, mode: '1777' },
    { type: 'tmpfs', target: '/dev/shm', sizeMb: Math.min(tmpMb, SHARED_MEMORY_MB), mode: '1777' },
  ]
}

/**
 * The limit on processes counts those of a user: the host's other processes of that user would count, too, unless the container has a user of its
 * own, or a user namespace on a kernel that counts in each (Linux 5.14).
 */
export function canLimitProcesses(level: SandboxLevel, ownUser: boolean): boolean {
  const [major = 0, minor = 0] = kernelRelease().split('.').map(Number)
  return ownUser || (level !== 'none' && (major > 5 || (major === 5 && minor >= 14)))
}

/** The container's part of the node's CPU time: what it asked for, else in proportion to its memory as OpenWhisk has it. */
function cpuShare(spec: ContainerSpec, capacity: { readonly memoryMb: number; readonly cpuMilli: number }): number {
  const share = spec.cpuMilli > 0 ? spec.cpuMilli / capacity.cpuMilli : spec.memoryMb / capacity.memoryMb
  return Math.min(1, share)
}

/** Kills until nothing is left, thawing first: a process frozen by the v1 freezer does not die. False after the time limit. */
async function endProcesses(
  leaf: CgroupLeaf | undefined,
  started: StartedProcess | undefined,
  directory: string,
): Promise<boolean> {
  const exited = started?.exited ?? Promise.resolve({})
  const state = { gone: started === undefined }
  void exited.then(() => (state.gone = true))
  const until = performance.now() + REMOVAL_TIMEOUT_MS
  let pauseMs = 1
  for (;;) {
    killOnce(leaf, state.gone ? undefined : started, directory)
    await Promise.race([exited, delay(pauseMs)])
    if (state.gone && (leaf === undefined || leaf.remove())) return true
    if (performance.now() > until) return false
    if (state.gone) await delay(pauseMs)
    pauseMs = Math.min(50, pauseMs * 2)
  }
}

function killOnce(leaf: CgroupLeaf | undefined, started: StartedProcess | undefined, directory: string): void {
  try {
    leaf?.thaw()
  } catch {
    // Without a freezer nothing is frozen; the kill below tells whether it worked.
  }
  leaf?.kill()
  // Without a control group the tree must be read before its root dies: orphans are not found by descent any more.
  if (started === undefined) return
  if (leaf === undefined) {
    const processes = readProcesses()
    signalAll([...membersOf(processes, started.pid), ...startedBelow(processes, directory)], 'SIGKILL')
  }
  killAll([started.pid])
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
