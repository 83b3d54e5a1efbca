/**
 * Runs the tests on a real Docker Engine: `npm run test:docker` runs all of them, `npm run test:docker -- test/docker/images` those below the given paths.
 * One engine serves the whole run, so the files run one after the other. Of the end-to-end suites those that depend on the provider of containers run here, too.
 */

import { globSync } from 'node:fs'
import { withEngine } from './docker/with-engine.ts'

const END_TO_END = ['outcomes', 'output', 'sequences', 'triggers'].map((name) => `test/e2e/${name}.test.ts`)

const wanted = process.argv.slice(2)
const files = [...globSync('test/docker/**/*.test.ts').sort(), ...END_TO_END].filter(
  (file) => wanted.length === 0 || wanted.some((path) => file.startsWith(path)),
)
if (files.length === 0) {
  process.stderr.write(`no test file below ${wanted.join(', ')}\n`)
  process.exit(1)
}
process.env['TEST_CONTAINERS'] = 'docker'
process.exit(await withEngine([process.execPath, '--test', '--test-concurrency=1', '--test-timeout=180000', ...files]))
