/** Interpreters without a platform around them, started and used directly: what cold starts and thawing are compared with. */

import { join } from 'node:path'
import type { SandboxLevel } from '../../src/containers/process/settings.ts'
import type { Child } from '../harness/child.ts'
import type { Workbench } from '../harness/workbench.ts'

export interface BareInterpreter {
  readonly pid: number
  /** Sends one line and resolves with the line that is answered. */
  exchange(line: string): Promise<string>
  /** Loads an action's code and runs it once: the first answer of a cold start. */
  firstAnswer(code: string): Promise<void>
  stop(): Promise<void>
}

const ANSWER_MS = 30_000

/**
 * Commands that give a process the namespaces and the private file systems of a sandbox and nothing else: no control group, no user, no system call
 * filter. One program each, so nothing can be taken away from it.
 */
const SANDBOXES: Readonly<Record<SandboxLevel, readonly string[]>> = {
  bubblewrap: [
    'bwrap',
    ...[
      '--unshare-ipc',
      '--unshare-pid',
      '--unshare-uts',
      '--unshare-cgroup-try',
      '--die-with-parent',
      '--new-session',
    ],
    ...['--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/dev/shm', '--'],
  ],
  unshare: [
    'unshare',
    ...['--mount', '--pid', '--ipc', '--uts', '--cgroup', '--fork', '--kill-child', '--mount-proc'],
    ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
    '--',
  ],
  none: [],
}

/** Starts the evaluator and resolves when it can be written to. */
export async function startInterpreter(bench: Workbench, level: SandboxLevel = 'none'): Promise<BareInterpreter> {
  const command = [...SANDBOXES[level], process.execPath, join(bench.options.root, 'bench/limits/evaluator.cjs')]
  const [file = process.execPath, ...args] = command
  const child = await bench.start(file, args)
  const lines = linesOf(child)
  await lines.next()
  const exchange = (line: string): Promise<string> => {
    const answer = lines.next()
    child.stdin.write(`${line}\n`)
    return answer
  }
  return {
    pid: child.pid,
    exchange,
    async firstAnswer(code) {
      await exchange(JSON.stringify(code))
      await exchange('{}')
    },
    // A sandbox that is killed while it is being built may leave its inner half waiting.
    stop: () => child.stop('input'),
  }
}

/** Lines of the child's descriptor 3; one is waited for at a time. */
function linesOf(child: Child): { next(): Promise<string> } {
  const ready: string[] = []
  let waiting: PromiseWithResolvers<string> | undefined
  let rest = ''
  const fail = (what: string): void => {
    waiting?.reject(new Error(`an interpreter ${what}: ${child.complaints()}`))
    waiting = undefined
  }
  child.answers.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (waiting === undefined) ready.push(line)
      else {
        waiting.resolve(line)
        waiting = undefined
      }
    }
  })
  child.answers.once('close', () => fail('ended without an answer'))
  return {
    next: async () => {
      const line = ready.shift()
      if (line !== undefined) return line
      const answer = Promise.withResolvers<string>()
      waiting = answer
      const timer = setTimeout(() => fail('did not answer'), ANSWER_MS)
      return answer.promise.finally(() => clearTimeout(timer))
    },
  }
}
