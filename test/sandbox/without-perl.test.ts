/** The sandbox of util-linux on a host without perl, where shell and python take its place. Such a host is made by hiding perl in a mount namespace. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { findHostTools } from '../../src/containers/process/host-tools.ts'
import { isRoot } from './sandbox-kit.ts'

const { perl, python, unshare } = findHostTools()
const skip =
  !isRoot || perl === undefined || python === undefined || unshare === undefined
    ? 'needs root, perl to hide, python and unshare'
    : false

/** Tests whose code does not need perl inside. */
const TESTS =
  'unshare,? as root.*(create resolves|suspended|every process|data directory|can be written|fork bomb|links lead|descriptor)'

test('unshare without perl holds as well', { skip }, async () => {
  const suites = ['conformance.test.ts', 'attacks.test.ts'].map((name) => `${import.meta.dirname}/${name}`)
  const command = ['--test', '--test-reporter=spec', `--test-name-pattern=${TESTS}`, ...suites]
  const child = spawn(
    unshare ?? '',
    [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      'mount --bind /dev/null "$0" && exec "$@"',
      perl ?? '',
      process.execPath,
      ...command,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }, timeout: 60_000 },
  )
  const exited = once(child, 'exit')
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exited])
  assert.equal(code, 0, stdout + stderr)
  assert.match(stdout, /pass 8\b/, stdout)
})
