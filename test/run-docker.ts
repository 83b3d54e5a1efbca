/**
 * Runs the tests on a real Docker Engine: `npm run test:docker` runs all of them, `npm run test:docker -- test/docker/images` those below the given paths.
 * One engine serves the whole run, so the files run one after the other.
 */

import { globSync } from 'node:fs'
import { withEngine } from './docker/with-engine.ts'

const wanted = process.argv.slice(2)
const files = globSync('test/docker/**/*.test.ts')
  .filter((file) => wanted.length === 0 || wanted.some((path) => file.startsWith(path)))
  .sort()
if (files.length === 0) {
  process.stderr.write(`no test file below ${wanted.join(', ')}\n`)
  process.exit(1)
}
process.exit(await withEngine([process.execPath, '--test', '--test-concurrency=1', '--test-timeout=180000', ...files]))
