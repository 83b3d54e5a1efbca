/**
 * Ends all containers when the platform dies without having stopped them (kill -9, a crash): a shell that holds the end of a pipe and does nothing
 * until it is closed. Parent-death signals alone do not do it: the kernel drops them where the dying parent (bubblewrap, without capabilities) is of
 * another user than the child. What the guard cannot reach the next start removes.
 */

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * A line on standard input is an orderly end; its closing without one is not. Frozen processes of v1 die only when they are thawed.
 * The last loop is for plain processes that have left their session: see `startedBelow` in process-table.ts.
 */
const SCRIPT = `
read -r line && exit 0
cd "$1" || exit 1
for file in containers/*/pid; do read -r pid < "$file" && kill -s KILL -- "-$pid"; done 2>/dev/null
while read -r group; do
  for leaf in "$group"/*/; do
    { echo 1 > "$leaf/cgroup.kill"; } 2>/dev/null && continue
    while read -r pid; do kill -9 "$pid"; done 2>/dev/null < "$leaf/cgroup.procs"
    { echo THAWED > "$leaf/freezer.state"; } 2>/dev/null
  done
done 2>/dev/null < cgroups
for file in $(grep -Fls "=$1/containers/" /proc/[0-9]*/environ); do
  pid=\${file#/proc/}
  kill -s KILL "\${pid%/environ}"
done 2>/dev/null
`

const CLOSE_MS = 1000

export interface PlatformGuard {
  /** Ends the guard without harm to anybody. Idempotent. */
  close(): Promise<void>
}

/** Starts the guard of a run directory: it reads `cgroups` and `containers/ID/pid` there, when the time has come. */
export function startPlatformGuard(sh: string, runDir: string): PlatformGuard {
  const guard: ChildProcess = spawn(sh, ['-c', SCRIPT, 'stave-guard', runDir], {
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
    env: {},
    detached: true,
  })
  // A guard that cannot be started or has been killed is missed only when the platform dies as well; the next start cleans up then.
  const over = new Promise<void>((resolve) => {
    guard.on('error', () => {
      resolve()
    })
    guard.once('exit', () => {
      resolve()
    })
  })
  guard.stdin?.on('error', () => undefined)
  guard.unref()
  return {
    async close() {
      guard.stdin?.end('\n')
      // Holds the event loop, which the guard itself does not, but no longer than the guard takes.
      const timeout = new AbortController()
      await Promise.race([over, delay(CLOSE_MS, undefined, { signal: timeout.signal })]).finally(() => {
        timeout.abort()
      })
    },
  }
}
