/** Encryption of parameters at rest, as users of the API and operators see it: spec section 2.4. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { NamespaceKey } from '../../src/model/identity.ts'
import type { FullyQualifiedName } from '../../src/model/names.ts'
import { parseParameterKeys } from '../../src/model/parameter-keys.ts'
import type { Parameter } from '../../src/model/parameters.ts'
import type { Entity } from '../../src/stores/artifact-store.ts'
import { createParameterCipher } from '../../src/stores/parameter-cipher.ts'
import type { ApiServer } from './api-server.ts'
import { startApiServer } from './api-server.ts'
import type { Response } from './table.ts'
import { basic, exchange } from './table.ts'

const SECRET = 'open sesame, says the parameter'
const [oldKey, newKey] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
const oldCipher = createParameterCipher({ current: 'aes-256', keys: parseParameterKeys('aes-256', oldKey) })
const newCipher = createParameterCipher({ current: 'aes-256', keys: parseParameterKeys('aes-256', newKey) })

describe('parameters at rest', () => {
  let server: ApiServer
  let key: NamespaceKey
  before(async () => {
    server = await startApiServer({ keys: parseParameterKeys('aes-256', `new:${newKey},old:${oldKey}`) })
    key = await server.administration.createUser({ subject: 'keeper' })
  })
  after(() => server.close())

  const call = (method: string, path: string, body?: unknown): Promise<Response> =>
    exchange(server.port, { method, path: `/api/v1/namespaces/_/${path}`, body }, basic(key))
  const admin = (method: string, path: string, body?: unknown): Promise<Response> =>
    exchange(server.adminPort, { method, path, body }, undefined)
  const parametersOf = ({ json }: Response): readonly Parameter[] =>
    (json as { readonly parameters: readonly Parameter[] }).parameters

  for (const [path, rest] of [
    ['actions/secretive', { exec: { kind: 'nodejs:20', code: 'x' } }],
    ['packages/secretive-package', {}],
    ['triggers/secretive-trigger', {}],
  ] as const) {
    test(`2.4: ${path}: readers get what is stored, and it can be written back`, async () => {
      const parameters = [{ key: 'password', value: SECRET, init: true }]
      const put = await call('PUT', path, { ...rest, parameters })
      assert.equal(put.status, 200, put.text)
      const [stored] = parametersOf(put)
      assert.partialDeepStrictEqual(stored, { key: 'password', encryption: 'aes-256' })
      const opened = newCipher.open({ entityType: 'action', parameters: parametersOf(put) })
      assert.equal(opened.parameters[0]?.value, SECRET)

      assert.deepEqual(parametersOf(await call('GET', path)), [stored])
      const again = await call('PUT', `${path}?overwrite=true`, {
        parameters: [stored, { key: 'more', value: 1 }],
      })
      assert.deepEqual(parametersOf(again)[0], stored)
      assert.equal(parametersOf(again)[1]?.encryption, 'aes-256')
      const touched = await call('PUT', `${path}?overwrite=true`, { annotations: [] })
      assert.deepEqual(parametersOf(touched), parametersOf(again))

      const list = await call('GET', path.split('/')[0] ?? '')
      assert.ok(!list.text.includes('password') && !list.text.includes(JSON.stringify(stored?.value)), list.text)
    })
  }

  test('nothing of it is in the files of the database', () => {
    const files = globSync(join(server.dataDir, '*')).filter((file) => /\.db/.test(file))
    assert.ok(files.some((file) => readFileSync(file).includes('secretive')))
    for (const file of files) assert.ok(!readFileSync(file).includes(SECRET), file)
  })

  test('renewal takes plain values and those of old keys to the current one, page by page', async () => {
    const { artifacts } = server.stores
    const owner = await server.administration.createUser({ subject: 'renewed' })
    const names: FullyQualifiedName[] = []
    const body = { exec: { kind: 'nodejs:20', code: 'x' } }
    for (let made = 0; made < 205; made++) {
      const path = `/api/v1/namespaces/_/actions/a${made}`
      const { status } = await exchange(server.port, { method: 'PUT', path, body }, basic(owner))
      assert.equal(status, 200)
    }
    const { entities } = await artifacts.scanEntities({ namespace: owner.name, limit: 300 })
    const parameters = [{ key: 'k', value: SECRET }]
    for (const [at, { document, revision }] of entities.entries()) {
      const plain: Entity = document.entityType === 'rule' ? document : { ...document, parameters }
      await artifacts.putEntity(at % 2 === 0 ? plain : oldCipher.seal(plain), undefined, revision)
      names.push(document)
    }

    const total = { examined: 0, renewed: 0, unreadable: 0 }
    server.changes.length = 0
    for (let after: string | undefined = '0'; after !== undefined;) {
      const { status, json, text } = await admin('POST', '/admin/parameters/renew', { after })
      assert.equal(status, 200, text)
      const batch = json as typeof total & { next?: string }
      assert.ok(batch.examined <= 100)
      total.examined += batch.examined
      total.renewed += batch.renewed
      after = batch.next
    }
    assert.equal(total.renewed, names.length)
    assert.equal(server.changes.length, names.length)
    for (const name of names) {
      const found = (await artifacts.getEntity(name))?.document
      assert.ok(found !== undefined && found.entityType !== 'rule')
      assert.deepEqual(newCipher.open(found).parameters, parameters)
    }
    const { json } = await admin('GET', '/admin/parameters')
    assert.partialDeepStrictEqual(json, {
      current: 'aes-256',
      keys: [
        { scheme: 'aes-256', id: 'new', current: true },
        { scheme: 'aes-256', id: 'old', current: false },
      ],
    })
    assert.equal((await admin('POST', '/admin/parameters/renew', { after: 'x' })).status, 400)
    assert.ok(!JSON.stringify(server.audited).includes(SECRET))
  })
})
