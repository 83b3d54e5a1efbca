/** The engine of the tests itself: that it is real, can be killed and comes back on the same directory. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { askEngine, needEngine } from './engine-api.ts'
import { dockerHost, privateEngine, skipWithoutEngine, skipWithoutPrivateEngine } from './engine.ts'
import { startPrivateEngine } from './private-engine.ts'

interface Version {
  readonly Version: string
  readonly ApiVersion: string
}

test('it answers, with a version', { skip: skipWithoutEngine }, async () => {
  const version = (await needEngine(dockerHost, 'GET', '/version')).json() as Version
  assert.match(version.ApiVersion, /^1\.\d+$/)
  process.stderr.write(`Docker Engine ${version.Version}, API ${version.ApiVersion}\n`)
})

test('killed it is away, restarted it has what it had', { skip: skipWithoutPrivateEngine }, async () => {
  assert.ok(privateEngine !== undefined)
  const name = 'engine-test'
  await needEngine(dockerHost, 'POST', '/networks/create', { Name: name })
  try {
    await privateEngine.kill()
    await assert.rejects(askEngine(dockerHost, 'GET', '/_ping'))
    await privateEngine.restart()
    const networks = (await needEngine(dockerHost, 'GET', '/networks')).json() as readonly { Name: string }[]
    assert.ok(networks.some(({ Name }) => Name === name))
    await privateEngine.restart({ liveRestore: true })
    const info = (await needEngine(dockerHost, 'GET', '/info')).json() as { LiveRestoreEnabled: boolean }
    assert.equal(info.LiveRestoreEnabled, true)
    await privateEngine.restart({ liveRestore: false })
  } finally {
    await needEngine(dockerHost, 'DELETE', `/networks/${name}`)
  }
})

test('a second one beside it, on a disk that is soon full', { skip: skipWithoutPrivateEngine }, async () => {
  const small = await startPrivateEngine({ networks: false, diskMb: 48 })
  try {
    const load = (megabytes: number): string => {
      const archive = spawnSync('sh', ['-c', `head -c ${megabytes}M /dev/urandom > file && tar -cf - file`], {
        cwd: small.directory,
        maxBuffer: 256 * 1024 * 1024,
      }).stdout
      const { stderr } = spawnSync('docker', ['-H', small.dockerHost, 'import', '-', `test:${megabytes}`], {
        input: archive,
        encoding: 'utf8',
      })
      return stderr
    }
    assert.equal(load(1), '')
    assert.match(load(64), /no space left on device/)
    assert.equal((await askEngine(dockerHost, 'GET', '/_ping')).status, 200)
    assert.equal(spawnSync('ip', ['link', 'show', 'docker0']).status, 0)
  } finally {
    await small.stop()
  }
  assert.ok(!existsSync(small.directory))
})
