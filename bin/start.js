/** What bin/stave.js does once the Node is new enough: compile cache, then the command line with the process's streams, environment and signals. */

import { homedir } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { fileURLToPath } from 'node:url'
import { enableCache, primeCache } from './compile-cache.js'

/** Commands whose process lives long: these wait for a complete cache, so that the type stripper (40 MB) is never loaded into them. */
const LONG_RUNNING = new Set(['standalone', 'management', 'router', 'control', 'invoker', 'proxy', 'agent'])

/** Commands that start the platform in this process, if only for a moment. */
const PLATFORM = new Set([...LONG_RUNNING, 'run', 'doctor'])

/** Runs the command line and ends the process with its exit code. */
export async function startCommandLine() {
  const args = process.argv.slice(2)
  const root = fileURLToPath(new URL('..', import.meta.url))
  const cache = enableCache(root, process.env, homedir())
  // What is loaded now stays: V8's young generation would grow to ten megabytes for it, and keep them (src/main/young-generation.ts).
  setFlagsFromString('--semi-space-growth-factor=1')
  const asksForHelp = args.includes('--help') || args.includes('-h')
  if (cache !== undefined && !asksForHelp && args.some((word) => LONG_RUNNING.has(word))) primeCache(root, cache)

  // A reader that has seen enough (`stave action list | head -1`) is no error.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  }

  const { main } = await import('../src/cli/main.ts')
  const code = await main(args, {
    env: process.env,
    cwd: process.cwd(),
    homedir: homedir(),
    cacheDir: cache,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTerminal: process.stdout.isTTY,
    columns: process.stdout.columns,
    now: () => Date.now(),
    onSignal: (signal, listener) => {
      process.on(signal, listener)
      return () => void process.off(signal, listener)
    },
    exitNow: (code) => process.exit(code),
  })
  process.exitCode = code
  if (!args.some((word) => PLATFORM.has(word))) return
  // The platform was stopped. A timer that it forgot must not hold up the end; output that a slow reader has not taken yet must.
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((taken) => stream.write('', taken))))
  process.exit(code)
}
