/** A run that is killed leaves no process and no mount, and the next one removes its directory and control groups. */

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { missingForEngine } from './own-namespaces.ts'

const SCRIPT = `
import { runInOwnNamespaces } from ${JSON.stringify(new URL('own-namespaces.ts', import.meta.url).href)}
process.exit(await runInOwnNamespaces(process.argv.slice(1)))`

/** In the namespaces: an engine, and then a file that tells of it. */
const ENGINE = `
import { startPrivateEngine } from ${JSON.stringify(new URL('private-engine.ts', import.meta.url).href)}
import { writeFileSync } from 'node:fs'
await startPrivateEngine()
writeFileSync(process.env.TEST_DOCKER_DIRECTORY + '/ready', '')`

const WAIT_MS = 60_000

async function eventually(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + WAIT_MS
  while (!holds()) {
    assert.ok(Date.now() < deadline, 'it did not come to hold')
    await sleep(20)
  }
}

/** Processes, mounts and control groups that name the directory. */
function leftOf(directory: string): readonly string[] {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => read(`/proc/${pid}/cmdline`).includes(directory))
  const mounts = read('/proc/self/mounts')
    .split('\n')
    .filter((line) => line.includes(directory))
  return [...processes, ...mounts]
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Processes end while they are looked at.
    return ''
  }
}

test(
  'after a SIGKILL nothing runs on, and the next run removes the rest',
  { skip: missingForEngine() ?? false },
  async () => {
    // Paths of unix sockets may not be long.
    const parent = mkdtempSync('/tmp/runs-')
    const { TEST_DOCKER_DIRECTORY: _, ...environment } = process.env
    const start = (command: readonly string[]): ReturnType<typeof spawn> =>
      spawn(process.execPath, ['--input-type=module', '-e', SCRIPT, ...command], {
        env: { ...environment, TMPDIR: parent },
        stdio: 'inherit',
      })
    try {
      const engine = `${process.execPath} --input-type=module -e "$SCRIPT" && sleep 1000`
      const killed = start(['env', `SCRIPT=${ENGINE}`, 'sh', '-c', engine])
      await eventually(() => globSync(join(parent, 'stave-docker-*/ready')).length === 1)
      const [name = ''] = readdirSync(parent)
      const directory = join(parent, name)
      assert.ok(leftOf(directory).length > 0)
      killed.kill('SIGKILL')
      await eventually(() => leftOf(directory).length === 0)
      assert.ok(existsSync(directory))

      const next = start(['true'])
      const code = await new Promise((resolve) => next.once('close', resolve))
      assert.equal(code, 0)
      assert.deepEqual(readdirSync(parent), [])
      assert.deepEqual(globSync(`/sys/fs/cgroup/{,*/}${name}`), [])
    } finally {
      rmSync(parent, { recursive: true, force: true })
    }
  },
)

test(
  'an engine that is stopped leaves no directory, whatever its daemon left mounted there',
  { skip: missingForEngine() ?? false },
  () => {
    const parent = mkdtempSync('/tmp/runs-')
    const { TEST_DOCKER_DIRECTORY: _, ...environment } = process.env
    const engine = `
      import { startPrivateEngine } from ${JSON.stringify(new URL('private-engine.ts', import.meta.url).href)}
      import { execFileSync } from 'node:child_process'
      import { existsSync, mkdirSync } from 'node:fs'
      const engine = await startPrivateEngine()
      const left = engine.directory + '/data/left'
      for (const directory of [left, left + '/inner']) {
        mkdirSync(directory)
        execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', directory])
      }
      await engine.kill()
      await engine.stop()
      process.exit(existsSync(engine.directory) ? 1 : 0)`
    try {
      const { status, stderr } = spawnSync(
        process.execPath,
        [...['--input-type=module', '-e', SCRIPT], ...[process.execPath, '--input-type=module', '-e', engine]],
        { env: { ...environment, TMPDIR: parent }, encoding: 'utf8' },
      )
      assert.equal(status, 0, stderr)
    } finally {
      rmSync(parent, { recursive: true, force: true })
    }
  },
)
