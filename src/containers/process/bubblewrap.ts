/**
 * The sandbox built by bubblewrap (`bwrap`), for root and for ordinary users. As root it keeps the three capabilities that an inner `setpriv` needs
 * to become the container's user: with bubblewrap's own `--uid` the process would be that user inside a user namespace but root on the host.
 */

import type { ProcessShim } from './process-shim.ts'
import type { RuntimeLauncher } from './runtime-launcher.ts'
import type { SandboxMount, SandboxPlan } from './sandbox-plan.ts'
import { initCommand, startJoined } from './sandbox-scripts.ts'
import type { ProcessStarter } from './started-process.ts'
import { privilegeArguments } from './unshare.ts'

export interface BubblewrapTools {
  readonly sh: string
  readonly bwrap: string
  readonly setpriv: string
}

export interface BubblewrapOptions {
  readonly tools: BubblewrapTools
  /** True: the platform is root and containers get users of the plan. */
  readonly root: boolean
  readonly shim: ProcessShim | undefined
}

/** Starts containers with bubblewrap. */
export function createBubblewrapStarter(options: BubblewrapOptions): ProcessStarter {
  return {
    start(plan, launcher, shell) {
      const { seccompFile } = plan
      return startJoined(
        options.tools.sh,
        plan,
        { command: bubblewrapCommand(plan, launcher, options), seccompFile },
        shell,
      )
    },
    close: () => Promise.resolve(),
  }
}

function bubblewrapCommand(
  plan: SandboxPlan,
  launcher: RuntimeLauncher,
  { tools, root, shim }: BubblewrapOptions,
): readonly string[] {
  return [
    ...plan.networkCommand,
    tools.bwrap,
    ...(root ? [] : ['--unshare-user']),
    ...['--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup-try'],
    ...(plan.network === 'none' ? ['--unshare-net'] : []),
    ...['--hostname', plan.hostname, '--die-with-parent', '--new-session', '--as-pid-1'],
    ...['--cap-drop', 'ALL'],
    ...(root ? ['--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID', '--cap-add', 'CAP_SETPCAP'] : []),
    ...['--ro-bind', plan.root, '/'],
    ...plan.mounts.flatMap((mount) => mountArguments(mount)),
    ...['--chdir', plan.workingDirectory],
    ...(plan.seccompFile === undefined ? [] : ['--seccomp', '4']),
    '--',
    ...(root ? [tools.setpriv, ...privilegeArguments(plan.user)] : []),
    ...(shim?.command ?? []),
    ...initCommand('/bin/sh', plan, launcher.command),
  ]
}

function mountArguments(mount: SandboxMount): readonly string[] {
  switch (mount.type) {
    case 'bind':
      return ['--ro-bind', mount.source, mount.target]
    case 'device':
      return ['--dev-bind', mount.source, mount.target]
    case 'tmpfs':
      return ['--perms', mount.mode, '--size', String(mount.sizeMb * 1024 * 1024), '--tmpfs', mount.target]
    case 'proc':
      return ['--proc', mount.target]
    default:
      return mount satisfies never
  }
}
