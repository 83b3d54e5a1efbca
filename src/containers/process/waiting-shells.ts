/**
 * Shells that have joined a control group of their own and wait to be told what to become. Joining is what a start waits for longest: the kernel lets a
 * process into a control group only after a grace period of RCU, 7 to 20 ms when none has joined in a while. So it is done ahead, together with making the
 * groups and the fork. A shell that waits is no container yet: it has no user code, no user and no record; it ends when the platform does, and the next
 * start finds its group among the left over ones.
 */

import { rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { CgroupLeaf, CgroupLimits, Cgroups } from './cgroups.ts'
import type { FactoryLog } from './settings.ts'
import type { Become, StartedProcess, WaitingProcess } from './started-process.ts'
import { spawnWithPipes } from './started-process.ts'

/** A shell that was taken: whoever took it has its group, too, and ends both. */
export interface WaitingShell extends WaitingProcess {
  /** The group that it is in, with the limits that were asked for. */
  readonly leaf: CgroupLeaf
  readonly process: StartedProcess
}

export interface WaitingShells {
  readonly waiting: number
  /** A shell whose group has these limits; undefined when none waits. */
  take(limits: CgroupLimits): WaitingShell | undefined
  /** Ends all that wait. Idempotent. */
  close(): Promise<void>
}

export interface WaitingShellsOptions {
  readonly sh: string
  readonly cgroups: Cgroups
  /** Private to the platform: where the shells find what they are to become. */
  readonly directory: string
  readonly processes: number
  readonly log: FactoryLog
  /** True while containers are being started: new shells wait for the end of that. */
  readonly isBusy: () => boolean
}

/** Two starts in a row find one; a burst is bounded by the processors anyway. */
const KEPT = 2
/** A taken one is replaced after so long, in ms, when nothing is being started: its fork must not delay what it was taken for. */
const REPLACE_AFTER_MS = 50
/** A host on which shells keep failing is left alone. */
const MAX_FAILURES = 3
const END_MS = 2000
/** Enough for a shell; the container that it becomes has its own. */
const LIMITS = { memoryMb: 64, cpuShare: 0.1 }

/**
 * Joins the groups, tells so on descriptor 4, reads the path of a script there and goes on to it. The path alone, since a shell reads lines of a pipe
 * a byte at a time. Its end without a line is the platform's.
 */
const SCRIPT = `
while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done
echo >&4
read -r script <&4 || exit 0
. "$script"
exit 125
`

interface Shell {
  readonly leaf: CgroupLeaf
  readonly process: StartedProcess
  readonly orders: Socket
  readonly scriptFile: string
}

/** Keeps shells waiting from the first moment without starts on. */
export function keepWaitingShells(options: WaitingShellsOptions): WaitingShells {
  const { cgroups } = options
  const ready = new Set<Shell>()
  const all = new Set<Shell>()
  let number = 0
  let failures = 0
  let preparing: Promise<void> | undefined
  let closed = false
  let timer: NodeJS.Timeout | undefined

  function refill(): void {
    if (closed || timer !== undefined || preparing !== undefined) return
    if (ready.size >= KEPT || failures >= MAX_FAILURES) return
    timer = setTimeout(() => {
      timer = undefined
      if (options.isBusy()) return refill()
      preparing = prepare()
        .catch((error: unknown) => {
          failures++
          options.log.warn({ err: error }, 'no shell could be prepared for the next container')
        })
        .finally(() => {
          preparing = undefined
          refill()
        })
    }, REPLACE_AFTER_MS).unref()
  }

  async function prepare(): Promise<void> {
    const name = `waiting-${++number}`
    const leaf = cgroups.create(name, { ...LIMITS, processes: options.processes })
    try {
      const command = [options.sh, '-c', SCRIPT, 'stave-waiting', ...leaf.procs, '--'] as const
      const { orders, ...process } = await spawnWithPipes([...command], { environment: {}, orders: true })
      const shell = { leaf, process, orders, scriptFile: join(options.directory, name) }
      all.add(shell)
      orders.on('error', () => undefined)
      const joined = new Promise<boolean>((resolve) => {
        orders.once('data', () => resolve(true))
        void process.exited.then(() => {
          resolve(false)
          if (!all.has(shell)) return
          // It ended while it waited: nobody else will remove its group.
          all.delete(shell)
          ready.delete(shell)
          void removeGroup(leaf)
          refill()
        })
      })
      if (!(await joined)) throw new Error('the shell ended before it had joined its control group')
      if (closed) return
      failures = 0
      ready.add(shell)
    } catch (error) {
      await removeGroup(leaf)
      throw error
    }
  }

  refill()
  return {
    get waiting() {
      return ready.size
    },
    take(limits) {
      for (const shell of ready) {
        ready.delete(shell)
        refill()
        const { leaf, process } = shell
        const fits = !cgroups.controls.memory || leaf.setMemory(limits.memoryMb)
        if (fits && leaf.setCpuShare(limits.cpuShare)) {
          all.delete(shell)
          return { leaf, process, become: (what) => become(shell, what) }
        }
        leaf.kill()
      }
      return undefined
    },
    async close() {
      closed = true
      clearTimeout(timer)
      // The shells do not keep this process alive; their end is waited for all the same.
      const hold = setInterval(() => undefined, END_MS)
      try {
        await preparing
        await Promise.all([...all].map(({ leaf }) => removeGroup(leaf)))
      } finally {
        clearInterval(hold)
      }
    },
  }
}

function become({ process, orders, scriptFile }: Shell, what: Become): StartedProcess {
  writeFileSync(scriptFile, scriptOf(what), { mode: 0o600 })
  // The script replaces descriptor 4 or closes it: from then on the file is not needed.
  orders.once('close', () => rmSync(scriptFile, { force: true }))
  orders.resume().end(`${scriptFile}\n`)
  return process
}

function scriptOf({ command, environment, directory, seccompFile }: Become): string {
  const variables = Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(value)}\n`)
  return (
    `cd ${quoted(directory)} || exit 125\nunset script OLDPWD\n` +
    `exec 4<${seccompFile === undefined ? '&-' : `${quoted(seccompFile)} || exit 125`}\n` +
    `${variables.join('')}exec ${command.map((word) => quoted(word)).join(' ')}\n`
  )
}

/** A word as the shell reads it back, whatever is in it. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

/** The processes in it have been killed or have ended; the kernel lets go of the group a moment later. */
async function removeGroup(leaf: CgroupLeaf): Promise<void> {
  for (let waitedMs = 0; waitedMs < END_MS; waitedMs += 5) {
    leaf.kill()
    if (leaf.remove()) return
    await delay(5)
  }
}
