/**
 * The shell scripts that a sandbox starts through. Plain POSIX sh: it is the one interpreter every host has, starts in a millisecond,
 * and as the first process of the container costs 0.2 MB where a script language costs several.
 */

import type { SandboxPlan } from './sandbox-plan.ts'
import type { Become, StartedProcess, WaitingProcess } from './started-process.ts'
import { spawnWithPipes } from './started-process.ts'

/**
 * Joins the control groups, opens the seccomp program as descriptor 4 and goes on to the command.
 * Arguments: seccomp file or `-`, `cgroup.procs` files, `--`, command. It runs as the platform's user: a group is joined before its namespace is made.
 */
const JOIN_SCRIPT = `
seccomp=$1; shift
while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift
[ "$seccomp" = - ] || exec 4<"$seccomp" || exit 125
exec "$@"
`

/**
 * First process of the container: sets the resource limits, starts the runtime, reaps whatever the runtime leaves behind and ends with its status.
 * A runtime that were process 1 itself would not reap, and signals to itself would be lost. It gives up its own descriptors,
 * so that the platform sees the end of a stream when the runtime closes it.
 * Arguments: open files, file size in blocks of 512 bytes, processes or `-`, command.
 * (A shell gives a background command /dev/null as standard input before it looks at redirections, hence descriptor 5.)
 * A limit that cannot be set is already lower on this host. `ulimit` calls the process limit `-u` in bash and `-p` in dash.
 */
const INIT_SCRIPT = `
ulimit -c 0 2>/dev/null
ulimit -n "$1" 2>/dev/null
ulimit -f "$2" 2>/dev/null
[ "$3" = - ] || ulimit -u "$3" 2>/dev/null || ulimit -p "$3" 2>/dev/null
shift 3
exec 5<&0
"$@" <&5 4<&- 5<&- &
exec 5<&- </dev/null >/dev/null 2>&1 3>&- 4<&-
wait $!
exit $?
`

/**
 * Starts a command in the plan's control groups: in a new process that joins them, or in `shell`, which has. `seccompFile` is opened as descriptor 4 for
 * whoever loads it; undefined: nobody does.
 */
export function startJoined(
  sh: string,
  plan: SandboxPlan,
  what: Pick<Become, 'command' | 'seccompFile'> & { readonly directory?: string },
  shell: WaitingProcess | undefined,
): Promise<StartedProcess> {
  const { command, seccompFile, directory = '/' } = what
  const { environment } = plan
  if (shell !== undefined) return Promise.resolve(shell.become({ command, environment, directory, seccompFile }))
  const join = [sh, '-c', JOIN_SCRIPT, 'stave-join', seccompFile ?? '-', ...plan.cgroupProcs, '--'] as const
  return spawnWithPipes([...join, ...command], { environment, cwd: directory })
}

/** The container's first process, which sets the plan's limits and runs `command`. */
export function initCommand(sh: string, plan: SandboxPlan, command: readonly string[]): readonly string[] {
  return [sh, '-c', INIT_SCRIPT, 'stave-init', ...limitArguments(plan.rlimits), ...command]
}

/** The resource limits as arguments of `INIT_SCRIPT`. */
function limitArguments(rlimits: SandboxPlan['rlimits']): readonly string[] {
  return [
    String(rlimits.openFiles),
    String(Math.floor(rlimits.fileBytes / 512)),
    rlimits.processes === undefined ? '-' : String(rlimits.processes),
  ]
}
