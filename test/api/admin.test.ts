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

  test('S4-16: a subject has several namespaces; adding one twice changes nothing', async () => {
    await created('several')
    const path = '/admin/users/several/namespaces/several-team'
    const { json } = await admin('PUT', path)
    assert.partialDeepStrictEqual(json, { subject: 'several', namespace: 'several-team', added: true })
    const key = json as NamespaceKey
    assert.equal(await namespacesAs(key), 200)
    assert.deepEqual((await admin('PUT', path)).json, { ...key, added: false })
    assert.equal((await admin('PUT', path, { authorization: `${key.uuid}:${'x'.repeat(64)}` })).status, 409)
    assert.equal((await admin('PUT', path, { authorization: `${key.uuid}:${key.key}` })).status, 200)
    assert.equal((await admin('PUT', '/admin/users/nobody/namespaces/x')).status, 404)
    const shown = { subject: 'several', namespace: 'several-team', uuid: key.uuid, key: key.key }
    assert.deepEqual((await admin('GET', path)).json, shown)

    const rotated = (await admin('POST', `${path}/rotate`, { keepUuid: true })).json as NamespaceKey
    assert.equal(rotated.uuid, key.uuid)
    assert.notEqual(rotated.key, key.key)
    assert.deepEqual([await namespacesAs(key), await namespacesAs(rotated)], [401, 200])
    const renewed = (await admin('POST', `${path}/rotate`)).json as NamespaceKey
    assert.notEqual(renewed.uuid, key.uuid)

    assert.deepEqual((await admin('DELETE', path)).json, { deleted: true })
    assert.equal(await namespacesAs(renewed), 401)
    assert.equal((await admin('DELETE', path)).status, 404)
  })

  test('11.1: subjects are dumped in OpenWhisk’s form, secrets only where they are asked for, and taken back', async () => {
    const { uuid, key } = await created('dumped')
    const bare = { _id: 'dumped', subject: 'dumped', namespaces: [{ name: 'dumped', uuid }] }
    const { text } = await admin('GET', '/admin/subjects?namespace=dumped')
    assert.deepEqual(JSON.parse(text), [bare])
    const whole = (await admin('GET', '/admin/subjects/dumped?keys=true')).json
    assert.deepEqual(whole, { ...bare, namespaces: [{ name: 'dumped', uuid, key }] })

    await admin('DELETE', '/admin/users/dumped')
    for (let twice = 0; twice < 2; twice++) {
      const back = await admin('PUT', '/admin/subjects/dumped', { ...(whole as object), _rev: '1-x', blocked: true })
      assert.deepEqual(back.json, { ...bare, blocked: true })
    }
    assert.equal(await namespacesAs({ uuid, key }), 401)
    await admin('PUT', '/admin/subjects/dumped', whole)
    assert.equal(await namespacesAs({ uuid, key }), 200)
    for (const wrong of [
      { subject: 'other-name', namespaces: [] },
      { subject: 'dumped', namespaces: {} },
      { subject: 'dumped', namespaces: [{ name: 'dumped', uuid, key: 'short' }] },
      { subject: 'dumped', namespaces: [{ name: 'dumped', uuid }] },
      { subject: 'dumped', namespaces: [], blocked: 'no' },
      { subject: 'dumped', namespaces: [1] },
    ]) {
      assert.equal((await admin('PUT', '/admin/subjects/dumped', wrong)).status, 400, JSON.stringify(wrong))
    }
    const thief = { subject: 'thief', namespaces: [{ name: 'thief', uuid, key }] }
    assert.equal((await admin('PUT', '/admin/subjects/thief', thief)).status, 409)
  })

  test('S4-16: limits are replaced as a whole and dumped; a misspelt one is refused with the one that is meant', async () => {
    await admin('PATCH', '/admin/limits/replaced', { invocationsPerMinute: 7, firesPerMinute: 1 })
    const limits = { firesPerMinute: 2, maxPayloadSize: '2 MB', storeActivations: false }
    for (let twice = 0; twice < 2; twice++) {
      assert.deepEqual((await admin('PUT', '/admin/limits/replaced', limits)).json, limits)
    }
    const dump = (await admin('GET', '/admin/limits')).json
    assert.ok(Array.isArray(dump))
    assert.deepEqual(
      dump.filter(({ _id: id }) => id === 'replaced/limits'),
      [{ _id: 'replaced/limits', ...limits }],
    )
    const { status, json } = await admin('PATCH', '/admin/limits/replaced', { invocationPerMinute: 7 })
    assert.equal(status, 400)
    assert.match(JSON.stringify(json), /no limit 'invocationPerMinute'. Did you mean 'invocationsPerMinute'\?/)
  })

  test('S4-16: namespaces are listed with who has keys, and what is in one', async () => {
    const key = await created('holder')
    await admin('PUT', '/admin/users/holder/namespaces/shared-space')
    await admin('PUT', '/admin/subjects/sharer', { subject: 'sharer', namespaces: [] })
    await admin('PUT', '/admin/users/sharer/namespaces/shared-space')
    const all = (await admin('GET', '/admin/namespaces')).json
    assert.ok(Array.isArray(all))
    assert.deepEqual(
      all.filter(({ namespace }) => namespace === 'shared-space'),
      [{ namespace: 'shared-space', subjects: ['holder', 'sharer'] }],
    )
    const body = { exec: { kind: 'nodejs:20', code: 'secret code' }, parameters: [{ key: 'a', value: 'secret value' }] }
    for (const name of ['one', 'two', 'three']) {
      const path = `/api/v1/namespaces/_/actions/${name}`
      assert.equal((await exchange(server.port, { method: 'PUT', path, body }, basic(key))).status, 200)
    }
    await admin('PATCH', '/admin/limits/holder', { invocationsPerMinute: 7 })
    const details = (await admin('GET', '/admin/namespaces/holder')).json
    assert.partialDeepStrictEqual(details, {
      namespace: 'holder',
      subjects: [{ subject: 'holder', blocked: false, uuid: key.uuid }],
      entities: { action: 3, package: 0, trigger: 0, rule: 0 },
      limits: { invocationsPerMinute: 7 },
      effectiveLimits: { invocationsPerMinute: 7, concurrentInvocations: 30 },
    })
    assert.ok(!JSON.stringify(details).includes(key.key))
    const first = await admin('GET', '/admin/namespaces/holder/entities?limit=2')
    const { entities, next } = first.json as { entities: { path: string }[]; next: string }
    const rest = await admin('GET', `/admin/namespaces/holder/entities?after=${next}`)
    const more = (rest.json as { entities: { path: string }[] }).entities
    assert.deepEqual(
      [...entities, ...more].map(({ path }) => path),
      ['holder/one', 'holder/two', 'holder/three'],
    )
    assert.ok(!first.text.includes('secret'))

    const everywhere = await admin('GET', '/admin/entities?limit=1000')
    const paths = new Set((everywhere.json as { entities: { path: string }[] }).entities.map(({ path }) => path))
    assert.deepEqual(
      [...entities, ...more].map(({ path }) => path).filter((path) => !paths.has(path)),
      [],
    )
    const held = await admin('DELETE', '/admin/namespaces/holder')
    assert.equal(held.status, 409)
    assert.match(held.text, /holds 3 entities/)
    server.changes.length = 0
    const gone = await admin('DELETE', '/admin/namespaces/holder?force=true')
    assert.deepEqual(gone.json, { deleted: true, subjects: 1, entities: 3 })
    assert.deepEqual(
      server.changes.map(({ type }) => type),
      ['subject', 'entity', 'entity', 'entity', 'limits'],
    )
    assert.equal(await namespacesAs(key), 401)
    assert.deepEqual((await admin('GET', '/admin/users/holder')).json, {
      subject: 'holder',
      blocked: false,
      namespaces: (await server.administration.getUser('holder')).namespaces.filter(({ name }) => name !== 'holder'),
    })
    for (const method of ['GET', 'DELETE']) {
      assert.equal((await admin(method, '/admin/namespaces/holder')).status, 404)
    }
  })

  test('every change, and whoever saw keys, is in the log, and no secret', async () => {
    server.audited.length = 0
    const authorization = `11111111-2222-4333-8444-555555555555:${'s'.repeat(64)}`
    await admin('POST', '/admin/users', { subject: 'audited', authorization })
    await admin('PUT', '/admin/users/audited/namespaces/more', {})
    await admin('POST', '/admin/users/audited/rotate')
    await admin('POST', '/admin/users/nobody/block')
    await admin('PATCH', '/admin/limits/audited', { firesPerMinute: 3 })
    await admin('POST', '/admin/whois', { authorization })
    await admin('GET', '/admin/users/audited')
    await admin('GET', '/admin/namespaces/audited')
    await admin('GET', '/admin/pool')
    const lines = server.audited.map(({ request, status, operator }) => `${request} ${status} ${operator}`)
    assert.deepEqual(lines, [
      'POST /admin/users 200 127.0.0.1',
      'PUT /admin/users/audited/namespaces/more 200 127.0.0.1',
      'POST /admin/users/audited/rotate 200 127.0.0.1',
      'POST /admin/users/nobody/block 404 127.0.0.1',
      'PATCH /admin/limits/audited 200 127.0.0.1',
      'POST /admin/whois 404 127.0.0.1',
      'GET /admin/users/audited 200 127.0.0.1',
    ])
    assert.partialDeepStrictEqual(server.audited[0], { subject: 'audited' })
    assert.partialDeepStrictEqual(server.audited[4], { change: { firesPerMinute: 3 } })
    const { namespaces } = await server.administration.getUser('audited')
    const written = JSON.stringify(server.audited)
    for (const secret of ['s'.repeat(64), ...namespaces.map(({ key }) => key)]) assert.ok(!written.includes(secret))
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
