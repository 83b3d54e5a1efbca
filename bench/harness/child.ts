/** A child process of the benchmarks: its first lines are waited for, its complaints kept for the error, its end is made sure of. */

import type { ChildProcess, StdioOptions } from 'node:child_process'
import { spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

export interface ChildOptions {
  readonly env: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Ends by SIGKILL when SIGTERM has not ended it within this time. default 10,000 */
  readonly graceMs?: number
  /** Is told what the child writes to standard error, as it comes. */
  readonly heard?: (text: string) => void
}

export interface Child {
  readonly pid: number
  readonly stdin: Writable
  /** What the child writes to descriptor 3. */
  readonly answers: Readable
  /** performance.now() just before the process was made. */
  readonly startedAt: number
  /** The next line of standard output that contains `mark`. Rejects when the child ends first, with what it said, or after a minute. */
  line(mark: string): Promise<string>
  /** Resolves with all of standard output when the child has ended well; rejects with what it said otherwise. */
  output(): Promise<string>
  /** The same however it has ended. */
  text(): Promise<string>
  /** The end of what it has written to standard error. */
  complaints(): string
  /** Ends it and resolves when it is gone: by the end of its input, or by SIGTERM. Idempotent, never rejects. */
  stop(how?: 'input' | 'signal'): Promise<void>
  /** Ends it at once, without waiting: for the end of this process. */
  kill(): void
}

const LINE_TIMEOUT_MS = 60_000
const ERRORS_KEPT = 4000
/** What was written before the end is read by then. */
const PIPES_MS = 500

/** Starts `file` with pipes on descriptors 0 to 3. Throws when it cannot be started. */
export async function startChild(file: string, args: readonly string[], options: ChildOptions): Promise<Child> {
  const stdio: StdioOptions = ['pipe', 'pipe', 'pipe', 'pipe']
  const startedAt = performance.now()
  const child = spawn(file, args, { stdio, env: options.env, ...(options.cwd !== undefined && { cwd: options.cwd }) })
  const { pid, stdin, stdout, stderr } = child
  const answers = child.stdio[3]
  if (pid === undefined || stdin === null || stdout === null || stderr === null || !isReadable(answers)) {
    throw await startFailure(child, file)
  }
  const state = { out: '', errors: '', ended: false, seen: 0 }
  const waiters = new Set<() => void>()
  const wake = (): void => {
    for (const waiter of waiters) waiter()
  }
  stdout.setEncoding('utf8').on('data', (text: string) => {
    state.out += text
    wake()
  })
  stderr.setEncoding('utf8').on('data', (text: string) => {
    state.errors = (state.errors + text).slice(-ERRORS_KEPT)
    options.heard?.(text)
  })
  // Of a child that has gone; its exit tells.
  for (const stream of [stdin, answers]) stream.on('error', () => undefined)
  child.on('error', () => undefined)
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
  })
  const closed = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      state.ended = true
      wake()
      resolve(code)
    })
  })
  const endedEarly = (): Error =>
    new Error(`${file} ${args.join(' ').slice(0, 200)} ended: ${state.errors || state.out}`.trim())

  return {
    pid,
    stdin,
    answers,
    startedAt,
    line: (mark) =>
      new Promise((resolve, reject) => {
        const settle = (end: () => void): void => {
          clearTimeout(timer)
          waiters.delete(look)
          end()
        }
        const look = (): void => {
          for (let end = state.out.indexOf('\n', state.seen); end >= 0; end = state.out.indexOf('\n', state.seen)) {
            const line = state.out.slice(state.seen, end)
            state.seen = end + 1
            if (line.includes(mark)) return settle(() => resolve(line))
          }
          if (state.ended) settle(() => reject(endedEarly()))
        }
        const late = (): void => settle(() => reject(new Error(`${file} did not print ${mark}: ${state.errors}`)))
        const timer = setTimeout(late, LINE_TIMEOUT_MS)
        waiters.add(look)
        look()
      }),
    output: async () => {
      if ((await closed) !== 0) throw endedEarly()
      return state.out
    },
    text: async () => {
      await closed
      return state.out
    },
    complaints: () => state.errors.trim(),
    stop: async (how = 'signal') => {
      if (state.ended) return
      stdin.end()
      if (how === 'signal') child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), options.graceMs ?? 10_000)
      await exited
      clearTimeout(timer)
      // A process that it left behind may hold its pipes for ever.
      const pipes = setTimeout(() => {
        for (const stream of [stdout, stderr, answers]) stream.destroy()
      }, PIPES_MS)
      await closed
      clearTimeout(pipes)
    },
    kill: () => void child.kill('SIGKILL'),
  }
}

function isReadable(stream: unknown): stream is Readable {
  return typeof stream === 'object' && stream !== null && 'read' in stream
}

function startFailure(child: ChildProcess, file: string): Promise<Error> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(new Error(`cannot start ${file}: ${error.message}`, { cause: error })))
  })
}
