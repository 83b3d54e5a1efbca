/** Test support: starts the launcher as the platform does, without a sandbox, and talks to it line by line. */

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import yazl from 'yazl'
import { createLineChannel } from '../../src/containers/process/line-channel.ts'
import type { ProcessExit } from '../../src/containers/process/started-process.ts'
import { spawnWithPipes } from '../../src/containers/process/started-process.ts'
import type { OutputStream, RuntimeReply } from '../../src/containers/runtime-channel.ts'
import type { ActivationId } from '../../src/model/ids.ts'
import { parseActivationId } from '../../src/model/ids.ts'

export const LAUNCHER = join(dirname(fileURLToPath(import.meta.url)), 'launcher.py')

/** The activation id that every run of the tests has. */
export const ACTIVATION = parseActivationId('0123456789abcdef0123456789abcdef')

/** An answer: HTTP status and the parsed body; `lost` when the process ended without one. */
export type Answer = { readonly status: number; readonly body: unknown } | 'lost'

export interface DrivenLauncher {
  readonly pid: number
  /** Sends `{"value": value}`. */
  init(value: Readonly<Record<string, unknown>>): Promise<Answer>
  /** Sends a run with that value and the usual context. Several may be under way where the launcher is pipelined. */
  run(value: unknown, context?: Readonly<Record<string, unknown>>): Promise<Answer>
  /** What the launcher said that runs took, in ms, in the order of their answers. */
  readonly times: readonly number[]
  /** Sends any line. */
  send(line: string): Promise<Answer>
  /** What was printed so far, complete up to the last answer; with an id only the lines attributed to it. */
  printed(by?: ActivationId): { readonly stdout: string; readonly stderr: string }
  /** Closes standard input and waits for the end. */
  end(): Promise<ProcessExit>
}

/** Starts `interpreter` with the launcher in a fresh directory and waits for its first line. `pipelined`: its init is offered runs ahead of their turn. */
export async function driveLauncher(
  interpreter: string,
  environment: Readonly<Record<string, string>> = {},
  pipelined = true,
): Promise<DrivenLauncher> {
  const directory = mkdtempSync(join(tmpdir(), 'stave-python-'))
  const started = await spawnWithPipes([interpreter, '-I', '-B', LAUNCHER], {
    cwd: directory,
    environment: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', ...environment },
  })
  const channel = createLineChannel(started, 128 * 1024 * 1024)
  const output: { readonly stream: OutputStream; readonly id: ActivationId | undefined; readonly chunk: Buffer }[] = []
  channel.onOutput = (stream, chunk, id) => void output.push({ stream, id, chunk: Buffer.from(chunk) })
  const textOf = (name: OutputStream, by: ActivationId | undefined): string => {
    const wanted = output.filter(({ stream, id }) => stream === name && (by === undefined || id === by))
    return Buffer.concat(wanted.map(({ chunk }) => chunk)).toString('utf8')
  }
  await channel.ready
  const times: number[] = []
  const answered = (send: (done: (reply: RuntimeReply) => void) => void): Promise<Answer> =>
    new Promise((resolve) => {
      send((reply) => {
        if (reply.type === 'answer' && reply.tookMs !== undefined) times.push(reply.tookMs)
        const answer =
          reply.type === 'answer' ? { status: reply.status, body: parse(reply.body.toString('utf8')) } : 'lost'
        channel.drained(() => resolve(answer))
      })
    })
  const send = (line: string): Promise<Answer> =>
    answered((done) => channel.run(ACTIVATION, Buffer.from(line).toString('latin1'), done))
  return {
    pid: started.pid,
    init: (value) =>
      pipelined ? answered((done) => channel.init(JSON.stringify({ value }), done)) : send(JSON.stringify({ value })),
    run: (value, context = {}) => send(JSON.stringify({ value, activation_id: ACTIVATION, ...context })),
    send,
    times,
    printed: (by) => ({ stdout: textOf('stdout', by), stderr: textOf('stderr', by) }),
    async end() {
      started.stdin.end()
      const exit = await started.exited
      channel.close()
      rmSync(directory, { recursive: true, force: true })
      return exit
    },
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** An init value with the usual fields. */
export function source(code: string, more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return { name: 'test', main: 'main', binary: false, code, ...more }
}

/** An init value whose code is a zip of these files; a value with `mode` sets the entry's Unix mode. */
export async function zipped(
  files: Readonly<Record<string, string | Buffer | { readonly content: string; readonly mode: number }>>,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Readonly<Record<string, unknown>>> {
  const zip = new yazl.ZipFile()
  for (const [name, file] of Object.entries(files)) {
    if (typeof file === 'string' || Buffer.isBuffer(file)) zip.addBuffer(Buffer.from(file), name)
    else zip.addBuffer(Buffer.from(file.content), name, { mode: file.mode })
  }
  const chunks: Buffer[] = []
  zip.outputStream.on('data', (chunk: Buffer) => chunks.push(chunk))
  zip.end()
  await once(zip.outputStream, 'end')
  return source(Buffer.concat(chunks).toString('base64'), { binary: true, ...more })
}
