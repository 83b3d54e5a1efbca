/**
 * The sandbox built from util-linux alone: `unshare` makes the namespaces, one `mount -a` the whole file system, `pivot_root` leaves the host's
 * behind, `setpriv` gives up the user and every capability. It works for root, and for an ordinary user inside a user namespace of its own.
 *
 * Processes: the platform's child is `unshare` itself, outside the namespaces. It takes the container's first process with it (`--kill-child`),
 * and that one all others: the kernel ends a process namespace with its first process.
 */

import { writeFileSync } from 'node:fs'
import type { HostTools } from './host-tools.ts'
import type { ProcessShim } from './process-shim.ts'
import type { PerlBuilder } from './perl-builder.ts'
import { perlBuildCommand, perlMountTable, tmpfsOptions } from './perl-builder.ts'
import type { RuntimeLauncher } from './runtime-launcher.ts'
import type { SandboxMount, SandboxPlan } from './sandbox-plan.ts'
import { initCommand, startJoined } from './sandbox-scripts.ts'
import type { ProcessStarter } from './started-process.ts'

/** The programs this way of building needs, all present. */
export interface UnshareTools {
  readonly sh: string
  readonly unshare: string
  readonly setpriv: string
  readonly mount: string
  readonly umount: string
  readonly pivotRoot: string
  readonly hostname: string | undefined
  readonly ip: string | undefined
}

export interface UnshareOptions {
  readonly tools: UnshareTools
  /** True: the platform is root and containers get users of the plan; false: its own user, inside a user namespace. */
  readonly root: boolean
  /** Builds the inside in one process; undefined: the programs of util-linux do, and `shim` loads the filter. */
  readonly perl: PerlBuilder | undefined
  readonly shim: ProcessShim | undefined
  /** Where the mount table of a container is written: a file that belongs to it and goes with it. */
  readonly mountTable: (plan: SandboxPlan) => string
}

/**
 * Runs as the container's first process, still privileged. Arguments: root, mount table, host name, working directory, `ip` or `-`, command.
 * The old root's mount point is part of every root directory. A host name that may not be set is left as it is; loopback that cannot be raised stays down.
 */
const BUILD_SCRIPT = `
root=$1 table=$2 name=$3 work=$4 ip=$5 hostname=$6 mount=$7 pivot=$8 umount=$9; shift 9
[ "$hostname" = - ] && { echo "$name" > /proc/sys/kernel/hostname; } 2>/dev/null
[ "$hostname" = - ] || "$hostname" "$name" 2>/dev/null
[ "$ip" = - ] || "$ip" link set lo up 2>/dev/null
"$mount" -n -a -T "$table" && cd "$root" && "$pivot" . .old && "$umount" -n -l /.old && cd "$work" && unset OLDPWD && exec "$@"
exit 125
`

/** The util-linux programs, or the names of those that are missing. */
export function unshareTools(tools: HostTools): UnshareTools | readonly string[] {
  const { sh, unshare, setpriv, mount, umount, pivotRoot } = tools
  if (!sh || !unshare || !setpriv || !mount || !umount || !pivotRoot) {
    const wanted = { sh, unshare, setpriv, mount, umount, pivot_root: pivotRoot }
    return Object.entries(wanted).flatMap(([name, path]) => (path === undefined ? [name] : []))
  }
  const { hostname, ip } = tools
  return { sh, unshare, setpriv, mount, umount, pivotRoot, hostname, ip }
}

/** Starts containers with util-linux. */
export function createUnshareStarter(options: UnshareOptions): ProcessStarter {
  return {
    async start(plan, launcher, shell) {
      const table = options.perl === undefined ? mountTable(plan, options.root) : perlMountTable(plan)
      writeFileSync(options.mountTable(plan), table, { mode: 0o600 })
      const { seccompFile } = plan
      return startJoined(
        options.tools.sh,
        plan,
        { command: unshareCommand(plan, launcher, options), seccompFile },
        shell,
      )
    },
    close: () => Promise.resolve(),
  }
}

function unshareCommand(plan: SandboxPlan, launcher: RuntimeLauncher, options: UnshareOptions): readonly string[] {
  const { tools, root } = options
  return [
    ...plan.networkCommand,
    tools.unshare,
    ...(root ? [] : ['--user', '--map-root-user']),
    ...['--mount', '--pid', '--ipc', '--uts', '--cgroup', ...(plan.network === 'none' ? ['--net'] : [])],
    ...['--fork', '--kill-child', '--propagation', 'private', '--'],
    ...(options.perl === undefined
      ? shellBuildCommand(plan, options)
      : perlBuildCommand(options.perl, plan, options.mountTable(plan))),
    ...initCommand('/bin/sh', plan, launcher.command),
  ]
}

/** The command that builds the inside of the sandbox with util-linux and goes on to what follows it. */
function shellBuildCommand(
  plan: SandboxPlan,
  { tools, root, shim, mountTable: at }: UnshareOptions,
): readonly string[] {
  return [
    tools.sh,
    '-c',
    BUILD_SCRIPT,
    'stave-build',
    plan.root,
    at(plan),
    plan.hostname,
    plan.workingDirectory,
    plan.network === 'none' ? (tools.ip ?? '-') : '-',
    root ? '-' : (tools.hostname ?? '-'),
    tools.mount,
    tools.pivotRoot,
    tools.umount,
    tools.setpriv,
    ...privilegeArguments(plan.user),
    ...(shim?.command ?? []),
  ]
}

/**
 * Arguments of `setpriv` that leave a process without any privilege. A change of user clears the parent-death signal, therefore it is set again.
 * In a user namespace groups cannot be cleared; there they give no access to files that the user had none to.
 */
export function privilegeArguments(user: SandboxPlan['user']): readonly string[] {
  return [
    ...(user === undefined ? [] : ['--reuid', String(user.uid), '--regid', String(user.gid), '--clear-groups']),
    ...['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', '--pdeathsig', 'KILL', '--'],
  ]
}

/** The plan's mounts in the format of fstab(5), the root first. */
function mountTable(plan: SandboxPlan, isRoot: boolean): string {
  const root = field(plan.root)
  const lines = [`${root} ${root} none bind,ro,nosuid,nodev 0 0`]
  for (const mount of plan.mounts) lines.push(`${mountLine(mount, field(plan.root + mount.target), isRoot)} 0 0`)
  return `${lines.join('\n')}\n`
}

function mountLine(mount: SandboxMount, target: string, isRoot: boolean): string {
  switch (mount.type) {
    case 'bind':
      // In a user namespace the kernel refuses to show a directory without what the host has mounted below it; but the options hold for the upper mount only.
      return `${field(mount.source)} ${target} none ${isRoot ? 'bind' : 'rbind'},ro,nosuid,nodev`
    case 'device':
      return `${field(mount.source)} ${target} none bind,nosuid`
    case 'tmpfs':
      return `tmpfs ${target} tmpfs ${tmpfsOptions(mount)},nosuid,nodev`
    case 'proc':
      return `proc ${target} proc nosuid,nodev,noexec`
    default:
      return mount satisfies never
  }
}

/** A path as a field of fstab: blanks and backslashes in octal. */
function field(path: string): string {
  return path.replace(/[\s\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`)
}
