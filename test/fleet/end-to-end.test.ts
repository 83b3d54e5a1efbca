/** Suites of whole servers once more, on a server whose containers are an invoker's: what users see is the same. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

for (const suite of ['outcomes', 'output', 'triggers']) {
  test(`S0-3: test/e2e/${suite}.test.ts on a fleet`, () => {
    const { NODE_TEST_CONTEXT: _context, ...env } = process.env
    const { status, stdout } = spawnSync(
      process.execPath,
      ['--test', '--test-timeout=90000', `test/e2e/${suite}.test.ts`],
      { encoding: 'utf8', env: { ...env, TEST_CONTAINERS: 'invokers' }, timeout: 110_000 },
    )
    assert.equal(status, 0, stdout)
    assert.match(stdout, /^ℹ pass [1-9]/m)
  })
}
