/** Clients that people have, unedited, against the whole server: OpenWhisk's JavaScript client, curl, and the headers that both and tools rely on. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import openwhisk from 'openwhisk'
import { findTool } from '../../src/containers/host/find-tool.ts'
import { runCommand, stave } from './executable.ts'
import type { Body, TestServer } from './server.ts'
import { GUEST, dispose, eventually, startServer } from './server.ts'

const curl = findTool('curl')

describe('clients', () => {
  let server: TestServer
  let client: openwhisk.Client
  before(async () => {
    server = await startServer()
    client = openwhisk({ apihost: server.url, api_key: GUEST })
  })
  after(async () => {
    await server.stop()
    dispose(server)
  })

  describe('15.3: the openwhisk client', () => {
    const failure =
      (statusCode: number, message: RegExp) =>
      (error: unknown): boolean => {
        assert.ok(error instanceof Error && 'statusCode' in error)
        assert.equal(error.statusCode, statusCode)
        assert.match(error.message, message)
        return true
      }

    test('creates, updates, invokes, lists and deletes actions', async () => {
      const action = 'function main(a) { console.log("for " + a.name); return { hello: a.name, greeting: a.greeting } }'
      const created = await client.actions.create({
        name: 'greet',
        action,
        params: { greeting: 'hi' },
        annotations: { note: 'x' },
      })
      assert.equal(created.exec.kind, 'nodejs:24')
      await assert.rejects(client.actions.create({ name: 'greet', action }), failure(409, /resource already exists/))
      const updated = await client.actions.update({ name: 'greet', action, limits: { timeout: 5000 } })
      assert.equal(updated.version, '0.0.2')
      const record = await client.actions.invoke({ name: 'greet', blocking: true, params: { name: 'World' } })
      assert.partialDeepStrictEqual(record, {
        response: { status: 'success', success: true, result: { hello: 'World', greeting: 'hi' } },
      })
      const result: unknown = await client.actions.invoke({
        name: 'greet',
        blocking: true,
        result: true,
        params: { name: 'W' },
      })
      assert.deepEqual(result, { hello: 'W', greeting: 'hi' })
      const { activationId } = await client.actions.invoke({ name: 'greet', params: { name: 'later' } })
      await server.activation(activationId)
      const listed = await client.actions.list({ limit: 200 })
      assert.ok(listed.some(({ name, namespace }) => name === 'greet' && namespace === 'guest'))
      await client.actions.delete({ name: 'greet' })
      await assert.rejects(
        client.actions.get({ name: 'greet' }),
        failure(404, /The requested resource does not exist\./),
      )
      await assert.rejects(
        client.actions.invoke({ name: 'greet', blocking: true }),
        failure(404, /The requested resource does not exist\./),
      )
    })

    test('reads activations', async () => {
      await client.actions.update({ name: 'speak', action: 'function main() { console.log("said"); return { n: 1 } }' })
      const { activationId } = await client.actions.invoke({ name: 'speak', blocking: true })
      await server.activation(activationId)
      const listed = (await client.activations.list({ name: 'speak', limit: 5 })) as unknown as readonly Body[]
      assert.deepEqual(
        listed.map((one) => one.activationId),
        [activationId],
      )
      assert.ok(listed.every((one) => one['response'] === undefined && one['statusCode'] === 0))
      assert.partialDeepStrictEqual(await client.activations.get({ name: activationId }), {
        activationId,
        response: { success: true },
      })
      assert.match(JSON.stringify(await client.activations.logs({ name: activationId })), /stdout: said"\]/)
      assert.partialDeepStrictEqual(await client.activations.result({ name: activationId }), {
        result: { n: 1 },
        success: true,
      })
      await assert.rejects(client.activations.get({ name: '0'.repeat(32) }), failure(404, /does not exist/))
    })

    test('turns failures of actions into errors', async () => {
      await client.actions.update({
        name: 'failing',
        action: 'function main(a) { if (a.bad) throw new Error("no"); return { error: "mine" } }',
      })
      await assert.rejects(client.actions.invoke({ name: 'failing', blocking: true }), failure(502, /mine/))
      await assert.rejects(
        client.actions.invoke({ name: 'failing', blocking: true, params: { bad: true } }),
        failure(502, /An error has occurred: Error: no/),
      )
      const stranger = openwhisk({ apihost: server.url, api_key: GUEST.replace('123zO3', '123zO4') })
      await assert.rejects(stranger.actions.list(), failure(401, /The supplied authentication is invalid/))
    })

    test('9.1: makes and runs sequences, of shared actions, too', async () => {
      const echo = '/whisk.system/utils/echo'
      // The client's types do not know that a sequence needs no code.
      const options: Parameters<typeof client.actions.create>[0] = JSON.parse(
        JSON.stringify({ name: 'twice', sequence: [echo, echo] }),
      )
      const created = await client.actions.create(options)
      assert.deepEqual(created.exec, { kind: 'sequence', components: [echo, echo] })
      const result: unknown = await client.actions.invoke({
        name: 'twice',
        blocking: true,
        result: true,
        params: { a: 1 },
      })
      assert.deepEqual(result, { a: 1 })
      const sorted = await client.actions.invoke({ name: '/whisk.system/utils/sort', blocking: true })
      assert.partialDeepStrictEqual(sorted, { response: { success: true, result: { lines: [], length: 0 } } })
    })

    test('9.1: makes, binds, reads, lists and deletes packages', async () => {
      const shared = { publish: true, parameters: [{ key: 'a', value: 1 }], annotations: [{ key: 'n', value: 'x' }] }
      await client.packages.create({ name: 'made', package: shared })
      await assert.rejects(client.packages.create({ name: 'made', package: {} }), failure(409, /already exists/))
      await client.packages.update({ name: 'made', package: { publish: false } })
      await client.actions.create({ name: 'made/inner', action: 'function main(a) { return a }' })
      await client.packages.update({ name: 'tied', package: { binding: { namespace: '_', name: 'made' } } })
      const tied: unknown = await client.packages.get({ name: 'tied' })
      assert.partialDeepStrictEqual(tied, {
        namespace: 'guest',
        binding: { namespace: 'guest', name: 'made' },
        parameters: [{ key: 'a', value: 1 }],
        actions: [{ name: 'inner', version: '0.0.1' }],
        feeds: [],
      })
      const result: unknown = await client.actions.invoke({ name: 'tied/inner', blocking: true, result: true })
      assert.deepEqual(result, { a: 1 })
      const listed: unknown = await client.packages.list({ limit: 1 })
      assert.partialDeepStrictEqual(listed, [{ name: 'tied', namespace: 'guest' }])
      await assert.rejects(
        client.packages.delete({ name: 'made' }),
        failure(409, /Package not empty \(contains 1 entity\)/),
      )
      await client.actions.delete({ name: 'made/inner' })
      await client.packages.delete({ name: 'made' })
      await client.packages.delete({ name: 'tied' })
      await assert.rejects(client.packages.get({ name: 'made' }), failure(404, /'guest\/made' does not exist/))
    })

    test('15.3: reads a namespace as a whole', async () => {
      await client.triggers.create({ name: 'there' })
      const whole: unknown = await client.namespaces.get({ namespace: 'guest' })
      assert.partialDeepStrictEqual(whole, { triggers: [{ name: 'there', namespace: 'guest' }], rules: [] })
      await client.triggers.delete({ name: 'there' })
    })

    test('works inside of an action, with the key and the host that it is given', async () => {
      const code = `const openwhisk = require('openwhisk')
        async function main() {
          const url = process.env.__OW_API_HOST
          const ow = openwhisk({ ignore_certs: true })
          return { url, names: (await ow.actions.list()).map(({ name }) => name), inner: await ow.actions.invoke({ name: 'inner', blocking: true, result: true }) }
        }`
      await server.put('inner', 'function main() { return { from: process.env.__OW_ACTION_NAME } }')
      await server.put('outer', code, { annotations: [{ key: 'provide-api-key', value: true }] })
      const { body, status } = await server.invoke('outer')
      assert.equal(status, 200, JSON.stringify(body))
      const { url, names, inner } = body.response.result
      assert.equal(url, server.url)
      assert.ok(Array.isArray(names) && names.includes('inner') && names.includes('outer'))
      assert.deepEqual(inner, { from: '/guest/inner' })
    })
  })

  describe('curl', { skip: curl === undefined && 'curl is not installed' }, () => {
    const run = async (...args: string[]): Promise<string> => {
      const { code, out, err } = await runCommand([curl ?? '', '-sS', ...args])
      assert.equal(code, 0, err)
      return out
    }

    test('-u creates, invokes and reads', async () => {
      const at = `${server.url}/api/v1/namespaces/_`
      const json = ['-H', 'Content-Type: application/json']
      const body = JSON.stringify({
        exec: { kind: 'python:default', code: 'def main(a):\n    return {"hi": a.get("name")}\n' },
      })
      const created = JSON.parse(
        await run('-u', GUEST, '-X', 'PUT', ...json, '-d', body, `${at}/actions/curled`),
      ) as Body
      assert.partialDeepStrictEqual(created, { name: 'curled', namespace: 'guest', version: '0.0.1' })
      const result = await run(
        '-u',
        GUEST,
        ...json,
        '-d',
        '{"name":"x"}',
        `${at}/actions/curled?blocking=true&result=true`,
      )
      assert.equal(result, '{"hi":"x"}')
      // No body at all, as many tools send it.
      assert.equal(
        await run('-u', GUEST, '-X', 'POST', `${at}/actions/curled?blocking=true&result=true`),
        '{"hi":null}',
      )
      assert.match(await run('-u', GUEST, '-X', 'POST', `${at}/actions/curled`), /^\{"activationId":"[0-9a-f]{32}"\}$/)
      // A large body makes curl ask for 100-continue first.
      const file = join(server.dataDir, 'large.json')
      writeFileSync(file, JSON.stringify({ name: 'x'.repeat(1_000_000) }))
      const large = await run(
        '-u',
        GUEST,
        ...json,
        '-H',
        'Expect: 100-continue',
        '-d',
        `@${file}`,
        `${at}/actions/curled?blocking=true&result=true`,
      )
      assert.equal(large.length, 1_000_009)
      assert.equal(await run(`${server.url}/ping`), 'pong')
      const denied = await run('-o', '/dev/null', '-w', '%{http_code} %header{www-authenticate}', `${at}/actions`)
      assert.equal(denied, '401 Basic realm="OpenWhisk secure realm",charset=UTF-8')
    })
  })

  describe('headers of answers', () => {
    test('1.6, 0.8: X-Request-ID comes first and echoes, CORS on what handlers answer, the activation id on calls', async () => {
      await server.put('plain', 'function main(a) { if (a.bad) throw 1; return {} }')
      const answers = [
        await server.invoke('plain'),
        await server.invoke('plain', { bad: true }),
        await server.invoke('plain', {}, ''),
        await server.call('GET', '/actions/plain'),
        await server.call('GET', '/actions/none'),
      ]
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 502, 202, 200, 404],
      )
      for (const { headers, status, body } of answers) {
        assert.match(headers.get('x-request-id') ?? '', /^[A-Za-z0-9]{32}$/)
        if (status === 404) assert.equal(body.code, headers.get('x-request-id'))
        assert.equal(headers.get('access-control-allow-origin'), '*')
        assert.equal(headers.get('access-control-allow-methods'), 'GET, DELETE, POST, PUT, HEAD')
        assert.equal(headers.get('content-type'), 'application/json')
      }
      for (const { headers, body } of answers.slice(0, 3)) {
        assert.match(headers.get('x-openwhisk-activation-id') ?? '', /^[0-9a-f]{32}$/)
        assert.equal(headers.get('x-openwhisk-activation-id'), body.activationId)
      }
      const echoed = await server.call('POST', '/actions/plain?blocking=true', {}, { 'X-Request-ID': 'my-own-id' })
      assert.equal(echoed.headers.get('x-request-id'), 'my-own-id')
      const reserved = await server.call('GET', '/actions', undefined, { 'X-Request-ID': 'sid_me' })
      assert.notEqual(reserved.headers.get('x-request-id'), 'sid_me')
    })

    test('S4-68: Server-Timing and X-Stave-Start tell how a call went, as the annotations do', async () => {
      await server.put('timed', 'async function main(a) { await new Promise((r) => setTimeout(r, a.ms)); return {} }')
      const first = await server.invoke('timed', { ms: 60 })
      assert.match(
        first.headers.get('server-timing') ?? '',
        /^wait;dur=\d+\.\d\d, init;dur=\d+\.\d\d, run;dur=\d+\.\d\d$/,
      )
      assert.match(first.headers.get('x-stave-start') ?? '', /^(cold|stem)$/)
      const second = await server.invoke('timed', { ms: 60 })
      const timing = /^wait;dur=(\d+\.\d\d), run;dur=(\d+\.\d\d)$/.exec(second.headers.get('server-timing') ?? '')
      assert.ok(Number(timing?.[2]) >= 55, second.headers.get('server-timing') ?? '')
      assert.equal(second.headers.get('x-stave-start'), 'warm')
      const annotations = (body: Body): Record<string, unknown> =>
        Object.fromEntries(body.annotations.map(({ key, value }) => [key, value]))
      assert.partialDeepStrictEqual(annotations(first.body), { path: 'guest/timed', kind: 'nodejs:24', timeout: false })
      assert.deepEqual(annotations(first.body)['limits'], { timeout: 60000, memory: 256, logs: 10, concurrency: 1 })
      assert.equal(typeof annotations(first.body)['initTime'], 'number')
      assert.equal(typeof annotations(second.body)['waitTime'], 'number')
      assert.ok(!('initTime' in annotations(second.body)))
      assert.equal(Number(second.body['end']) - Number(second.body['start']), second.body.duration)
    })

    test('4.10: a wait that ends is 202, and the run goes on; arrays are answered bare', async () => {
      await server.put(
        'slow',
        'async function main() { await new Promise((r) => setTimeout(r, 400)); return { slept: true } }',
      )
      const early = await server.invoke('slow', {}, 'blocking=true&timeout=100')
      assert.equal(early.status, 202)
      assert.deepEqual(Object.keys(early.body), ['activationId'])
      assert.equal((await server.activation(early.body.activationId)).response.result['slept'], true)
      await server.put('list', 'function main() { return [1, { two: 2 }] }')
      assert.equal((await server.invoke('list')).text, '[1,{"two":2}]')
    })
  })

  describe('the stave command', () => {
    const cli = (...args: string[]): ReturnType<typeof stave> =>
      stave([...args, '--apihost', server.url, '--auth', GUEST], { cwd: server.dataDir })

    test('S4-2: creates by kind, follows activations, and exits as wsk does', async () => {
      writeFileSync(join(server.dataDir, 'cli.py'), 'def main(a):\n    print("log line")\n    return {"got": a}\n')
      assert.deepEqual(await cli('action', 'create', 'cli', 'cli.py'), {
        code: 0,
        out: 'ok: created action cli\n',
        err: '',
      })
      const invoked = await cli('action', 'invoke', 'cli', '-r', '-p', 'n', '1', '-p', 'list', '[1,2]')
      assert.deepEqual(JSON.parse(invoked.out), { got: { n: 1, list: [1, 2] } })
      const json = await cli('action', 'get', 'cli', '--json')
      assert.equal((JSON.parse(json.out) as Body)['name'], 'cli')
      const started = await cli('action', 'invoke', 'cli')
      const id = /with id ([0-9a-f]{32})/.exec(started.out)?.[1] ?? ''
      await server.activation(id)
      assert.equal((await cli('activation', 'logs', id, '--strip')).out, 'log line\n')
      assert.equal((await cli('action', 'get', 'missing')).code, 148)
      assert.equal((await cli('action', 'delete', 'cli')).code, 0)
    })

    test('a key that is not known, a host that does not answer: exit codes and messages', async () => {
      const wrong = await stave([
        'action',
        'list',
        '--apihost',
        server.url,
        '--auth',
        GUEST.replace('123zO3', '123zO4'),
      ])
      assert.equal(wrong.code, 145)
      assert.match(wrong.err, /The supplied authentication is invalid/)
      const nowhere = await stave(['action', 'list', '--apihost', 'http://127.0.0.1:1', '--auth', GUEST])
      assert.notEqual(nowhere.code, 0)
      assert.match(nowhere.err, /127\.0\.0\.1:1/)
    })
  })

  test('no client left anything running', () =>
    eventually('nothing is in flight', async () => (await server.metric('stave_router_in_flight')) === 0))
})
