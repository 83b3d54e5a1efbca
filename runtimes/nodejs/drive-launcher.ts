/** Test support: starts the launcher as the platform does, without a sandbox, and talks to it line by line. */

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const HERE = dirname(fileURLToPath(import.meta.url))
export const LAUNCHER = join(HERE, 'launcher.cjs')
const MODULES = join(HERE, '../../node_modules')
/** No single answer in these tests takes longer on a busy machine. */
const ANSWER_TIMEOUT_MS = 30_000

/** One answer line, taken apart; `lost` when the process ended without one. */
export type Answer = { readonly id?: string; readonly status: number; readonly body: unknown } | 'lost'

export interface DriveOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
}

export interface DrivenLauncher {
  readonly pid: number
  readonly directory: string
  init(value: Readonly<Record<string, unknown>>): Promise<Answer>
  /** Sends a run with that value and the usual context. */
  run(value: unknown, context?: Readonly<Record<string, unknown>>): Promise<Answer>
  /** Sends any text as one line; resolves with the next answer. */
  send(line: string): Promise<Answer>
  /** What the launcher said that runs took, in ms, in the order of their answers. */
  readonly times: readonly number[]
  /** What was printed so far, complete up to the last answer. */
  printed(): { readonly stdout: string; readonly stderr: string }
  /** Stops and goes on reading what the launcher prints. */
  readonly output: readonly Readable[]
  /** Closes standard input, waits for the end and removes the directory. Resolves with the exit code, or the signal's name. */
  end(): Promise<number | string>
}

/** Starts `interpreter` with the launcher in a fresh directory and waits for its first line. */
export async function driveLauncher(interpreter: string, options: DriveOptions = {}): Promise<DrivenLauncher> {
  const directory = mkdtempSync(join(tmpdir(), 'stave-nodejs-'))
  const flags = options.flags ?? []
  const child = spawn(interpreter, [...flags, LAUNCHER, MODULES], {
    cwd: directory,
    env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  })
  const exited = new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
  const { stdin, stdout, stderr, answers } = pipesOf(child)
  const output = { stdout: collect(stdout), stderr: collect(stderr) }
  // A process that ended is told by its answers, not by the write that found out.
  stdin.on('error', () => undefined)
  const waiting: ((answer: Answer) => void)[] = []
  const times: number[] = []
  readLines(answers, (line) => {
    const { answer, tookMs } = parseAnswer(line)
    if (tookMs !== undefined) times.push(tookMs)
    waiting.shift()?.(answer)
  })
  child.once('close', () => {
    for (const resolve of waiting.splice(0)) resolve('lost')
  })

  const next = (): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL')
        reject(new Error('no answer'))
      }, ANSWER_TIMEOUT_MS)
      waiting.push((answer) => {
        clearTimeout(timer)
        // What was written before the answer is in the kernel by now: two turns of the event loop read it.
        setImmediate(() => setImmediate(() => setImmediate(() => resolve(answer))))
      })
    })
  const send = (line: string): Promise<Answer> => {
    const answer = next()
    stdin.write(`${line}\n`)
    return answer
  }
  const ready = await next()
  if (ready === 'lost') throw new Error(`the launcher did not start: ${output.stderr()}`)
  return {
    pid: child.pid ?? 0,
    directory,
    init: (value) => send(JSON.stringify({ value })),
    run: (value, context = {}) => send(JSON.stringify({ value, activation_id: 'a'.repeat(32), ...context })),
    send,
    times,
    printed: () => ({ stdout: output.stdout(), stderr: output.stderr() }),
    output: [stdout, stderr],
    async end() {
      stdin.end()
      const code = await exited
      rmSync(directory, { recursive: true, force: true })
      return code
    },
  }
}

function pipesOf(child: ChildProcess): { stdin: Writable; stdout: Readable; stderr: Readable; answers: Readable } {
  const { stdin, stdout, stderr } = child
  const answers = child.stdio[3]
  if (stdin === null || stdout === null || stderr === null || !(answers instanceof Object && 'read' in answers)) {
    throw new Error('the child has no pipes')
  }
  return { stdin, stdout, stderr, answers }
}

function collect(stream: Readable): () => string {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString('utf8')
}

function readLines(stream: Readable, onLine: (line: string) => void): void {
  let held: Buffer[] = []
  stream.on('data', (chunk: Buffer) => {
    let rest = chunk
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      held.push(rest.subarray(0, end))
      onLine(Buffer.concat(held).toString('utf8'))
      held = []
      rest = rest.subarray(end + 1)
    }
    if (rest.length > 0) held.push(rest)
  })
}

/** `[@ID ][~MICROSECONDS ][+][!STATUS ]JSON` */
function parseAnswer(line: string): { readonly answer: Answer; readonly tookMs: number | undefined } {
  const [, id, took, status, json] = /^(?:@([\w-]+) )?(?:~(\d+) )?\+?(?:!(\d+) )?(.*)$/s.exec(line) ?? []
  const body: unknown = JSON.parse(json ?? '')
  const answer = { ...(id !== undefined && { id }), status: status === undefined ? 200 : Number(status), body }
  return { answer, tookMs: took === undefined ? undefined : Number(took) / 1000 }
}
