/**
 * No sandbox: the runtime as a plain process of the host, for macOS and for hosts that allow nothing better. Only the control group, where there is
 * one, the resource limits and a user of its own (as root) hold it; it sees the host's files as far as that user may read them.
 */

import { initCommand, startJoined } from './sandbox-scripts.ts'
import type { ProcessStarter } from './started-process.ts'
import { privilegeArguments } from './unshare.ts'

const UNPRIVILEGED = ['--no-new-privs', '--pdeathsig', 'KILL', '--']

export interface PlainOptions {
  readonly sh: string
  /** Absolute path of `setpriv` where root is to become the plan's user and die with the platform; undefined: neither. */
  readonly setpriv: string | undefined
}

/** Starts containers as plain processes. */
export function createPlainStarter(options: PlainOptions): ProcessStarter {
  return {
    start(plan, launcher, shell) {
      const user = options.setpriv === undefined ? undefined : plan.user
      const privileges =
        options.setpriv === undefined
          ? []
          : // An ordinary user may not touch the bounding set, which means nothing without new privileges.
            [options.setpriv, ...(user === undefined ? UNPRIVILEGED : privilegeArguments(user))]
      const command = [...privileges, ...initCommand(options.sh, plan, launcher.hostCommand)]
      const directory = plan.hostDirectory
      return startJoined(options.sh, plan, { command, directory, seccompFile: undefined }, shell)
    },
    close: () => Promise.resolve(),
  }
}
