/** Prepares this host for containers: removes what an earlier process left, opens control groups and networks, makes the root directory, chooses the sandbox. */

import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { arch } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../model/clock.ts'
import { chooseLevel } from './choose-level.ts'
import type { ContainerRecords } from './container-record.ts'
import { openContainerRecords } from './container-record.ts'
import { findHostTools } from './host-tools.ts'
import { removeLeftover, removeLeftoverGroups } from './leftovers.ts'
import { listProtections } from './list-protections.ts'
import { createMemoryWatch } from './memory-watch.ts'
import { nodeCapacity } from './node-capacity.ts'
import { openCgroups } from './open-cgroups.ts'
import { openNetworks } from './open-networks.ts'
import { makeRootDirectory } from './root-directory.ts'
import { startPlatformGuard } from './platform-guard.ts'
import { claimRunDirectory, GROUP_PREFIX } from './run-directory.ts'
import type { RuntimeLauncher } from './runtime-launcher.ts'
import type { PreparedHost } from './sandbox-host.ts'
import type { SeccompArchitecture } from './seccomp.ts'
import { seccompArchitecture, seccompProgram } from './seccomp.ts'
import type { FactoryLog, ProcessFactorySettings } from './settings.ts'
import { createUserPool } from './user-pool.ts'
import { keepWaitingShells } from './waiting-shells.ts'

export interface PreparationOptions {
  readonly settings: ProcessFactorySettings
  readonly launchers: readonly RuntimeLauncher[]
  readonly dataDir: string
  readonly runDir: string
  readonly clock: Clock
  readonly log: FactoryLog
  /** True while a container is being started. */
  readonly isStarting: () => boolean
}

/** Prepares the host. Rejects with what to do about it when something that was asked for cannot be had; nothing is left then. */
export async function prepareHost(options: PreparationOptions): Promise<PreparedHost> {
  const { settings, log, runDir } = options
  const undo: (() => void | Promise<void>)[] = []
  const release = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step()
  }
  try {
    const runDirectory = claimRunDirectory(runDir)
    undo.push(() => {
      runDirectory.release()
    })
    const root = process.getuid?.() === 0
    const tools = findHostTools()
    const records = openContainerRecords(join(runDir, 'containers'))
    const group = groupName(options)
    const { cgroups, reasons } = openCgroups(group)
    undo.push(() => cgroups?.close())
    const groups = cgroups?.groups ?? []
    await removeLeftovers(records, [...new Set([...groups, ...runDirectory.formerGroups])], log)
    runDirectory.noteGroups(groups)
    if (tools.sh !== undefined) {
      const guard = startPlatformGuard(tools.sh, runDir)
      undo.push(() => guard.close())
    }
    const users = root ? createUserPool(settings.uidFirst, settings.uidCount) : undefined
    const networks = await openNetworks({ settings, tools, root, group, runDir })
    undo.push(() => networks.close())
    const uids = users === undefined ? [] : Array.from({ length: users.count }, (_, index) => users.first + index)
    const memoryWatch = createMemoryWatch()
    undo.push(() => {
      memoryWatch.close()
    })
    const base = {
      settings,
      clock: options.clock,
      log,
      capacity: nodeCapacity(settings),
      root: makeRootDirectory(join(runDir, 'root'), options.launchers, uids, networks.files),
      records,
      users,
      cgroups,
      networks,
      memoryWatch,
    }
    const { host, report, rejected } = await chooseLevel(base, {
      root,
      tools,
      launchers: options.launchers,
      runDir,
      seccomp: writeSeccompProgram(runDir),
    })
    const { processes } = settings
    const shells =
      tools.sh === undefined || cgroups === undefined
        ? undefined
        : keepWaitingShells({ sh: tools.sh, cgroups, directory: runDir, processes, log, isBusy: options.isStarting })
    undo.push(() => shells?.close())
    const { network } = settings
    const { level, hideAbstractSockets } = host
    const protections = listProtections(report, { level, root, cgroups, reasons, network, hideAbstractSockets })
    return {
      ...host,
      ...(shells !== undefined && { shells }),
      protections: { level, root, network, protections, rejected },
      release,
    }
  } catch (error) {
    await release()
    throw error
  }
}

/** Both directories name the group: whatever is in it belongs to whoever holds the run directory, and may be killed by him. */
function groupName({ dataDir, runDir }: PreparationOptions): string {
  const digest = createHash('sha256').update(`${dataDir}\0${runDir}`).digest('hex')
  return GROUP_PREFIX + digest.slice(0, 12)
}

async function removeLeftovers(records: ContainerRecords, groups: readonly string[], log: FactoryLog): Promise<void> {
  let found = 0
  for (const id of records.ids()) {
    found++
    if (!(await removeLeftover(records, id))) log.warn({ container: id }, 'a left over container could not be removed')
  }
  // What has lost its record is found by its control group.
  found += await removeLeftoverGroups(groups)
  if (found > 0) log.info({ found }, 'containers of an earlier process were removed')
}

/** Writes the program; a file, because every way of loading one reads it from a descriptor. Undefined for architectures without a table of calls. */
function writeSeccompProgram(
  runDir: string,
): { readonly file: string; readonly architecture: SeccompArchitecture } | undefined {
  const architecture = process.platform === 'linux' ? seccompArchitecture(arch()) : undefined
  if (architecture === undefined) return undefined
  const file = join(runDir, 'seccomp.bpf')
  writeFileSync(file, seccompProgram(architecture), { mode: 0o600 })
  return { file, architecture }
}
