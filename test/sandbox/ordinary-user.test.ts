/** The suites of this folder once more as an ordinary user, for whom control groups are not delegated: user namespaces, signals and measuring instead. */

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { findTool } from '../../src/containers/host/find-tool.ts'
import { isRoot } from './sandbox-kit.ts'

/** The number of "nobody", which owns nothing on any host. */
const NOBODY = '65534'

const setpriv = findTool('setpriv')
const asNobody = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups', '--inh-caps=-all']
const skip = reasonToSkip()

function reasonToSkip(): string | false {
  if (!isRoot) return 'this is an ordinary user already'
  if (setpriv === undefined) return 'setpriv is not installed'
  const readable = [import.meta.filename, process.execPath].every(
    (file) => spawnSync(setpriv, [...asNobody, 'test', '-r', file]).status === 0,
  )
  return readable ? false : 'this directory may not be read by other users'
}

for (const suite of ['conformance.test.ts', 'attacks.test.ts', 'leftovers.test.ts', 'faults.test.ts']) {
  test(`${suite} as an ordinary user`, { skip }, async () => {
    const child = spawn(
      setpriv ?? '',
      [...asNobody, process.execPath, '--test', '--test-reporter=spec', `${import.meta.dirname}/${suite}`],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '/usr/bin:/bin', TMPDIR: '/tmp' }, timeout: 120_000 },
    )
    const exited = new Promise<number | null>((resolve) => {
      child.once('exit', resolve)
    })
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exited])
    assert.equal(code, 0, stdout + stderr)
    assert.match(stdout, /pass [1-9]/)
  })
}
