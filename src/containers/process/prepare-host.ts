/**
 * Finds out what this host allows and prepares it. Nothing is concluded from versions: each way of building a sandbox runs once, with the settings of
 * real containers, and a script inside looks around. The best one that works is taken.
 */

import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { arch } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../../model/clock.ts'
import { createBubblewrapStarter } from './bubblewrap.ts'
import type { Cgroups } from './cgroups.ts'
import { unpreparedNetworks } from './container-networks.ts'
import type { ContainerNetworks } from './container-networks.ts'
import type { ContainerRecords } from './container-record.ts'
import { openContainerRecords, recordId } from './container-record.ts'
import type { HostTools } from './host-tools.ts'
import { findHostTools } from './host-tools.ts'
import { removeLeftover, removeLeftoverGroups } from './leftovers.ts'
import { createMemoryWatch } from './memory-watch.ts'
import { nodeCapacity } from './node-capacity.ts'
import { openCgroups } from './open-cgroups.ts'
import { createPlainStarter } from './plain.ts'
import { listProtections } from './list-protections.ts'
import { reserve } from './reservation.ts'
import { makeRootDirectory } from './root-directory.ts'
import type { RuntimeLauncher } from './runtime-launcher.ts'
import type { PreparedHost, SandboxHost } from './sandbox-host.ts'
import { seccompArchitecture, seccompProgram } from './seccomp.ts'
import type { SeccompLoader } from './seccomp-loader.ts'
import { findSeccompLoader } from './seccomp-loader.ts'
import type { SelfTestReport } from './self-test.ts'
import { readSelfTest, selfTestLauncher } from './self-test.ts'
import type { FactoryLog, ProcessFactorySettings, SandboxLevel } from './settings.ts'
import { SANDBOX_LEVELS } from './settings.ts'
import type { ProcessStarter } from './started-process.ts'
import { createUnshareStarter, unshareTools } from './unshare.ts'
import { createUserPool } from './user-pool.ts'

const SELF_TEST_MS = 10_000

export interface PreparationOptions {
  readonly settings: ProcessFactorySettings
  readonly launchers: readonly RuntimeLauncher[]
  readonly dataDir: string
  readonly runDir: string
  readonly clock: Clock
  readonly log: FactoryLog
}

interface Rejected {
  readonly level: SandboxLevel
  readonly reason: string
  readonly remedy?: string
}

/** Prepares the host. Rejects with what to do when a forced level or the network cannot be had, or when plain processes would not be safe. */
export async function prepareHost(options: PreparationOptions): Promise<PreparedHost> {
  const { settings, log } = options
  const root = process.getuid?.() === 0
  const tools = findHostTools()
  mkdirSync(options.runDir, { recursive: true, mode: 0o700 })
  const records = openContainerRecords(join(options.runDir, 'containers'))
  const group = `stave-${createHash('sha256').update(options.dataDir).digest('hex').slice(0, 12)}`
  const { cgroups, reasons } = openCgroups(group)
  await removeLeftovers(records, cgroups, log)
  const users = root ? createUserPool(settings.uidFirst, settings.uidCount) : undefined
  const seccomp = prepareSeccomp(tools, options.runDir)
  const uids = users === undefined ? [] : Array.from({ length: users.count }, (_, index) => users.first + index)
  const networks = await openNetworks(settings)
  const base = {
    settings,
    clock: options.clock,
    log,
    capacity: nodeCapacity(settings),
    root: makeRootDirectory(join(options.runDir, 'root'), options.launchers, uids),
    records,
    users,
    cgroups,
    networks,
    memoryWatch: createMemoryWatch(),
    apiHost: settings.apiHost,
  }
  const rejected: Rejected[] = []
  for (const level of settings.sandbox === 'auto' ? SANDBOX_LEVELS : [settings.sandbox]) {
    const starter = starterFor(level, { root, tools, seccomp: seccomp.loader, records })
    if ('reason' in starter) {
      rejected.push({ level, ...starter })
      continue
    }
    const withFilter = level === 'bubblewrap' || (level === 'unshare' && seccomp.loader !== undefined)
    const candidate = {
      ...base,
      level,
      starter: starter.starter,
      seccompFile: withFilter ? seccomp.file : undefined,
    }
    const report = await selfTest(candidate)
    if (typeof report === 'string') {
      rejected.push({ level, reason: report, ...remedyFor(level, root) })
      continue
    }
    const protections = {
      level,
      root,
      network: settings.network,
      protections: listProtections(report, { level, root, cgroups, reasons, tools, network: settings.network }),
      rejected,
    }
    return { ...candidate, protections }
  }
  throw new Error(
    `no sandbox works on this host: ${rejected.map(({ level, reason, remedy }) => `${level}: ${reason}${remedy === undefined ? '' : ` (${remedy})`}`).join('; ')}`,
  )
}

async function removeLeftovers(
  records: ContainerRecords,
  cgroups: Cgroups | undefined,
  log: FactoryLog,
): Promise<void> {
  let found = 0
  for (const id of records.ids()) {
    found++
    if (!(await removeLeftover(records, id))) log.warn({ container: id }, 'a left over container could not be removed')
  }
  found += await removeLeftoverGroups(cgroups?.groups ?? [])
  if (found > 0) log.info({ found }, 'containers of an earlier process were removed')
}

/** Writes the seccomp program; a file, because every way of loading one reads it from a descriptor. */
function prepareSeccomp(
  tools: HostTools,
  runDir: string,
): { readonly file?: string; readonly loader?: SeccompLoader | undefined } {
  const architecture = process.platform === 'linux' ? seccompArchitecture(arch()) : undefined
  if (architecture === undefined) return {}
  const file = join(runDir, 'seccomp.bpf')
  writeFileSync(file, seccompProgram(architecture), { mode: 0o600 })
  return { file, loader: findSeccompLoader(tools, architecture) }
}

async function openNetworks(settings: ProcessFactorySettings): Promise<ContainerNetworks> {
  if (settings.network === 'isolated') throw new Error('isolated networks are not prepared yet')
  return unpreparedNetworks(settings.network)
}

function starterFor(
  level: SandboxLevel,
  on: {
    readonly root: boolean
    readonly tools: HostTools
    readonly seccomp: SeccompLoader | undefined
    readonly records: ContainerRecords
  },
): { readonly starter: ProcessStarter } | { readonly reason: string; readonly remedy?: string } {
  const { tools, root } = on
  const { sh, bwrap, setpriv, nsenter } = tools
  if (sh === undefined) return { reason: 'there is no sh' }
  if (level === 'none') {
    return { starter: createPlainStarter({ sh, setpriv }) }
  }
  if (process.platform !== 'linux') return { reason: `not on ${process.platform}` }
  if (level === 'unshare') {
    const found = unshareTools(tools)
    if (!('sh' in found)) return { reason: `missing: ${found.join(', ')}`, remedy: 'install util-linux' }
    const mountTable = (plan: { readonly id: string }): string => join(on.records.directory(plan.id), 'mounts')
    return { starter: createUnshareStarter({ tools: found, root, seccomp: on.seccomp, mountTable }) }
  }
  if (bwrap === undefined) return { reason: 'bwrap is not installed', remedy: 'install bubblewrap' }
  if (setpriv === undefined) return { reason: 'setpriv is missing', remedy: 'install util-linux' }
  return { starter: createBubblewrapStarter({ tools: { sh, bwrap, setpriv, nsenter }, root }) }
}

function remedyFor(level: SandboxLevel, root: boolean): { readonly remedy?: string } {
  if (level === 'none' || root) return {}
  return {
    remedy:
      'allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 on Debian, kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu',
  }
}

/** Runs the self-test as a container; the report, or why it failed. */
async function selfTest(host: SandboxHost): Promise<SelfTestReport | string> {
  const spec = {
    id: recordId(`self-test-${host.level}`),
    kind: 'self-test',
    image: '',
    memoryMb: 64,
    cpuMilli: 0,
    concurrent: false,
    labels: {},
  }
  const reservation = await reserve(host, spec, selfTestLauncher)
  try {
    const started = await host.starter.start(reservation.plan, selfTestLauncher)
    reservation.started(started)
    started.stdin.on('error', () => undefined)
    started.stdin.end()
    started.answers.resume()
    const said = Promise.all([text(started.stdout), text(started.stderr), started.exited])
    const result = await Promise.race([said, delay(SELF_TEST_MS, undefined, { ref: false })])
    if (result === undefined) return `the self-test did not end within ${SELF_TEST_MS} ms`
    const [stdout, stderr, exit] = result
    const report = readSelfTest(stdout)
    return report ?? (stderr.trim() === '' ? `the self-test ended with ${JSON.stringify(exit)}` : stderr.trim())
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    await reservation.release()
  }
}
