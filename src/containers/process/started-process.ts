/** A started runtime process as the factory sees it, whatever built its sandbox; and how one is spawned from the platform itself. */

import type { ChildProcess, StdioOptions } from 'node:child_process'
import { spawn } from 'node:child_process'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { RuntimeLauncher } from './runtime-launcher.ts'
import type { SandboxPlan } from './sandbox-plan.ts'

/** How the process ended; exactly one of the two is set. Both are undefined when it is only known to be gone. */
export interface ProcessExit {
  readonly code?: number
  readonly signal?: string
}

export interface StartedProcess {
  /** Host process id: killing it ends the whole sandbox where there is one. */
  readonly pid: number
  readonly stdin: Writable
  /** Descriptor 3 of the runtime. */
  readonly answers: Readable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves once, when the process has ended; never rejects. Output may still be in the streams. */
  readonly exited: Promise<ProcessExit>
}

/**
 * Builds the sandbox and starts the launcher in it; `shell` is in the plan's control groups already and becomes the container. Rejects when nothing could be spawned; a sandbox that fails later just
 * exits, with the reason on stderr.
 */
export type StartProcess = (
  plan: SandboxPlan,
  launcher: RuntimeLauncher,
  shell?: WaitingProcess,
) => Promise<StartedProcess>

/** What a process that waits is to become. */
export interface Become {
  readonly command: readonly string[]
  /** The whole environment. */
  readonly environment: Readonly<Record<string, string>>
  readonly directory: string
  /** Opened as descriptor 4; undefined: that is closed. */
  readonly seccompFile: string | undefined
}

/** A process with pipes on descriptors 0 to 3 that waits to be told what to become. */
export interface WaitingProcess {
  /** To be called once. Throws when it cannot be told. */
  become(what: Become): StartedProcess
}

/** A way of starting processes that may own processes or files of its own. */
export interface ProcessStarter {
  readonly start: StartProcess
  /** Releases what the starter itself holds; containers are not its business. Idempotent. */
  close(): Promise<void>
}

/** Exit status of our scripts when the sandbox could not be built, so that it is told from what the runtime does. */
export const SETUP_FAILED = 125

type Command = readonly [string, ...string[]]

export interface SpawnOptions {
  readonly environment: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly user?: { readonly uid: number; readonly gid: number }
}

/** Spawns a command with pipes on descriptors 0 to 3, in a session of its own: a Ctrl-C at the platform's terminal is not for the containers. */
export function spawnWithPipes(command: Command, options: SpawnOptions): Promise<StartedProcess>
/** The same with a way of telling it something on descriptor 4, and of hearing from it there. As long as it is not read from it does not keep this process alive. */
export function spawnWithPipes(
  command: Command,
  options: SpawnOptions & { readonly orders: true },
): Promise<StartedProcess & { readonly orders: Socket }>
export async function spawnWithPipes(
  command: Command,
  options: SpawnOptions & { readonly orders?: true },
): Promise<StartedProcess & { readonly orders?: Socket }> {
  const [file, ...args] = command
  const stdio: StdioOptions = ['pipe', 'pipe', 'pipe', 'pipe', ...(options.orders === true ? ['pipe' as const] : [])]
  const child = spawn(file, args, {
    stdio,
    cwd: options.cwd ?? '/',
    env: options.environment,
    detached: true,
    ...(options.user !== undefined && { uid: options.user.uid, gid: options.user.gid }),
  })
  const { stdin, stdout, stderr, pid } = child
  const answers = child.stdio[3]
  const orders = child.stdio[4]
  if (pid === undefined || stdin === null || stdout === null || stderr === null || !isReadable(answers)) {
    throw await spawnFailure(child, file)
  }
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve({ ...(code !== null && { code }), ...(signal !== null && { signal }) })
    })
  })
  // After the spawn only a failed kill is reported here; how the process ended is told by 'exit'.
  child.on('error', () => undefined)
  const started = { pid, stdin, answers, stdout, stderr, exited }
  if (!(orders instanceof Socket)) return started
  child.unref()
  return { ...started, orders: orders.unref() }
}

function isReadable(stream: unknown): stream is Readable {
  return typeof stream === 'object' && stream !== null && 'read' in stream
}

function spawnFailure(child: ChildProcess, file: string): Promise<Error> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      resolve(new Error(`cannot start ${file}: ${error.message}`, { cause: error }))
    })
  })
}
