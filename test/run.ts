/** Runs the tests: `npm test` runs all of them, `npm test -- src/router` those below the given paths. Those on a Docker Engine are run-docker.ts's. */

import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'

const wanted = process.argv.slice(2)
const files = globSync([
  'src/**/*.test.ts',
  'runtimes/**/*.test.ts',
  'system-packages/*.test.ts',
  'test/**/*.test.ts',
  'bench/**/*.test.ts',
])
  .filter((file) => !file.startsWith('test/docker/'))
  .filter((file) => wanted.length === 0 || wanted.some((path) => file.startsWith(path)))
  .sort()
if (files.length === 0) {
  process.stderr.write(`no test file below ${wanted.join(', ')}\n`)
  process.exit(1)
}
// By default there are as many files at a time as processors, less one: most of these tests wait for something most of the time.
const { status } = spawnSync(process.execPath, ['--test', '--test-concurrency=2', '--test-timeout=120000', ...files], {
  stdio: 'inherit',
})
process.exit(status ?? 1)
