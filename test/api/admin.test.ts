/** The admin API: operators' requests, and that they take effect on the public side at once. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { NamespaceKey } from '../../src/model/identity.ts'
import type { ApiServer } from './api-server.ts'
import { startApiServer } from './api-server.ts'
import type { Response } from './table.ts'
import { basic, exchange } from './table.ts'

describe('admin API', () => {
  let server: ApiServer
  before(async () => {
    server = await startApiServer()
  })
  after(() => server.close())

  const admin = (method: string, path: string, body?: unknown): Promise<Response> =>
    exchange(server.adminPort, { method, path, body }, undefined)
  const created = async (subject: string): Promise<NamespaceKey> => {
    const { json } = await admin('POST', '/admin/users', { subject })
    return json as NamespaceKey
  }
  const namespacesAs = async (key: Pick<NamespaceKey, 'uuid' | 'key'>): Promise<number> =>
    (await exchange(server.port, { path: '/api/v1/namespaces' }, basic(key))).status

  test('S4-16: a user is made, looked up, listed and recognised', async () => {
    const { json, status } = await admin('POST', '/admin/users', { subject: 'alice', namespace: 'team' })
    assert.equal(status, 200)
    assert.partialDeepStrictEqual(json, { subject: 'alice', namespace: 'team' })
    const { uuid, key } = json as NamespaceKey
    assert.deepEqual((await admin('GET', '/admin/users/alice')).json, {
      subject: 'alice',
      blocked: false,
      namespaces: [{ name: 'team', uuid, key }],
    })
    const entry = { subject: 'alice', blocked: false, namespace: 'team', uuid, key }
    assert.deepEqual((await admin('GET', '/admin/users?namespace=team')).json, [entry])
    assert.partialDeepStrictEqual((await admin('GET', '/admin/users')).json, [entry])
    const who = await admin('POST', '/admin/whois', { authorization: `${uuid}:${key}` })
    assert.deepEqual(who.json, { subject: 'alice', namespace: 'team' })
    assert.equal(await namespacesAs({ uuid, key }), 200)
  })

  test('S4-57: block, unblock, rotation and deletion hold at once', async () => {
    const key = await created('brief')
    assert.equal(await namespacesAs(key), 200)
    assert.deepEqual((await admin('POST', '/admin/users/brief/block')).json, { subject: 'brief', blocked: true })
    assert.equal(await namespacesAs(key), 401)
    await admin('POST', '/admin/users/brief/unblock')
    assert.equal(await namespacesAs(key), 200)
    const rotated = (await admin('POST', '/admin/users/brief/rotate')).json as NamespaceKey
    assert.equal(await namespacesAs(key), 401)
    assert.equal(await namespacesAs(rotated), 200)
    assert.deepEqual((await admin('DELETE', '/admin/users/brief')).json, { deleted: true })
    assert.equal(await namespacesAs(rotated), 401)
  })

  test('S4-16: limits are set, hold at once, and are removed', async () => {
    const key = await created('limited')
    const shown = async (): Promise<unknown> =>
      (await exchange(server.port, { path: '/api/v1/namespaces/_/limits' }, basic(key))).json
    assert.partialDeepStrictEqual(await shown(), { invocationsPerMinute: 60 })
    const set = await admin('PATCH', '/admin/limits/limited', { invocationsPerMinute: 7 })
    assert.deepEqual(set.json, { invocationsPerMinute: 7 })
    assert.deepEqual((await admin('GET', '/admin/limits/limited')).json, { invocationsPerMinute: 7 })
    assert.partialDeepStrictEqual(await shown(), { invocationsPerMinute: 7 })
    await admin('DELETE', '/admin/limits/limited')
    assert.partialDeepStrictEqual(await shown(), { invocationsPerMinute: 60 })
    assert.deepEqual((await admin('GET', '/admin/limits/limited')).json, {})
  })

  test('refusals are envelopes', async () => {
    await created('taken')
    for (const [method, path, body, status, error] of [
      ['POST', '/admin/users', { subject: 'abc' }, 400, 'Subject name must be at least 5 characters'],
      ['POST', '/admin/users', { subject: 'taken' }, 409, 'Namespace already exists'],
      ['POST', '/admin/users', {}, 400, "The request content was malformed:\n'subject' must be a string"],
      ['POST', '/admin/users', [], 400, 'The request content was malformed:\nJSON object expected'],
      ['GET', '/admin/users/nobody', undefined, 404, 'Failed to get subject (not found)'],
      ['POST', '/admin/whois', { authorization: 'x' }, 404, 'Subject id is not recognized'],
      ['PATCH', '/admin/limits/taken', { x: 1 }, 400, undefined],
      ['GET', '/admin/limits/$', undefined, 400, 'The namespace contains illegal characters.'],
      ['PUT', '/admin/users', undefined, 405, 'HTTP method not allowed, supported methods: GET, POST'],
      ['GET', '/admin/nothing', undefined, 404, 'The requested resource could not be found.'],
      ['GET', '/admin/users/', undefined, 404, 'The requested resource could not be found.'],
      ['GET', '/admin/users/taken/what', undefined, 404, 'The requested resource could not be found.'],
      ['GET', '/ping', undefined, 404, 'The requested resource could not be found.'],
    ] as const) {
      const response = await admin(method, path, body)
      assert.equal(response.status, status, path)
      assert.partialDeepStrictEqual(response.json, {
        ...(error !== undefined && { error }),
        code: response.headers['x-request-id'],
      })
    }
  })

  test('a look inside', async () => {
    assert.deepEqual((await admin('GET', '/admin/pool')).json, { containers: [] })
    assert.partialDeepStrictEqual((await admin('GET', '/admin/config')).json, { port: { value: 3233 } })
    assert.equal((await admin('GET', '/metrics')).text, 'stave_up 1\n')
    assert.deepEqual((await admin('GET', '/livez')).json, { live: true })
  })

  test('readiness says what is not well', async () => {
    server.checks.push({ name: 'artifact store', ready: true })
    assert.equal((await admin('GET', '/readyz')).status, 200)
    server.checks.push({ name: 'containers', ready: false, reason: 'no memory left' })
    const { status, json } = await admin('GET', '/readyz')
    assert.equal(status, 503)
    assert.deepEqual(json, { ready: false, checks: server.checks })
  })

  test('S4-18: every write to an action is told to those who hold it', async () => {
    const key = await created('writer')
    server.changes.length = 0
    const call = (method: string): Promise<Response> =>
      exchange(
        server.port,
        { method, path: '/api/v1/namespaces/_/actions/a', body: { exec: { kind: 'nodejs:20', code: '' } } },
        basic(key),
      )
    await call('PUT')
    await call('DELETE')
    const change = { type: 'entity', name: { namespace: 'writer', name: 'a' } }
    assert.deepEqual(server.changes, [change, change])
  })

  test('S4-14: management alone knows no invocations', async () => {
    const key = await created('caller')
    const answer = await exchange(
      server.port,
      { method: 'POST', path: '/api/v1/namespaces/_/actions/a', body: {} },
      basic(key),
    )
    assert.equal(answer.status, 404)
  })
})
