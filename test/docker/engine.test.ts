/** The engine of the tests itself: that it is real, can be killed and comes back on the same directory. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askEngine, needEngine } from './engine-api.ts'
import { dockerHost, privateEngine, skipWithoutEngine, skipWithoutPrivateEngine } from './engine.ts'

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
