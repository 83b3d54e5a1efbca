/** Runs a short program of the host to its end, with text on its standard input. */

import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

const TIMEOUT_MS = 20_000

/** Resolves with what it printed. Rejects with its error output when it fails, and when it takes longer than `timeoutMs` (it is killed then). */
export async function runTool(
  file: string,
  args: readonly string[],
  input = '',
  timeoutMs = TIMEOUT_MS,
): Promise<string> {
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  const exited = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message)
    })
    child.once('exit', (code, signal) => {
      resolve(code === 0 ? undefined : `status ${code ?? signal}`)
      // What it has started itself may hold the pipes open for as long as it likes.
      if (signal !== null) for (const pipe of [child.stdout, child.stderr]) pipe.destroy()
    })
  })
  // A program that ends without reading all of it says why on its standard error.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [stdout, stderr, failure] = await Promise.all([textOf(child.stdout), textOf(child.stderr), exited])
  if (failure !== undefined) throw new Error(`${file} ${args.join(' ')}: ${stderr.trim() || failure}`)
  return stdout
}

async function textOf(pipe: Readable): Promise<string> {
  try {
    return await text(pipe)
  } catch {
    return ''
  }
}
