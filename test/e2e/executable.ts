/** Runs commands as a user does, in processes of their own. */

import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export interface CommandRun {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const EXECUTABLE = fileURLToPath(new URL('../../bin/stave.js', import.meta.url))

/** Runs a command to its end; one that takes longer than `timeoutMs` is killed. */
export async function runCommand(
  command: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string>; readonly timeoutMs?: number } = {},
): Promise<CommandRun> {
  const [file = '', ...args] = command
  const child = spawn(file, args, {
    cwd: options.cwd ?? '/',
    env: { PATH: process.env['PATH'], HOME: options.cwd ?? '/nonexistent', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 30_000,
    killSignal: 'SIGKILL',
  })
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code))
  })
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exited])
  return { code, out, err }
}

/** `stave ARGS`. */
export function stave(args: readonly string[], options: Parameters<typeof runCommand>[1] = {}): Promise<CommandRun> {
  return runCommand([process.execPath, EXECUTABLE, ...args], options)
}
