import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeRootDirectory, WORKING_DIRECTORY } from './root-directory.ts'
import { selfTestLauncher } from './self-test.ts'

test(
  'has a mount point for each mount, readable for every user whatever the umask',
  { skip: process.platform !== 'linux' },
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'stave-root-'))
    const source = join(directory, 'interpreter')
    mkdirSync(source)
    writeFileSync(join(directory, 'own-hosts'), '127.0.0.1 localhost\n')
    const launcher = {
      ...selfTestLauncher,
      mounts: [
        { source, target: '/opt/interpreter' },
        { source, target: '/opt/interpreter' },
        { source: '/usr/bin', target: '/usr/bin' },
        { source: join(directory, 'none'), target: '/opt/none' },
      ],
    }
    const umask = process.umask(0o077)
    try {
      for (let round = 0; round < 2; round++) {
        const root = makeRootDirectory(join(directory, 'root'), [launcher], [200_000], {
          '/etc/hosts': join(directory, 'own-hosts'),
        })
        for (const { target } of root.mounts) {
          assert.equal(statSync(join(root.path, target)).mode & 0o444, 0o444, target)
        }
        assert.equal(statSync(join(root.path, WORKING_DIRECTORY)).mode & 0o777, 0o755)
        assert.equal(statSync(root.path).mode & 0o777, 0o755)
        const binds = root.mounts.filter(({ target }) => target.startsWith('/opt'))
        assert.deepEqual(binds, [{ type: 'bind', source, target: '/opt/interpreter' }])
        assert.deepEqual(
          root.mounts.filter(({ target }) => target === '/etc/hosts'),
          [{ type: 'bind', source: join(directory, 'own-hosts'), target: '/etc/hosts' }],
        )
        assert.match(readFileSync(join(root.path, 'etc/passwd'), 'utf8'), /^action:x:200000:200000:/m)
        assert.equal(readlinkSync(join(root.path, 'dev/fd')), '/proc/self/fd')
      }
      assert.equal(process.umask(), 0o077)
    } finally {
      process.umask(umask)
      rmSync(directory, { recursive: true })
    }
  },
)
