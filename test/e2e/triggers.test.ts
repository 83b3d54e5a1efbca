/** Triggers and rules on a whole server: what fires start, what their records say, what clients do with feeds. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import openwhisk from 'openwhisk'
import type { Answer, Body, TestServer } from './server.ts'
import { dispose, eventually, GUEST, startServer } from './server.ts'

const ECHO = 'function main(args) { return { args } }'

describe('fires', () => {
  let server: TestServer
  before(async () => {
    server = await startServer()
    await server.put('echo', ECHO)
    await server.put('final', ECHO, {
      parameters: [{ key: 'fixed', value: 1 }],
      annotations: [{ key: 'final', value: true }],
    })
  })
  after(async () => {
    await server.stop()
    dispose(server)
  })

  /** A trigger with rules, by their names, to actions. */
  async function trigger(name: string, rules: Readonly<Record<string, string>>, body: object = {}): Promise<void> {
    assert.equal((await server.call('PUT', `/triggers/${name}`, body)).status, 200)
    for (const [rule, action] of Object.entries(rules)) {
      const made = await server.call('PUT', `/rules/${rule}`, { trigger: `/_/${name}`, action: `/_/${action}` })
      assert.equal(made.status, 200, made.text)
    }
  }
  const fire = (name: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> =>
    server.call('POST', `/triggers/${name}`, body, headers)
  const logsOf = (record: Body): readonly Record<string, unknown>[] =>
    record.logs.map((line) => JSON.parse(line) as Record<string, unknown>)

  test('7.4, 7.5: 202 with id and header; the record; what the action is given', async () => {
    await trigger(
      't1',
      { r1: 'echo' },
      {
        parameters: [
          { key: 'a', value: 'trigger' },
          { key: 'b', value: 'trigger' },
        ],
      },
    )
    const began = Date.now()
    const { status, headers, body } = await fire(
      't1?blocking=true&result=true',
      { b: 'fired' },
      { 'X-Github-Event': 'push' },
    )
    assert.equal(status, 202)
    assert.deepEqual(Object.keys(body), ['activationId'])
    assert.equal(headers.get('x-openwhisk-activation-id'), body.activationId)
    assert.equal(headers.get('access-control-allow-origin'), '*')
    assert.ok(headers.get('x-request-id'))

    const record = await server.activation(body.activationId)
    const { start, logs, ...rest } = record
    assert.ok(typeof start === 'number' && start >= began - 1000 && start <= Date.now())
    assert.deepEqual(rest, {
      namespace: 'guest',
      subject: 'guest',
      name: 't1',
      version: '0.0.1',
      activationId: body.activationId,
      publish: false,
      response: { status: 'success', success: true, result: { b: 'fired' } },
      annotations: [],
    })
    const [line] = logsOf(record)
    assert.deepEqual(logs, [JSON.stringify(line)])
    assert.deepEqual(line, {
      statusCode: 0,
      success: true,
      activationId: line?.['activationId'],
      rule: 'guest/r1',
      action: 'guest/echo',
    })
    const called = await server.activation(String(line['activationId']))
    assert.equal(called['cause'], undefined)
    const { args } = called.response.result as { args: Record<string, unknown> }
    const { __ow_headers: fired, ...others } = args
    assert.deepEqual(others, { a: 'trigger', b: 'fired' })
    assert.equal((fired as Record<string, unknown>)['x-github-event'], 'push')
    assert.equal((fired as Record<string, unknown>)['authorization'], undefined)
  })

  test('8.4, 8.5: the record in lists, its result and its logs', async () => {
    await trigger('t2', { r2: 'echo' })
    const { body } = await fire('t2')
    const record = await server.activation(body.activationId)
    assert.deepEqual(record.response, { status: 'success', success: true, result: {} })
    const { body: list } = await server.call('GET', '/activations?name=t2')
    assert.deepEqual(list, [
      {
        namespace: 'guest',
        name: 't2',
        version: '0.0.1',
        publish: false,
        annotations: [],
        activationId: body.activationId,
        start: record['start'],
      },
    ])
    const { body: logs } = await server.call('GET', `/activations/${body.activationId}/logs`)
    assert.deepEqual(logs, { logs: record.logs })
    const { body: result } = await server.call('GET', `/activations/${body.activationId}/result`)
    assert.deepEqual(result, record.response)
  })

  test('7.5, 14.33: one line a rule: started, inactive, a final parameter, an action that is gone', async () => {
    await server.put('gone', ECHO)
    await trigger('t3', { 'r3-echo': 'echo', 'r3-off': 'echo', 'r3-final': 'final', 'r3-gone': 'gone' })
    await server.call('POST', '/rules/r3-off', { status: 'inactive' })
    await server.call('DELETE', '/actions/gone')
    const { body } = await fire('t3', { fixed: 2 })
    const lines = new Map(logsOf(await server.activation(body.activationId)).map((line) => [line['rule'], line]))
    assert.equal(lines.size, 4)
    assert.equal(lines.get('guest/r3-echo')?.['success'], true)
    assert.deepEqual(lines.get('guest/r3-off'), {
      statusCode: 1,
      success: false,
      error: "Rule 'guest/r3-off' is inactive, action 'guest/echo' was not activated.",
      rule: 'guest/r3-off',
      action: 'guest/echo',
    })
    const failed = (rule: string, action: string, error: string): object => ({
      statusCode: 1,
      success: false,
      error,
      rule: `guest/${rule}`,
      action: `guest/${action}`,
    })
    const reserved = 'Request defines parameters that are not allowed (e.g., reserved properties).'
    assert.deepEqual(lines.get('guest/r3-final'), failed('r3-final', 'final', reserved))
    const missing = 'The requested resource does not exist.'
    assert.deepEqual(lines.get('guest/r3-gone'), failed('r3-gone', 'gone', missing))
  })

  test('7.4, 8.9, 14.3: without an active rule 204, empty, without header and record', async () => {
    const isNothing = async (): Promise<void> => {
      const { status, headers, text } = await fire('t4', { k: 1 })
      assert.equal(status, 204)
      assert.equal(text, '')
      assert.equal(headers.get('x-openwhisk-activation-id'), null)
      assert.ok(headers.get('x-request-id'))
    }
    await trigger('t4', {})
    await isNothing()
    await server.call('PUT', '/rules/r4', { trigger: '/_/t4', action: '/_/echo' })
    assert.equal((await fire('t4')).status, 202)
    await server.call('POST', '/rules/r4', { status: 'inactive' })
    await isNothing()
    await server.call('POST', '/rules/r4', { status: 'active' })
    assert.equal((await fire('t4')).status, 202)
    await server.call('DELETE', '/triggers/t4')
    assert.equal((await fire('t4')).status, 404)
    await server.call('PUT', '/triggers/t4', {})
    await isNothing()
    await server.call('POST', '/rules/r4', { status: 'active' })
    assert.equal((await fire('t4')).status, 202)
    await server.call('DELETE', '/rules/r4')
    await isNothing()
    await eventually('three records, one a fire that had an active rule', async () => {
      const { body } = await server.call('GET', '/activations?name=t4&count=true')
      return body['activations'] === 3
    })
  })

  test('7.4: what is refused', async () => {
    await trigger('t5', { r5: 'echo' })
    const refused = async (name: string, body: unknown, status: number, error: RegExp | string): Promise<void> => {
      const answer = await fire(name, body)
      assert.equal(answer.status, status, answer.text)
      if (typeof error === 'string') assert.equal(answer.body.error, error)
      else assert.match(answer.body.error, error)
      assert.equal(answer.body.code, answer.headers.get('x-request-id'))
    }
    await refused('missing', {}, 404, 'The requested resource does not exist.')
    await refused('echo', {}, 409, 'Resource by this name exists but is not in this collection.')
    await refused('t5', [1], 400, 'The request content was malformed:\nJSON object expected')
    await refused('t5', '"x"', 400, 'The request content was malformed:\nJSON object expected')
    await refused('t5', '{', 400, /^The request content was malformed:\n/)
    await refused('t5', { a: 'x'.repeat(1024 * 1024) }, 413, 'Request larger than allowed: 1048584 > 1048576 bytes.')
    await refused('missing', { a: 'x'.repeat(1024 * 1024) }, 413, /^Request larger than allowed/)
    await refused('%24t', {}, 400, 'The name of the entity contains illegal characters.')
    await refused('t5/x', {}, 404, 'The requested resource could not be found.')
    const foreign = await fetch(`${server.url}/api/v1/namespaces/other/triggers/t`, {
      method: 'POST',
      headers: { Authorization: `Basic ${Buffer.from(GUEST).toString('base64')}` },
    })
    assert.equal(foreign.status, 403)
    const { error } = (await foreign.json()) as { error: string }
    assert.equal(error, "The supplied authentication is not authorized to access 'other/t'.")
    const anonymous = await fetch(`${server.url}/api/v1/namespaces/_/triggers/t5`, { method: 'POST' })
    assert.equal(anonymous.status, 401)
  })

  test('9, 14.33: fires have a limit of their own, and calls of rules count against that of calls', async () => {
    await trigger('t6', { r6a: 'echo', r6b: 'echo', r6c: 'echo' })
    await server.admin('PATCH', '/admin/limits/guest', { firesPerMinute: 1, invocationsPerMinute: 2 })
    try {
      const answers: Answer[] = []
      for (let index = 0; index < 2; index++) answers.push(await fire('t6'))
      // Fires and calls of the tests before count, too.
      const limited = answers.find(({ status }) => status === 429)
      assert.match(limited?.body.error ?? '', /^Too many requests in the last minute \(count: \d+, allowed: 1\)\.$/)
      assert.ok(limited?.headers.get('retry-after'))
      await server.admin('PATCH', '/admin/limits/guest', { firesPerMinute: 1000 })
      const { body } = await fire('t6')
      for (const line of logsOf(await server.activation(body.activationId))) {
        assert.equal(line['statusCode'], 1)
        assert.match(String(line['error']), /^Too many requests in the last minute \(count: \d+, allowed: 2\)\.$/)
      }
    } finally {
      await server.admin('DELETE', '/admin/limits/guest')
    }
  })

  test('fires and their rules are counted', async () => {
    await trigger('t7', { r7a: 'echo', r7b: 'echo' })
    const before = await server.metric('stave_journal_rules_total{event="started"}')
    const { body } = await fire('t7')
    await server.activation(body.activationId)
    assert.equal(await server.metric('stave_journal_rules_total{event="started"}'), before + 2)
    assert.ok((await server.metric('stave_router_fires_total{event="accepted"}')) > 0)
    assert.ok((await server.metric('stave_router_fires_total{event="withoutActiveRule"}')) > 0)
    assert.equal(await server.metric('stave_journal_fires_waiting'), 0)
  })

  test('7.5: a hundred rules and more are all seen to, in one record', async () => {
    const rules = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`many${index}`, 'echo']))
    await trigger('many', rules)
    const { body } = await fire('many', { k: 1 })
    const lines = logsOf(await server.activation(body.activationId, 30_000))
    assert.equal(lines.length, 150)
    assert.equal(new Set(lines.map(({ rule }) => rule)).size, 150)
    const ids = lines.map(({ activationId }) => String(activationId))
    assert.equal(new Set(ids).size, 150)
    for (const id of ids) assert.equal((await server.activation(id, 30_000)).response.success, true)
  })

  describe('15.3: the openwhisk client', () => {
    let client: openwhisk.Client
    before(() => {
      client = openwhisk({ apihost: server.url, api_key: GUEST })
    })

    test('triggers, rules and fires', async () => {
      await client.triggers.create({ name: 'c1', trigger: { parameters: [{ key: 'p', value: 1 }] } })
      await client.rules.create({ name: 'cr1', action: 'echo', trigger: 'c1' })
      const { activationId } = await client.triggers.invoke({ name: 'c1', params: { q: 2 } })
      const record = await server.activation(activationId)
      assert.deepEqual(record.response.result, { q: 2 })
      await client.rules.disable({ name: 'cr1' })
      assert.partialDeepStrictEqual(await client.rules.get({ name: 'cr1' }), { status: 'inactive' })
      await client.rules.enable({ name: 'cr1' })
      assert.partialDeepStrictEqual(await client.rules.get({ name: 'cr1' }), { status: 'active' })
      const listed = await client.rules.list()
      assert.ok(listed.some(({ name }) => name === 'cr1'))
      await client.rules.delete({ name: 'cr1' })
      await client.triggers.delete({ name: 'c1' })
      await assert.rejects(client.triggers.get({ name: 'c1' }), { statusCode: 404 })
    })

    test('6.7: a feed is told of its trigger by the client, with a key that can fire it', async () => {
      // As a feed of the world would, it remembers what it was told and fires: here at once.
      const feed = `
        const openwhisk = require('openwhisk')
        async function main({ lifecycleEvent, triggerName, authKey, ...rest }) {
          const fired = lifecycleEvent === 'CREATE'
            ? await openwhisk({ api_key: authKey }).triggers.invoke({ name: triggerName, params: { from: 'feed', ...rest } })
            : undefined
          return { lifecycleEvent, triggerName, fired }
        }`
      await server.put('feed', feed, { annotations: [{ key: 'feed', value: true }] })
      const annotations = [{ key: 'feed', value: '/_/feed' }]
      await client.triggers.create({ name: 'fed', trigger: { annotations } })
      await client.rules.create({ name: 'fed-rule', action: 'echo', trigger: 'fed' })
      const created = await client.feeds.create({ name: 'feed', trigger: 'fed', params: { cron: '* * *' } })
      assert.partialDeepStrictEqual(created, {
        response: { success: true, result: { lifecycleEvent: 'CREATE', triggerName: '/_/fed' } },
      })
      await eventually('the echo of what the feed fired', async () => {
        const { body } = await server.call('GET', '/activations?name=fed&docs=true')
        const records = body as unknown as readonly Body[]
        return records.some(({ response: { result } }) => result['from'] === 'feed' && result['cron'] === '* * *')
      })
      const deleted = await client.feeds.delete({ name: 'feed', trigger: 'fed' })
      assert.partialDeepStrictEqual(deleted, { response: { result: { lifecycleEvent: 'DELETE' } } })
    })
  })
})
