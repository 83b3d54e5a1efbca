/**
 * Runs a command with a Docker Engine and the local images: `node test/docker/with-engine.ts COMMAND …`. The command finds the engine in DOCKER_HOST: the one
 * that was given, else a private one in namespaces of its own, which ends with the command. Exits with the command's code.
 */

import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { missingForEngine, ownDirectory, runInOwnNamespaces } from './own-namespaces.ts'
import { startPrivateEngine } from './private-engine.ts'

const BUILDS = ['../../runtimes/build-local-images.ts', 'test-images.ts'].map((script) =>
  fileURLToPath(new URL(script, import.meta.url)),
)
const SELF = fileURLToPath(import.meta.url)

/** Runs `command` with an engine and resolves with its exit code. */
export async function withEngine(command: readonly string[]): Promise<number> {
  const missing = missingForEngine()
  const given = process.env['DOCKER_HOST'] ?? ''
  if (given === '' && missing !== undefined) return run(command, { TEST_DOCKER_MISSING: missing })
  return given === '' ? runInOwnNamespaces([process.execPath, SELF, ...command]) : runWithImages(command, {})
}

/** Inside the namespaces: starts the engine, runs, stops the engine. */
async function runInside(command: readonly string[]): Promise<number> {
  await need(['ip', 'link', 'set', 'lo', 'up'])
  // Where containerd's shims have their sockets, whatever directories it is given.
  mkdirSync('/run/containerd', { recursive: true })
  await need(['mount', '-t', 'tmpfs', 'tmpfs', '/run/containerd'])
  const started = performance.now()
  const engine = await startPrivateEngine()
  process.stderr.write(`private Docker Engine ready in ${Math.round(performance.now() - started)} ms\n`)
  try {
    return await runWithImages(command, {
      DOCKER_HOST: engine.dockerHost,
      TEST_DOCKER_ENGINE: engine.directory,
      // What the tests leave in there goes with the run, however that ends.
      TMPDIR: ownDirectory() ?? tmpdir(),
      // The command line's own settings may name another engine.
      DOCKER_CONFIG: `${engine.directory}/cli`,
    })
  } finally {
    await engine.stop()
  }
}

async function runWithImages(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  for (const script of BUILDS) await need([process.execPath, script], environment)
  return run(command, environment)
}

async function need(command: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<void> {
  const code = await run(command, environment)
  if (code !== 0) throw new Error(`${command.join(' ')} failed with ${code}`)
}

async function run(
  [command = '', ...parameters]: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const child = spawn(command, parameters, { stdio: 'inherit', env: { ...process.env, ...environment } })
  // A signal ends the command first; then what is around it.
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal)
  process.on('SIGTERM', pass).on('SIGINT', pass)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject).once('close', (code) => resolve(code ?? 1))
    })
  } finally {
    process.off('SIGTERM', pass).off('SIGINT', pass)
  }
}

if (process.argv[1] === SELF) {
  const command = process.argv.slice(2)
  if (command.length === 0) {
    process.stderr.write('usage: node test/docker/with-engine.ts COMMAND …\n')
    process.exit(2)
  }
  process.exit(await (ownDirectory() === undefined ? withEngine(command) : runInside(command)))
}
