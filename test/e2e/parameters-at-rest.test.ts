/** Encrypted parameters through a whole server: actions get them in the clear, nobody else does, and keys can be exchanged. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { TestServer } from './server.ts'
import { startServer } from './server.ts'

const SECRET = 'open sesame, says the parameter'
const CODE = 'function main(args) { return { password: args.password, fromInit: process.env.TOKEN, own: args.own } }'
const [first, second] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]

describe('parameters at rest', () => {
  let dataDir: string
  let server: TestServer | undefined
  before(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'stave-e2e-keys-'))
  })
  after(async () => {
    await server?.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  async function restart(keys: string, current = 'aes-256'): Promise<TestServer> {
    await server?.stop()
    const file = join(dataDir, 'keys')
    writeFileSync(file, `${keys}\n`)
    const env = { STAVE_PARAMETER_STORAGE_CURRENT: current, STAVE_PARAMETER_STORAGE_AES256_FILE: file }
    server = await startServer({ dataDir, env })
    return server
  }
  /** What no reader of files or logs may find. */
  function assertHidden(on: TestServer): void {
    for (const file of globSync(join(dataDir, '**/artifacts.db*'))) {
      assert.ok(!readFileSync(file).includes(SECRET), file)
    }
    for (const hidden of [SECRET, first, second]) assert.ok(!on.output().includes(hidden))
  }

  test('2.4: the action is given what its owner wrote, and the database is not', async () => {
    const on = await restart(first)
    const parameters = [
      { key: 'password', value: SECRET },
      { key: 'TOKEN', value: SECRET, init: true },
    ]
    const put = await on.put('opener', CODE, { parameters })
    assert.equal(put.status, 200, put.text)
    assert.ok(!put.text.includes(SECRET))
    const { body, status } = await on.invoke('opener', { own: 1 })
    assert.equal(status, 200)
    assert.deepEqual(body.response.result, { password: SECRET, fromInit: SECRET, own: 1 })
    const bound = { binding: { namespace: '_', name: 'kept' }, parameters: [{ key: 'own', value: SECRET }] }
    assert.equal((await on.call('PUT', '/packages/kept', { parameters: parameters.slice(0, 1) })).status, 200)
    assert.equal((await on.put('kept/opener', CODE)).status, 200)
    assert.equal((await on.call('PUT', '/packages/bound', bound)).status, 200)
    const through = await on.invoke('bound/opener')
    assert.deepEqual(through.body.response.result, { password: SECRET, own: SECRET })
    assertHidden(on)
  })

  test('without the key the call fails with a clear word, waited for or not', async () => {
    const on = await restart(second)
    const { status, body } = await on.invoke('opener')
    assert.equal(status, 500)
    assert.equal(body.error, "The parameter 'password' cannot be decrypted.")
    assert.equal(typeof body.code, 'string')
    const later = await on.invoke('opener', {}, 'blocking=false')
    assert.equal(later.status, 500)
    assert.match(on.output(), /the value of parameter 'password' \(aes-256\) fits none of the configured keys/)
    assertHidden(on)
    assert.ok((await on.metric('stave_parameters_total{event="failures"}')) >= 2)
  })

  test('an old key decrypts; after the renewal it is not needed any more', async () => {
    let on = await restart(`${second},${first}`)
    assert.equal((await on.invoke('opener')).status, 200)
    const renewal = await on.admin('POST', '/admin/parameters/renew')
    assert.partialDeepStrictEqual(renewal.body, { renewed: 3, unreadable: 0 })
    assert.equal((await on.invoke('opener')).status, 200)
    on = await restart(second)
    assert.deepEqual((await on.invoke('opener')).body.response.result, { password: SECRET, fromInit: SECRET })
    assertHidden(on)
  })

  test('turned off, what is encrypted is still read', async () => {
    const on = await restart(second, 'off')
    assert.equal((await on.invoke('opener')).status, 200)
  })
})
