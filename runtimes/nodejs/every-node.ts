/** Test support: the same tests on every Node.js of this machine, which is how the launcher is kept working on the older ones. */

import { existsSync, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { after, describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { DriveOptions, DrivenLauncher } from './drive-launcher.ts'
import { driveLauncher } from './drive-launcher.ts'

const PLATFORM_BINARIES = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url))

/** Interpreters in PATH, without the shims of version managers, and the one that runs these tests. */
export function nodeInterpreters(): readonly string[] {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), PLATFORM_BINARIES, '/usr/bin', '/usr/local/bin']
  const found = directories.map((directory) => join(directory, 'node')).filter((path) => existsSync(path))
  const real = [process.execPath, ...found].map((path) => realpathSync(path))
  return [...new Set(real)].filter((path) => /\/node\w*$/.test(path))
}

/** Declares `tests` once an interpreter; `start` starts the launcher on it. */
export function describeOnEveryNode(
  name: string,
  tests: (start: (options?: DriveOptions) => Promise<DrivenLauncher>, interpreter: string) => void,
): void {
  for (const interpreter of nodeInterpreters()) {
    describe(`${name} (${interpreter})`, { concurrency: 2 }, () => {
      const started: DrivenLauncher[] = []
      // A test that failed has not ended its launcher, which would keep the whole run from ending.
      after(() => Promise.all(started.map((launcher) => launcher.end())))
      tests(async (options) => {
        const launcher = await driveLauncher(interpreter, options)
        started.push(launcher)
        return launcher
      }, interpreter)
    })
  }
}
