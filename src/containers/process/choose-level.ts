/**
 * Decides how containers are kept apart from this host. Nothing is concluded from versions: each way of building a sandbox runs once, with the
 * settings of real containers, and a script inside looks around. The best that works is taken.
 */

import { realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { createBubblewrapStarter } from './bubblewrap.ts'
import { recordId } from './container-record.ts'
import type { HostTools } from './host-tools.ts'
import { createPlainStarter } from './plain.ts'
import type { ProcessShim } from './process-shim.ts'
import { findProcessShim } from './process-shim.ts'
import type { RejectedLevel } from '../protections.ts'
import { reserve } from './reservation.ts'
import type { RuntimeLauncher } from './runtime-launcher.ts'
import type { SandboxHost } from './sandbox-host.ts'
import type { SeccompArchitecture } from './seccomp.ts'
import type { SelfTestReport } from './self-test.ts'
import { readSelfTest, selfTestLauncher } from './self-test.ts'
import type { SandboxLevel } from './settings.ts'
import { SANDBOX_LEVELS } from './settings.ts'
import type { ProcessStarter } from './started-process.ts'
import { createUnshareStarter, unshareTools } from './unshare.ts'

const SELF_TEST_MS = 10_000
const SELF_TEST_MEMORY_MB = 64

/** A host on which everything is prepared but the way of building sandboxes. */
export type LevellessHost = Omit<SandboxHost, 'level' | 'starter' | 'seccompFile' | 'hideAbstractSockets'>

export interface LevelChoice {
  readonly host: SandboxHost
  readonly report: SelfTestReport
  readonly rejected: readonly RejectedLevel[]
}

export interface LevelOptions {
  readonly root: boolean
  readonly tools: HostTools
  readonly launchers: readonly RuntimeLauncher[]
  /** Where containers without a root of their own have their directories. */
  readonly runDir: string
  /** The seccomp program, where there is one for this architecture. */
  readonly seccomp: { readonly file: string; readonly architecture: SeccompArchitecture } | undefined
}

/** The best level that works. Rejects, with what each level lacks, when none does or when only plain processes would and they are not acceptable. */
export async function chooseLevel(base: LevellessHost, options: LevelOptions): Promise<LevelChoice> {
  const { settings } = base
  const rejected: RejectedLevel[] = []
  for (const level of settings.sandbox === 'auto' ? SANDBOX_LEVELS : [settings.sandbox]) {
    const shim = shimFor(level, base, options)
    const starter = starterFor(level, base, options, shim)
    if ('reason' in starter) {
      rejected.push({ level, ...starter })
      continue
    }
    const filtered = level === 'bubblewrap' || shim?.loadsSeccomp === true
    const host = {
      ...base,
      ...(level === 'none' && !canHaveOtherUsers(options) && { users: undefined }),
      level,
      starter,
      seccompFile: filtered ? options.seccomp?.file : undefined,
      hideAbstractSockets: shim?.hidesAbstractSockets === true,
    }
    const report = await selfTest(host)
    if (typeof report !== 'string') return { host, report, rejected }
    rejected.push({ level, reason: report, ...remedyFor(level, options.root) })
  }
  const why = rejected.map(
    ({ level, reason, remedy }) => `${level}: ${reason}${remedy === undefined ? '' : ` (${remedy})`}`,
  )
  throw new Error(`no sandbox for containers can be built on this host. ${why.join('; ')} (OW003)`)
}

/** Without a root of their own, containers find interpreters, launchers and their directories where the host has them: perhaps where only root may look. */
function canHaveOtherUsers({ launchers, runDir }: LevelOptions): boolean {
  const paths = launchers.flatMap(({ hostCommand }) => hostCommand.filter((part) => part.startsWith('/')))
  return [runDir, ...paths].every((path) => isReachableByOthers(path))
}

function isReachableByOthers(path: string): boolean {
  const real = realpathSync(path)
  for (let directory = dirname(real); ; directory = dirname(directory)) {
    if ((statSync(directory).mode & 0o001) === 0) return false
    if (directory === dirname(directory)) break
  }
  const { mode } = statSync(real)
  return (mode & 0o004) !== 0
}

function shimFor(level: SandboxLevel, base: LevellessHost, options: LevelOptions): ProcessShim | undefined {
  if (level === 'none' || options.seccomp === undefined) return undefined
  return findProcessShim(options.tools, {
    architecture: options.seccomp.architecture,
    seccomp: level === 'unshare',
    hostNetwork: base.settings.network === 'host',
  })
}

function starterFor(
  level: SandboxLevel,
  { settings, records }: LevellessHost,
  { root, tools, seccomp }: LevelOptions,
  shim: ProcessShim | undefined,
): ProcessStarter | Omit<RejectedLevel, 'level'> {
  const { sh, bwrap, setpriv } = tools
  if (sh === undefined) return { reason: 'there is no sh' }
  if (level === 'none') {
    if (settings.network !== 'host') return { reason: `plain processes cannot have the network ${settings.network}` }
    if (!settings.loopback && !settings.trusted) {
      return {
        reason: 'plain processes would run strangers’ code with the rights of this host',
        remedy: 'listen on 127.0.0.1, or say with --trusted that all users are trusted',
      }
    }
    return createPlainStarter({ sh, setpriv })
  }
  if (process.platform !== 'linux') return { reason: `not on ${process.platform}` }
  if (level === 'unshare') {
    const found = unshareTools(tools)
    if (!('sh' in found)) return { reason: `missing: ${found.join(', ')}`, remedy: 'install util-linux' }
    const mountTable = (plan: { readonly id: string }): string => join(records.directory(plan.id), 'mounts')
    const architecture = seccomp?.architecture
    const perl = tools.perl === undefined || architecture === undefined ? undefined : { perl: tools.perl, architecture }
    return createUnshareStarter({ tools: found, root, perl, shim, mountTable })
  }
  if (bwrap === undefined) return { reason: 'bwrap is not installed', remedy: 'install bubblewrap' }
  if (setpriv === undefined) return { reason: 'setpriv is missing', remedy: 'install util-linux' }
  return createBubblewrapStarter({ tools: { sh, bwrap, setpriv }, root, shim })
}

function remedyFor(level: SandboxLevel, root: boolean): { readonly remedy?: string } {
  if (level === 'none') return {}
  return {
    remedy: root
      ? 'inside a container: run it privileged, or with CAP_SYS_ADMIN and without its seccomp and AppArmor profiles'
      : 'allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 on Debian, kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu',
  }
}

/** Runs the self-test as a container; the report, or why it failed. */
async function selfTest(host: SandboxHost): Promise<SelfTestReport | string> {
  const spec = {
    id: recordId(`self-test-${host.level}`),
    kind: selfTestLauncher.kind,
    image: '',
    memoryMb: SELF_TEST_MEMORY_MB,
    cpuMilli: 0,
    concurrent: false,
    labels: {},
  }
  try {
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
      return readSelfTest(stdout) ?? (stderr.trim() || `the self-test ended with ${JSON.stringify(exit)}`)
    } finally {
      await reservation.release()
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
