/** Runs a short program of the host to its end, with text on its standard input. */

import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

const TIMEOUT_MS = 20_000

/** Resolves with what it printed. Rejects with its error output when it fails, and when it takes longer than 20 s. */
export async function runTool(file: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  const exited = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message)
    })
    child.once('exit', (code, signal) => {
      resolve(code === 0 ? undefined : `status ${code ?? signal}`)
    })
  })
  // A program that ends without reading all of it says why on its standard error.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [stdout, stderr, failure] = await Promise.all([text(child.stdout), text(child.stderr), exited])
  if (failure !== undefined) throw new Error(`${file} ${args.join(' ')}: ${stderr.trim() || failure}`)
  return stdout
}
