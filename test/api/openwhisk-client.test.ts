/** OpenWhisk's own JavaScript client, unedited, against the management plane: what it does without invoking anything. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import openwhisk from 'openwhisk'
import { apiKey } from '../../src/model/identity.ts'
import type { ApiServer } from './api-server.ts'
import { startApiServer } from './api-server.ts'

describe('15.3: the openwhisk client', () => {
  let server: ApiServer
  let client: openwhisk.Client
  before(async () => {
    server = await startApiServer()
    const key = await server.administration.createUser({ subject: 'guest' })
    client = openwhisk({ apihost: `http://127.0.0.1:${server.port}`, api_key: apiKey(key) })
  })
  after(() => server.close())

  const status = (expected: number) => (error: unknown) =>
    error instanceof Error && 'statusCode' in error && error.statusCode === expected

  test('creates, refuses to create again, updates, reads, lists and deletes', async () => {
    const action = 'function main() { return {} }'
    const created = await client.actions.create({ name: 'hello', action, params: { a: 1 }, annotations: { b: 2 } })
    assert.equal(created.exec.kind, 'nodejs:20')
    await assert.rejects(client.actions.create({ name: 'hello', action }), status(409))
    const updated = await client.actions.update({ name: 'hello', action: 'function main() {}' })
    assert.equal(updated.version, '0.0.2')
    assert.deepEqual(updated.parameters, [{ key: 'a', value: 1 }])
    const read = await client.actions.get({ name: 'hello' })
    assert.partialDeepStrictEqual(read.exec, { code: 'function main() {}' })
    const listed = await client.actions.list({ limit: 1 })
    assert.deepEqual(
      listed.map(({ name, namespace }) => [name, namespace]),
      [['hello', 'guest']],
    )
    await client.actions.delete({ name: 'hello' })
    await assert.rejects(client.actions.get({ name: 'hello' }), status(404))
    await assert.rejects(client.actions.delete({ name: 'hello' }), status(404))
  })

  test('an archive is binary', async () => {
    const created = await client.actions.create({ name: 'zip', action: Buffer.from('PK\u0003\u0004 and so on') })
    assert.partialDeepStrictEqual(created.exec, { binary: true })
  })

  test('namespaces and the collections in them', async () => {
    assert.deepEqual(await client.namespaces.list(), ['guest'])
    assert.deepEqual(await client.packages.list(), [])
    assert.deepEqual(await client.triggers.list(), [])
    assert.deepEqual(await client.rules.list(), [])
    assert.deepEqual(await client.activations.list({ since: 1, name: 'hello' }), [])
  })
})
