import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { ApiSession } from './api-session.ts'
import { ID, NOT_FOUND, startApiSession, TID } from './api-session.ts'

const TRIGGER = {
  namespace: 'guest',
  name: 'tick',
  version: '0.0.1',
  publish: false,
  annotations: [],
  parameters: [],
  limits: {},
  updated: 1700000000000,
}
const FED = { ...TRIGGER, annotations: [{ key: 'feed', value: '/whisk.system/alarms/alarm' }] }
const ACTIVATION = { activationId: ID, response: { status: 'success', success: true, result: { status: 'success' } } }
const FAILED = {
  activationId: ID,
  response: { status: 'application error', success: false, result: { error: 'cron pattern is not valid' } },
}
const PUT = 'PUT /_/triggers/tick?overwrite=false'
const OVERWRITE = 'PUT /_/triggers/tick?overwrite=true'
const FEED = 'POST /whisk.system/actions/alarms/alarm?blocking=true&result=false'
const invoked = `ok: invoked /whisk.system/alarms/alarm with id ${ID}\n`
const printed = (record: object): string => `${invoked}${JSON.stringify(record, null, 4)}\n`

describe('stave trigger', () => {
  let session: ApiSession
  beforeEach(async () => {
    session = await startApiSession()
    for (const route of [PUT, OVERWRITE, 'GET /_/triggers/tick', 'DELETE /_/triggers/tick']) {
      session.api.on(route, { status: 200, body: TRIGGER })
    }
    session.api.on(FEED, { status: 200, body: ACTIVATION })
  })
  afterEach(() => session.api.close())

  const lifecycle = (event: string, parameters: object = {}): object => ({
    ...parameters,
    lifecycleEvent: event,
    triggerName: '/_/tick',
    authKey: 'u:k',
  })

  test('7.2: create and update of a trigger without a feed', async () => {
    const created = await session.cli('trigger', 'create', 'tick', '-p', 'a', '1', '-a', 'k', 'v')
    assert.deepEqual(created, { code: 0, out: 'ok: created trigger tick\n', err: '' })
    assert.deepEqual(session.sent(PUT), {
      name: 'tick',
      annotations: [{ key: 'k', value: 'v' }],
      parameters: [{ key: 'a', value: 1 }],
    })
    assert.equal((await session.cli('trigger', 'create', 'tick', '-T', 'b', '2')).code, 0)
    assert.deepEqual(session.sent(PUT), { name: 'tick', parameters: [{ key: 'b', value: 2 }] })
    const updated = await session.cli('trigger', 'update', 'tick', '-p', 'a', '2')
    assert.deepEqual(updated, { code: 0, out: 'ok: updated trigger tick\n', err: '' })
    assert.deepEqual(session.sent(OVERWRITE), { name: 'tick', parameters: [{ key: 'a', value: 2 }] })
  })

  test('15.1: update creates what is not there; any other failure of the look at it ends the command', async () => {
    session.api.on('GET /_/triggers/tick', NOT_FOUND)
    assert.equal((await session.cli('trigger', 'update', 'tick', '-p', 'a', '1')).out, 'ok: created trigger tick\n')
    assert.deepEqual(session.sent(PUT), { name: 'tick', parameters: [{ key: 'a', value: 1 }] })
    session.api.on('GET /_/triggers/tick', { status: 403, body: { code: TID, error: 'No.' } })
    const refused = await session.cli('trigger', 'update', 'tick')
    assert.deepEqual(refused, { code: 147, out: '', err: `error: Unable to get trigger 'tick': No. (code ${TID})\n` })
  })

  test('6.7: a feed is annotated, called with CREATE, and gets the parameters', async () => {
    const args = ['tick', '--feed', '/whisk.system/alarms/alarm', '-p', 'cron', '* * * * *']
    const run = await session.cli('trigger', 'create', ...args)
    assert.deepEqual(run, { code: 0, out: `${printed(ACTIVATION)}ok: created trigger tick\n`, err: '' })
    assert.deepEqual(session.calls(), [PUT, FEED])
    assert.deepEqual(session.sent(PUT), { name: 'tick', annotations: FED.annotations })
    assert.deepEqual(session.sent(FEED), lifecycle('CREATE', { cron: '* * * * *' }))
    const json = await session.cli('trigger', 'create', ...args, '--json')
    assert.deepEqual(JSON.parse(json.out), TRIGGER)
  })

  test('6.7: a feed of the own namespace; what the protocol says wins over parameters of the same names', async () => {
    session.api.on('POST /_/actions/mine/feed?blocking=true&result=false', { status: 200, body: ACTIVATION })
    const run = await session.cli(
      'trigger',
      'create',
      'tick',
      '-f',
      'mine/feed',
      '-p',
      'authKey',
      'x',
      '-a',
      'feed',
      'y',
    )
    assert.equal(run.code, 0)
    assert.deepEqual(session.sent(PUT), { name: 'tick', annotations: [{ key: 'feed', value: '/_/mine/feed' }] })
    assert.deepEqual(session.sent('POST /_/actions/mine/feed?blocking=true&result=false'), lifecycle('CREATE'))
  })

  test('6.7: -F is for the feed and -T for the trigger; they do not go with -p', async () => {
    const args = ['tick', '-f', '/whisk.system/alarms/alarm', '-F', 'cron', '*', '-T', 'place', 'here']
    assert.equal((await session.cli('trigger', 'create', ...args)).code, 0)
    assert.deepEqual(session.sent(PUT), {
      name: 'tick',
      parameters: [{ key: 'place', value: 'here' }],
      annotations: FED.annotations,
    })
    assert.deepEqual(session.sent(FEED), lifecycle('CREATE', { cron: '*' }))
    const before = session.calls().length
    const mixed = await session.cli('trigger', 'create', ...args, '-p', 'a', '1')
    assert.equal(mixed.code, 149)
    assert.match(
      mixed.err,
      /Incorrect usage\. Cannot combine --feed-param or --trigger-param flag with neither --param/,
    )
    const none = await session.cli('trigger', 'create', 'tick', '-F', 'cron', '*')
    assert.equal(none.code, 149)
    assert.match(none.err, /Incorrect usage\. Trigger without a feed cannot have feed parameters/)
    assert.equal(session.calls().length, before, 'nothing was sent')
  })

  test('6.7: where the feed fails, the trigger is deleted and the failure told', async () => {
    for (const [answer, code, why] of [
      [{ status: 502, body: FAILED }, 246, 'The following application error was received: cron pattern is not valid'],
      [NOT_FOUND, 148, `The requested resource does not exist. (code ${TID})`],
      [{ status: 202, body: { activationId: ID } }, 202, `it has not finished in time (activation ${ID}).`],
    ] as const) {
      session.api.on(FEED, answer)
      const run = await session.cli('trigger', 'create', 'tick', '-f', '/whisk.system/alarms/alarm')
      assert.deepEqual([run.code, run.out], [code, ''])
      const message = `error: Unable to create trigger 'tick': Unable to configure feed '/whisk.system/alarms/alarm': ${why}\n`
      assert.equal(run.err, answer.status === 502 ? printed(FAILED) + message : message)
      assert.equal(session.calls().at(-1), 'DELETE /_/triggers/tick')
    }
  })

  test('7.2: a trigger that cannot be created has no feed called', async () => {
    session.api.on(PUT, { status: 409, body: { code: TID, error: 'resource already exists' } })
    const run = await session.cli('trigger', 'create', 'tick', '-f', '/whisk.system/alarms/alarm')
    const err = `error: Unable to create trigger 'tick': resource already exists (code ${TID})\n`
    assert.deepEqual(run, { code: 153, out: '', err })
    assert.deepEqual(session.calls(), [PUT])
  })

  test('6.7: update of a trigger with a feed calls it with UPDATE, and changes the trigger where that is meant', async () => {
    session.api.on('GET /_/triggers/tick', { status: 200, body: FED })
    const whole = await session.cli('trigger', 'update', 'tick', '-p', 'cron', '*')
    assert.deepEqual(whole, { code: 0, out: `${printed(ACTIVATION)}ok: updated trigger tick\n`, err: '' })
    assert.deepEqual(session.calls(), ['GET /_/triggers/tick', FEED])
    assert.deepEqual(session.sent(FEED), lifecycle('UPDATE', { cron: '*' }))
    assert.equal((await session.cli('trigger', 'update', 'tick', '-T', 'a', '1')).out, 'ok: updated trigger tick\n')
    assert.deepEqual(session.calls().slice(2), ['GET /_/triggers/tick', OVERWRITE])
    assert.deepEqual(session.sent(OVERWRITE), { name: 'tick', parameters: [{ key: 'a', value: 1 }] })
    await session.cli('trigger', 'update', 'tick', '-F', 'cron', '?', '-T', 'a', '2', '-a', 'k', 'v')
    assert.deepEqual(session.calls().slice(4), ['GET /_/triggers/tick', OVERWRITE, FEED])
    assert.deepEqual(session.sent(OVERWRITE), {
      name: 'tick',
      parameters: [{ key: 'a', value: 2 }],
      annotations: [{ key: 'k', value: 'v' }, ...FED.annotations],
    })
    session.api.on(FEED, { status: 502, body: FAILED })
    const failed = await session.cli('trigger', 'update', 'tick', '-p', 'cron', 'x')
    assert.deepEqual([failed.code, failed.out], [246, ''])
    assert.ok(!session.calls().includes('DELETE /_/triggers/tick'))
  })

  test('6.7: a trigger without a feed takes no parameters for one', async () => {
    const run = await session.cli('trigger', 'update', 'tick', '-F', 'cron', '*')
    const err = "error: Unable to configure feed 'tick': this trigger does not contain a feed\n"
    assert.deepEqual(run, { code: 1, out: '', err })
    assert.deepEqual(session.calls(), ['GET /_/triggers/tick'])
  })

  test('7.4: fire prints the id; without an active rule there is none', async () => {
    session.api.on('POST /_/triggers/tick', { status: 202, body: { activationId: ID } })
    const fired = await session.cli('trigger', 'fire', 'tick', '-p', 'a', '{"b":1}')
    assert.deepEqual(fired, { code: 0, out: `ok: triggered /_/tick with id ${ID}\n`, err: '' })
    assert.deepEqual(session.sent('POST /_/triggers/tick'), { a: { b: 1 } })
    assert.deepEqual(JSON.parse((await session.cli('trigger', 'fire', 'tick', '--json')).out), { activationId: ID })
    session.api.on('POST /ns/triggers/tick', { status: 204 })
    const idle = await session.cli('trigger', 'fire', '/ns/tick')
    const out = 'trigger /ns/tick did not fire as it is not associated with an active rule\n'
    assert.deepEqual(idle, { code: 0, out, err: '' })
    assert.equal((await session.cli('trigger', 'fire', '/ns/tick', '--json')).out, 'null\n')
    session.api.on('POST /_/triggers/tick', { status: 429, body: { code: TID, error: 'Too many.' } })
    const refused = await session.cli('trigger', 'fire', 'tick')
    assert.deepEqual(refused, {
      code: 173,
      out: '',
      err: `error: Unable to fire trigger 'tick': Too many. (code ${TID})\n`,
    })
  })

  test('7.3: get prints the trigger, a field, a summary', async () => {
    const get = await session.cli('trigger', 'get', 'tick')
    assert.equal(get.out, `ok: got trigger tick\n${JSON.stringify(TRIGGER, null, 4)}\n`)
    const field = await session.cli('trigger', 'get', 'tick', 'name')
    assert.equal(field.out, 'ok: got trigger tick, displaying field name\n"tick"\n')
    const bound = { ...TRIGGER, parameters: [{ key: 'a', value: 1 }] }
    session.api.on('GET /_/triggers/tick', { status: 200, body: bound })
    const summary = await session.cli('trigger', 'get', 'tick', '-s')
    assert.equal(summary.out, 'trigger /guest/tick: Returns a result based on parameter a\n   (parameters: *a)\n')
    session.api.on('GET /_/triggers/tick', NOT_FOUND)
    assert.equal((await session.cli('trigger', 'get', 'tick')).code, 148)
  })

  test('6.7: get of a trigger with a feed prints what the feed knows', async () => {
    session.api.on('GET /_/triggers/tick', { status: 200, body: FED })
    assert.deepEqual(await session.cli('trigger', 'get', 'tick'), { code: 0, out: printed(ACTIVATION), err: '' })
    assert.deepEqual(session.sent(FEED), lifecycle('READ'))
    const calls = session.calls().length
    assert.match((await session.cli('trigger', 'get', 'tick', 'version')).out, /"0\.0\.1"\n$/)
    assert.match((await session.cli('trigger', 'get', 'tick', '--summary')).out, /^trigger \/guest\/tick\n/)
    assert.equal(session.calls().length, calls + 2, 'the feed is not asked for what the trigger has')
  })

  test('6.7: delete tells the feed first; a feed that fails keeps no trigger alive', async () => {
    session.api.on('GET /_/triggers/tick', { status: 200, body: FED })
    const run = await session.cli('trigger', 'delete', 'tick')
    assert.deepEqual(run, { code: 0, out: `${printed(ACTIVATION)}ok: deleted trigger tick\n`, err: '' })
    assert.deepEqual(session.calls(), ['GET /_/triggers/tick', FEED, 'DELETE /_/triggers/tick'])
    assert.deepEqual(session.sent(FEED), lifecycle('DELETE'))
    session.api.on(FEED, NOT_FOUND)
    const gone = await session.cli('trigger', 'delete', 'tick')
    assert.deepEqual([gone.code, gone.out], [0, 'ok: deleted trigger tick\n'])
    assert.match(
      gone.err,
      /^error: Unable to delete the feed of trigger 'tick': Unable to configure feed '.*alarm': The /,
    )
    session.api.on('GET /_/triggers/tick', NOT_FOUND)
    const missing = await session.cli('trigger', 'delete', 'tick')
    assert.equal(missing.code, 148)
    assert.match(missing.err, /^error: Unable to get trigger 'tick': /)
  })

  test('0.7: list prints names and visibility', async () => {
    session.api.on('GET /_/triggers?skip=0&limit=30', { status: 200, body: [TRIGGER] })
    assert.equal((await session.cli('trigger', 'list')).out, `triggers\n${'/guest/tick'.padEnd(70)} private\n`)
    assert.deepEqual(JSON.parse((await session.cli('trigger', 'list', '--json')).out), [TRIGGER])
  })

  test('S4-2: the key of the caller does not reach what --verbose prints', async () => {
    const key = `23bc46b1-71f6-4ed5-8c54-816aa4f8c502:${'k'.repeat(64)}`
    const run = await session.cli('--auth', key, 'trigger', 'create', 'tick', '-f', '/whisk.system/alarms/alarm', '-v')
    assert.equal(run.code, 0)
    assert.match(run.err, /lifecycleEvent/)
    assert.ok(!run.err.includes('kkkk'))
  })
})
