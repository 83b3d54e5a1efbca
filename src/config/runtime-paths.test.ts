import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminSocketPath, runDirectory } from './runtime-paths.ts'

test('the admin socket lies in the data directory', () => {
  assert.equal(adminSocketPath('/var/lib/stave/'), '/var/lib/stave/run/admin.sock')
})

test('a data directory whose socket path the kernel would refuse gets one named after it', () => {
  const long = `/${'deep/'.repeat(30)}data`
  const path = adminSocketPath(long, '/tmp')
  assert.match(path, /^\/tmp\/stave-[0-9a-f]{16}\/admin\.sock$/)
  assert.equal(path, adminSocketPath(`${long}/`, '/tmp'))
  assert.notEqual(runDirectory(`${long}2`, '/tmp'), runDirectory(long, '/tmp'))
})
