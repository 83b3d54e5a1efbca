/** What operators rely on: health, metrics, the admin API, keys, listeners, refusals to start, and logs that tell enough but no secret. */

import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { after, before, describe, test } from 'node:test'
import { stave } from './executable.ts'
import { closedGate } from './many-clients.ts'
import type { Answer, TestServer } from './server.ts'
import { GUEST, SYSTEM, dispose, eventually, startServer } from './server.ts'

const PAIR = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[A-Za-z0-9]{64}$/

const basic = (key: string): Record<string, string> => ({
  Authorization: `Basic ${Buffer.from(key).toString('base64')}`,
})

describe('a server at work', () => {
  let server: TestServer
  /** All keys that were made or used: none may ever be in the log. */
  const secrets = [GUEST, SYSTEM]
  before(async () => {
    server = await startServer({ flags: ['--log-level', 'debug'] })
    await server.put('hello', 'function main(a) { return { hello: a.name } }')
  })
  after(async () => {
    await server.stop()
    dispose(server)
  })

  const callAs = (key: string, method = 'GET', path = '/actions', body?: unknown): Promise<Answer> =>
    server.call(method, path, body, basic(key))
  const user = (...args: string[]): ReturnType<typeof stave> =>
    stave(['user', ...args, '--data-dir', server.dataDir], { cwd: server.dataDir })
  async function created(name: string): Promise<string> {
    const { code, out, err } = await user('create', name)
    assert.equal(code, 0, err)
    assert.match(out.trim(), PAIR)
    secrets.push(out.trim())
    return out.trim()
  }

  test('S4-1: liveness and readiness on the internal socket, not on the public listener', async () => {
    assert.deepEqual((await server.admin('GET', '/livez')).body, { live: true })
    const ready = await server.admin('GET', '/readyz')
    assert.deepEqual([ready.status, ready.body['ready']], [200, true])
    for (const path of ['/livez', '/readyz', '/metrics', '/admin/users', '/admin/pool', '/admin/config']) {
      const { status } = await fetch(server.url + path, { headers: basic(SYSTEM) })
      assert.ok([404, 405].includes(status), `${path}: ${status}`)
    }
  })

  test('S4-68: /metrics is Prometheus text: typed, unique, finite, and it moves', async () => {
    const before = await server.metric('stave_proxy_events_total{event="runs"}')
    for (let call = 0; call < 5; call++) await server.invoke('hello')
    assert.equal(await server.metric('stave_proxy_events_total{event="runs"}'), before + 5)
    const { status, text } = await server.admin('GET', '/metrics')
    assert.equal(status, 200)
    assertPrometheus(text)
    for (const name of [
      'process_resident_memory_bytes',
      'stave_router_parked',
      'stave_journal_entries',
      'stave_pool_containers',
    ]) {
      assert.match(text, new RegExp(`^# TYPE ${name} gauge$`, 'm'))
    }
  })

  test('S4-57: block, unblock, rotation, deletion and limits hold at once, although keys and actions are cached', async () => {
    const key = await created('wanderer')
    const put = { exec: { kind: 'nodejs:default', code: 'function main() { return {} }' } }
    assert.equal((await callAs(key, 'PUT', '/actions/mine', put)).status, 200)
    const invoke = (): Promise<Answer> => callAs(key, 'POST', '/actions/mine?blocking=true', {})
    assert.equal((await invoke()).status, 200)
    assert.equal((await user('block', 'wanderer')).code, 0)
    assert.deepEqual([(await invoke()).status, (await callAs(key)).status], [401, 401])
    assert.equal((await user('unblock', 'wanderer')).code, 0)
    assert.equal((await invoke()).status, 200)
    const limits = await server.admin('PATCH', '/admin/limits/wanderer', { invocationsPerMinute: 0 })
    assert.deepEqual([limits.status, limits.body], [200, { invocationsPerMinute: 0 }])
    const limited = await invoke()
    assert.equal(limited.status, 429)
    assert.match(limited.body.error, /^Too many requests in the last minute \(count: \d+, allowed: 0\)\.$/)
    assert.equal((await server.admin('DELETE', '/admin/limits/wanderer')).status, 200)
    assert.equal((await invoke()).status, 200)
    assert.equal((await server.admin('PATCH', '/admin/limits/wanderer', { allowedKinds: ['python:3.11'] })).status, 200)
    assert.equal(
      (await invoke()).body.error,
      "The supplied authentication is not authorized to access actions of kind 'nodejs:24'.",
    )
    await server.admin('DELETE', '/admin/limits/wanderer')
    const rotated = (await user('rotate', 'wanderer')).out.trim()
    secrets.push(rotated)
    assert.deepEqual(
      [(await invoke()).status, (await callAs(rotated, 'POST', '/actions/mine?blocking=true', {})).status],
      [401, 200],
    )
    assert.equal((await user('delete', 'wanderer')).code, 0)
    assert.equal((await callAs(rotated)).status, 401)
  })

  test('S4-16: a namespace that stores no activations has none', async () => {
    const key = await created('forgetful')
    await server.admin('PATCH', '/admin/limits/forgetful', { storeActivations: false })
    await callAs(key, 'PUT', '/actions/mine', {
      exec: { kind: 'nodejs:default', code: 'function main() { return { a: 1 } }' },
    })
    const { status, body } = await callAs(key, 'POST', '/actions/mine?blocking=true', {})
    assert.equal(status, 200)
    const accepted = await callAs(key, 'POST', '/actions/mine', {})
    assert.equal(accepted.status, 202)
    await eventually('it ran', async () => (await server.metric('stave_journal_entries')) === 0)
    for (const id of [body.activationId, accepted.body.activationId]) {
      assert.equal((await callAs(key, 'GET', `/activations/${id}`)).status, 404)
    }
  })

  test('namespaces see nothing of each other', async () => {
    const key = await created('nosy-one')
    await server.call('PUT', '/actions/private?overwrite=true', {
      exec: { kind: 'nodejs:default', code: 'function main() { return {} }' },
    })
    const { body } = await server.invoke('private')
    const at = async (method: string, path: string): Promise<number> =>
      (await fetch(`${server.url}/api/v1/namespaces/guest${path}`, { method, headers: basic(key) })).status
    assert.equal(await at('GET', '/actions/private'), 403)
    assert.equal(await at('POST', '/actions/private?blocking=true'), 403)
    assert.equal(await at('DELETE', '/actions/private'), 403)
    assert.equal(await at('GET', '/activations'), 403)
    assert.equal(await at('GET', `/activations/${body.activationId}`), 403)
    assert.equal((await callAs(key, 'GET', `/activations/${body.activationId}`)).status, 404)
    assert.deepEqual((await callAs(key)).text, '[]')
  })

  test('S4-16: users can be administered without a server, too, and the next one knows them', async () => {
    const key = await created('permanent')
    assert.equal(await server.stop(), 0)
    const listed = await user('list')
    assert.match(listed.out, /permanent/)
    const later = await created('meanwhile')
    server = await startServer({ dataDir: server.dataDir, flags: ['--log-level', 'debug'] })
    for (const one of [key, later, GUEST]) assert.equal((await callAs(one)).status, 200)
  })

  test('a second server on the data directory, and one on a port in use, are refused with what to do', async () => {
    const second = await stave(['standalone', '--port', '0', '--data-dir', server.dataDir])
    assert.equal(second.code, 1)
    assert.match(second.err, /A server already runs on .*: stop it, or choose another directory with --data-dir\./)
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as AddressInfo
    const directory = `${server.dataDir}/other`
    const refused = await stave(['standalone', '--port', String(port), '--data-dir', directory])
    taken.close()
    assert.equal(refused.code, 1)
    assert.match(
      refused.err,
      new RegExp(`port ${port} of 127\\.0\\.0\\.1 is in use: stop what listens there, or choose another with --port`),
    )
    assert.equal(refused.err.trim().split('\n').length, 1, refused.err)
    assert.equal((await server.invoke('hello')).status, 200)
  })

  test('S3-55: while it stops, a server is not ready and accepts nothing new, but ends what it has', async () => {
    const own = await startServer()
    const gate = await closedGate()
    try {
      await own.put('gated', `${gate.pass}\nasync function main() { await pass(); return { done: true } }`)
      const running = own.invoke('gated')
      await eventually('it runs', () => gate.waiting === 1)
      const stopped = own.stop()
      await eventually('it says that it stops', () => own.output().includes('stopping'))
      gate.open()
      assert.deepEqual((await running).body.response.result, { done: true })
      assert.equal(await stopped, 0)
    } finally {
      gate.close()
      await own.stop()
      dispose(own)
    }
  })

  test('S4-68: the log is JSON, follows transaction ids, and never shows a key or a payload', async () => {
    await server.put(
      'secretive',
      `function main(a) { console.log(process.env.__OW_API_KEY, a.password); throw new Error(process.env.__OW_API_KEY) }`,
      {
        annotations: [{ key: 'provide-api-key', value: true }],
        parameters: [{ key: 'password', value: 'correct-horse-battery' }],
      },
    )
    await server.call(
      'POST',
      '/actions/secretive?blocking=true',
      { token: 'tr0ub4dor-payload' },
      { 'X-Request-ID': 'follow-me' },
    )
    await server.call('POST', '/actions/secretive?blocking=true', '{"token":"tr0ub4dor-payload', {
      'X-Request-ID': 'broken-one',
    })
    await callAs(GUEST.replace('123zO3', '123zO4'))
    await server.stop()
    const lines = server.output().trim().split('\n')
    for (const line of lines) assert.doesNotThrow(() => void JSON.parse(line), line)
    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.ok(
      entries
        .filter((entry) => entry['level'] !== undefined)
        .every((entry) => typeof entry['time'] === 'string' && typeof entry['message'] === 'string'),
    )
    const output = server.output()
    for (const pair of secrets) assert.ok(!output.includes(pair.slice(pair.indexOf(':') + 1)), 'a key is in the log')
    for (const text of [
      'correct-horse-battery',
      'tr0ub4dor-payload',
      '123zO4',
      ...secrets.map((pair) => Buffer.from(pair).toString('base64')),
    ]) {
      assert.ok(!output.includes(text), text)
    }
    server = await startServer({ dataDir: server.dataDir })
  })
})

describe('listeners', () => {
  test('a public address makes keys of its own, once, and knows nobody’s well-known ones', async () => {
    const first = await startServer()
    assert.deepEqual(first.facts.newKeys, [])
    assert.equal((await first.call('GET', '/actions')).status, 200)
    await first.stop()
    const open = await startServer({ dataDir: first.dataDir, flags: ['--host', '0.0.0.0'] })
    const url = open.url.replace('0.0.0.0', '127.0.0.1')
    const as = async (key: string, base = url): Promise<number> =>
      (await fetch(`${base}/api/v1/namespaces`, { headers: basic(key) })).status
    let again: TestServer | undefined
    try {
      assert.deepEqual(open.facts.newKeys.map(({ subject }) => subject).sort(), ['guest', 'whisk.system'])
      assert.deepEqual([await as(GUEST), await as(SYSTEM)], [401, 401])
      const [made] = open.facts.newKeys
      const key = `${made?.uuid}:${made?.key}`
      assert.match(key, PAIR)
      assert.equal(await as(key), 200)
      const address = Object.values(networkInterfaces())
        .flat()
        .find((one) => one?.family === 'IPv4' && !one.internal)?.address
      if (address !== undefined) assert.equal(await as(key, url.replace('127.0.0.1', address)), 200)
      await open.stop()
      again = await startServer({ dataDir: first.dataDir, flags: ['--host', '0.0.0.0'] })
      assert.deepEqual(again.facts.newKeys, [])
      assert.equal(await as(key, again.url.replace('0.0.0.0', '127.0.0.1')), 200)
      await again.stop()
      again = await startServer({ dataDir: first.dataDir })
      assert.deepEqual([await as(GUEST, again.url), await as(key, again.url)], [401, 200])
    } finally {
      await open.stop()
      await again?.stop()
      dispose(first)
    }
  })

  test('design 12: an internal listener on TCP wants its token, and none of it is shown', async () => {
    const probe = createServer()
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
    const { port } = probe.address() as AddressInfo
    await new Promise((resolve) => probe.close(resolve))
    const token = 'a-token-of-many-characters'
    const refused = await stave(['standalone', '--port', '0', '--data-dir', `/tmp/stave-e2e-none-${process.pid}`], {
      env: { STAVE_INTERNAL_LISTEN: `127.0.0.1:${port}` },
    })
    assert.notEqual(refused.code, 0)
    assert.match(refused.err, /internal\.token/)
    rmSync(`/tmp/stave-e2e-none-${process.pid}`, { recursive: true, force: true })
    const server = await startServer({
      env: { STAVE_INTERNAL_LISTEN: `127.0.0.1:${port}`, STAVE_INTERNAL_TOKEN: token },
    })
    try {
      const at = async (path: string, authorization?: string): Promise<Response> =>
        fetch(`http://127.0.0.1:${port}${path}`, { headers: authorization === undefined ? {} : { authorization } })
      for (const authorization of [
        undefined,
        'Bearer',
        `Bearer ${token.slice(1)}`,
        `Basic ${token}`,
        `Bearer ${token}x`,
        basic(SYSTEM)['Authorization'],
      ]) {
        for (const path of ['/livez', '/metrics', '/admin/users']) {
          const denied = await at(path, authorization)
          assert.equal(denied.status, 401)
          assert.match(
            await denied.text(),
            /^\{"error":"The resource requires authentication[^"]*","code":"\w+"\}$|invalid/,
          )
        }
      }
      assert.equal((await at('/readyz', `Bearer ${token}`)).status, 200)
      assertPrometheus(await (await at('/metrics', `Bearer ${token}`)).text())
      const config = await (await at('/admin/config', `Bearer ${token}`)).text()
      assert.ok(!config.includes(token))
      assert.ok(!server.output().includes(token))
      // User code has neither the variable nor the token.
      await server.put(
        'looks',
        'function main() { return { names: Object.keys(process.env), text: JSON.stringify(process.env) } }',
      )
      const { body } = await server.invoke('looks')
      const { text, names } = body.response.result
      assert.ok(!String(text).includes(token))
      assert.deepEqual(
        (names as string[]).filter((name) => name.startsWith('STAVE_')),
        [],
      )
    } finally {
      await server.stop()
      dispose(server)
    }
  })

  test('the effective configuration is shown with its origins', async () => {
    const server = await startServer({
      flags: ['--limits-list-max', '50'],
      env: { STAVE_LIMITS_FIRES_PER_MINUTE: '7' },
    })
    try {
      const { body } = await server.admin('GET', '/admin/config')
      const text = JSON.stringify(body)
      assert.match(text, /"limits\.list\.max"/)
      assert.match(text, /--limits-list-max/)
      assert.match(text, /STAVE_LIMITS_FIRES_PER_MINUTE/)
      assert.equal((await server.call('GET', '/actions?limit=51')).status, 400)
    } finally {
      await server.stop()
      dispose(server)
    }
  })
})

/** Fails unless `text` is in Prometheus's exposition format. */
function assertPrometheus(text: string): void {
  assert.ok(text.endsWith('\n'))
  const types = new Map<string, string>()
  const samples = new Set<string>()
  for (const line of text.split('\n').slice(0, -1)) {
    const type = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|summary|untyped)$/.exec(line)
    if (type !== null) {
      assert.ok(!types.has(type[1] ?? ''), `two types: ${line}`)
      types.set(type[1] ?? '', type[2] ?? '')
      continue
    }
    if (/^# HELP [a-zA-Z_:][\w:]* \S/.test(line)) continue
    const sample = /^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (\S+)$/.exec(line)
    assert.ok(sample !== null, `no sample: ${line}`)
    const [, name = '', labels = '', value = ''] = sample
    assert.ok(!samples.has(name + labels), `twice: ${line}`)
    samples.add(name + labels)
    assert.ok(types.has(name) || types.has(name.replace(/_(bucket|sum|count)$/, '')), `no type: ${line}`)
    assert.ok(value === '+Inf' || Number.isFinite(Number(value)), `no number: ${line}`)
  }
  assert.ok(samples.size > 30, `${samples.size} samples`)
}

test('S4-68: at level debug each request leaves a line with its transaction id; S3-55: probes are answered until the end of a drain', async () => {
  const server = await startServer({ flags: ['--log-level', 'debug'] })
  try {
    await server.put('slow', 'const main = () => new Promise((resolve) => setTimeout(resolve, 1500, {}))')
    const answer = await server.call('GET', '/actions?limit=1', undefined, { 'X-Request-ID': 'find-me' })
    assert.equal(answer.status, 200)
    await eventually('the line is written', () => server.output().includes('find-me'))
    const line = server
      .output()
      .split('\n')
      .find((each) => each.includes('find-me'))
    assert.match(line ?? '', /"method":"GET","path":"\/api\/v1\/namespaces\/_\/actions","status":200/)
    const running = server.invoke('slow')
    await eventually('the call runs', async () => (await server.metric('stave_router_active')) === 1)
    const stopped = server.stop()
    await eventually('the drain has begun', () => server.output().includes('stopping'))
    const { status, body } = await server.admin('GET', '/readyz')
    assert.equal(status, 503)
    assert.match(JSON.stringify(body), /SIGTERM/)
    assert.equal((await running).status, 200)
    assert.equal(await stopped, 0)
  } finally {
    await server.stop()
    dispose(server)
  }
})

test('1.5: POST /disable takes a server out of service: nothing new, what was accepted is finished, and readiness says why', async () => {
  const server = await startServer({
    env: { CONFIG_whisk_controller_username: 'controller.user', CONFIG_whisk_controller_password: 'controller.pass' },
  })
  const disable = (pair: string): Promise<Response> =>
    fetch(`${server.url}/disable`, { method: 'POST', headers: basic(pair) })
  try {
    await server.put('slow', 'const main = () => new Promise((done) => setTimeout(() => done({ done: true }), 1000))')
    await server.call('PUT', '/triggers/t', {})
    const running = server.invoke('slow')
    const { status, body } = await server.call('POST', '/actions/slow')
    assert.equal(status, 202)
    assert.equal((await disable(GUEST)).status, 401)
    assert.equal((await server.admin('GET', '/readyz')).status, 200)

    const answer = await disable('controller.user:controller.pass')
    assert.deepEqual([answer.status, await answer.text()], [200, 'controller is disabled'])
    for (const path of ['/actions/slow?blocking=true', '/actions/slow', '/triggers/t']) {
      const refused = await server.call('POST', path)
      assert.equal(refused.status, 503, path)
      assert.equal(refused.headers.get('retry-after'), '1')
    }
    await eventually('it is unready', async () => {
      const ready = await server.admin('GET', '/readyz')
      return ready.status === 503 && ready.text.includes('disabled')
    })
    assert.equal((await running).status, 200)
    assert.equal((await server.activation(body.activationId)).response.success, true)
    assert.equal((await server.call('GET', '/actions/slow')).status, 200)
    assert.ok(!server.output().includes('controller.pass'))
  } finally {
    await server.stop()
    dispose(server)
  }
})
