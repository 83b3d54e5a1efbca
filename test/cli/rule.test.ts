import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { ApiSession } from './api-session.ts'
import { NOT_FOUND, startApiSession, TID } from './api-session.ts'

const RULE = {
  namespace: 'guest',
  name: 'greet',
  status: 'active',
  trigger: { path: 'guest', name: 'arrived' },
  action: { path: 'guest/tools', name: 'hello' },
  version: '0.0.1',
  publish: false,
  annotations: [],
  updated: 1700000000000,
}
/** As lists have it: the status is not part of it. */
const LISTED = { ...RULE, status: undefined }

describe('stave rule', () => {
  let session: ApiSession
  beforeEach(async () => {
    session = await startApiSession()
  })
  afterEach(() => session.api.close())

  test('7.6: create and update send the full names of trigger and action', async () => {
    session.api.on('PUT /_/rules/greet*', { status: 200, body: RULE })
    const created = await session.cli('rule', 'create', 'greet', 'arrived', 'tools/hello')
    assert.deepEqual(created, { code: 0, out: 'ok: created rule greet\n', err: '' })
    assert.deepEqual(session.sent('PUT /_/rules/greet?overwrite=false'), {
      name: 'greet',
      trigger: '/_/arrived',
      action: '/_/tools/hello',
    })
    const updated = await session.cli('rule', 'update', 'greet', '/ns/arrived', '/whisk.system/utils/echo')
    assert.equal(updated.out, 'ok: updated rule greet\n')
    assert.deepEqual(session.sent('PUT /_/rules/greet?overwrite=true'), {
      name: 'greet',
      trigger: '/ns/arrived',
      action: '/whisk.system/utils/echo',
    })
  })

  test('7.6: a missing action is told with the exit code of its status; missing words are usage errors', async () => {
    session.api.on('PUT /_/rules/greet*', { status: 400, body: { code: TID, error: 'action /_/x does not exist' } })
    for (const verb of ['create', 'update']) {
      const err = `error: Unable to ${verb} rule 'greet': action /_/x does not exist (code ${TID})\n`
      assert.deepEqual(await session.cli('rule', verb, 'greet', 'arrived', 'x'), { code: 144, out: '', err })
    }
    assert.equal((await session.cli('rule', 'create', 'greet', 'arrived')).code, 2)
    assert.equal((await session.cli('rule', 'create', 'greet', 'p/arrived', 'x')).code, 2)
  })

  test('7.8: enable and disable post the state; status prints it', async () => {
    session.api.on('POST /_/rules/greet', { status: 200, body: 'OK' })
    session.api.on('GET /_/rules/greet', { status: 200, body: RULE })
    assert.equal((await session.cli('rule', 'enable', 'greet')).out, 'ok: enabled rule greet\n')
    assert.deepEqual(session.sent('POST /_/rules/greet'), { status: 'active' })
    assert.equal((await session.cli('rule', 'disable', 'greet')).out, 'ok: disabled rule greet\n')
    assert.deepEqual(session.sent('POST /_/rules/greet'), { status: 'inactive' })
    assert.equal((await session.cli('rule', 'status', 'greet')).out, 'ok: rule greet is active\n')
    const json = JSON.parse((await session.cli('rule', 'status', 'greet', '--json')).out) as unknown
    assert.deepEqual(json, { name: 'greet', status: 'active' })
    session.api.on('POST /_/rules/greet', {
      status: 404,
      body: { code: TID, error: 'Only rules with existing triggers can be activated' },
    })
    const dangling = await session.cli('rule', 'enable', 'greet')
    assert.equal(dangling.code, 148)
    assert.match(dangling.err, /^error: Unable to enable rule 'greet': Only rules with existing triggers can be /)
  })

  test('7.7: get prints the rule, a field, a summary', async () => {
    session.api.on('GET /_/rules/greet', { status: 200, body: RULE })
    assert.equal(
      (await session.cli('rule', 'get', 'greet')).out,
      `ok: got rule greet\n${JSON.stringify(RULE, null, 4)}\n`,
    )
    const field = await session.cli('rule', 'get', 'greet', 'trigger')
    assert.equal(field.out, `ok: got rule greet, displaying field trigger\n${JSON.stringify(RULE.trigger, null, 4)}\n`)
    const summary = await session.cli('rule', 'get', 'greet', '-s')
    assert.equal(summary.out, 'rule /guest/greet\n   (status: active)\n')
    session.api.on('GET /_/rules/greet', NOT_FOUND)
    assert.match((await session.cli('rule', 'get', 'greet')).err, /^error: Unable to get rule 'greet': /)
    const status = await session.cli('rule', 'status', 'greet')
    assert.equal(status.code, 148)
    assert.match(status.err, /^error: Unable to get status of rule 'greet': The requested resource does not exist\./)
  })

  test('7.7: list asks for the status of each rule', async () => {
    const rules = Array.from({ length: 20 }, (_, index) => ({ ...LISTED, name: `r${String(index).padStart(2, '0')}` }))
    session.api.on('GET /_/rules?skip=0&limit=30', { status: 200, body: rules })
    session.api.on('GET /_/rules/r*', ({ url }) => ({
      status: 200,
      body: { ...RULE, status: Number(url.slice(-2)) % 2 === 0 ? 'active' : 'inactive' },
    }))
    const { out, code } = await session.cli('rule', 'list')
    assert.equal(code, 0)
    const rows = rules.map(
      ({ name }, index) =>
        `${`/guest/${name}`.padEnd(70)} ${'private'.padEnd(20)} ${index % 2 === 0 ? 'active' : 'inactive'}\n`,
    )
    assert.equal(out, `rules\n${rows.join('')}`)
    session.api.on('GET /_/rules/r*', NOT_FOUND)
    const vanished = await session.cli('rule', 'list')
    assert.deepEqual([vanished.code, vanished.out], [148, ''])
    assert.match(vanished.err, /^error: Unable to get status of rule 'r\d\d': The requested resource does not exist\./)
  })

  test('7.7: delete, after disabling where that is asked for', async () => {
    session.api.on('DELETE /_/rules/greet', { status: 200, body: { ...RULE, status: 'inactive' } })
    session.api.on('POST /_/rules/greet', { status: 200, body: 'OK' })
    assert.equal((await session.cli('rule', 'delete', 'greet')).out, 'ok: deleted rule greet\n')
    assert.equal((await session.cli('rule', 'delete', 'greet', '--disable')).out, 'ok: deleted rule greet\n')
    assert.deepEqual(session.calls(), ['DELETE /_/rules/greet', 'POST /_/rules/greet', 'DELETE /_/rules/greet'])
    assert.deepEqual(session.sent('POST /_/rules/greet'), { status: 'inactive' })
    session.api.on('POST /_/rules/greet', NOT_FOUND)
    const refused = await session.cli('rule', 'delete', 'greet', '--disable')
    assert.equal(refused.code, 148)
    assert.match(refused.err, /^error: Unable to disable rule 'greet': /)
    assert.equal(session.calls().at(-1), 'POST /_/rules/greet')
  })
})
