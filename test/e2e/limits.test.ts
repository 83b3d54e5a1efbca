/** Limits of namespaces as callers and operators meet them: headers, texts, and overrides that hold at once. */

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { closedGate } from './many-clients.ts'
import type { Answer, TestServer } from './server.ts'
import { dispose, eventually, startServer } from './server.ts'

describe('9: limits of a namespace', () => {
  let server: TestServer
  before(async () => {
    server = await startServer()
  })
  after(async () => {
    assert.equal(await server.stop(), 0)
    dispose(server)
  })

  /** A new namespace with an action `echo`; what its key can do. */
  async function tenant(name: string): Promise<(path: string, body?: unknown, method?: string) => Promise<Answer>> {
    const { body } = await server.admin('POST', '/admin/users', { subject: name })
    const key = `${String(body['uuid'])}:${String(body['key'])}`
    const headers = { Authorization: `Basic ${Buffer.from(key).toString('base64')}` }
    const call = (path: string, payload: unknown = {}, method = 'POST'): Promise<Answer> =>
      server.call(method, path, method === 'GET' ? undefined : payload, headers)
    const code = 'function main(args) { return { size: JSON.stringify(args).length } }'
    const { status } = await call('/actions/echo', { exec: { kind: 'nodejs:default', code } }, 'PUT')
    assert.equal(status, 200)
    return call
  }
  const limit = async (namespace: string, overrides: object): Promise<void> =>
    assert.equal((await server.admin('PATCH', `/admin/limits/${namespace}`, overrides)).status, 200)
  const fields = ({ headers }: Answer): (string | null)[] => [
    headers.get('ratelimit-policy'),
    headers.get('ratelimit'),
    headers.get('retry-after'),
  ]

  test('design 10: each answer of a call tells what is left, a 429 when to come again', async () => {
    const call = await tenant('informed')
    await limit('informed', { invocationsPerMinute: 3, concurrentInvocations: 7 })
    const policy = '"invocations";q=3;w=60, "concurrency";q=7;qu="concurrent-requests"'
    const began = performance.now()
    /** Seconds left of the minute: what has passed since the first call, and no more, may be missing. */
    const secondsOf = (left: string | null | undefined, calls: number): void => {
      const [, told, seconds] = /^"invocations";r=(\d+);t=(\d+)$/.exec(left ?? '') ?? []
      assert.equal(Number(told), calls)
      assert.ok(
        Number(seconds) <= 60 && Number(seconds) >= 60 - Math.ceil((performance.now() - began) / 1000),
        left ?? '',
      )
    }
    const blocking = await call('/actions/echo?blocking=true')
    assert.equal(blocking.status, 200)
    const [told, left, again] = fields(blocking)
    assert.deepEqual([told, again], [policy, null])
    secondsOf(left, 2)
    const accepted = await call('/actions/echo')
    assert.equal(accepted.status, 202)
    secondsOf(accepted.headers.get('ratelimit'), 1)
    // A missing action uses one of them, too (spec 1.8).
    assert.equal((await call('/actions/missing')).status, 404)
    const refused = await call('/actions/echo?blocking=true')
    assert.deepEqual(
      [refused.status, refused.body.error],
      [429, 'Too many requests in the last minute (count: 4, allowed: 3).'],
    )
    const seconds = Number(refused.headers.get('retry-after'))
    assert.ok(seconds > 30 && seconds <= 60)
    assert.deepEqual(fields(refused), [policy, `"invocations";r=0;t=${seconds}`, `${seconds}`])
  })

  test('design 10: fires and web actions tell the same, web actions of their owner', async () => {
    const call = await tenant('fired')
    await call('/triggers/t', {}, 'PUT')
    await call('/rules/r', { trigger: '/_/t', action: '/_/echo' }, 'PUT')
    await limit('fired', { firesPerMinute: 1 })
    const fire = await call('/triggers/t')
    assert.equal(fire.status, 202)
    assert.match(fields(fire).join(' '), /^"fires";q=1;w=60 "fires";r=0;t=(?:59|60) $/)
    const late = await call('/triggers/t')
    assert.deepEqual(
      [late.status, late.body.error],
      [429, 'Too many requests in the last minute (count: 2, allowed: 1).'],
    )
    const again = Number(late.headers.get('retry-after'))
    assert.ok(again > 30 && again <= 60)
    assert.deepEqual(fields(late), ['"fires";q=1;w=60', `"fires";r=0;t=${again}`, `${again}`])
    // Nobody is told of a limit that the request did not come under.
    assert.deepEqual(fields(await call('/triggers/t', undefined, 'GET')), [null, null, null])

    const owner = await tenant('web-owner')
    const annotations = [{ key: 'web-export', value: true }]
    const code = 'const main = () => ({ body: "page" })'
    await owner('/actions/page', { exec: { kind: 'nodejs:default', code }, annotations }, 'PUT')
    await limit('web-owner', { invocationsPerMinute: 1, concurrentInvocations: 5 })
    const policy = '"invocations";q=1;w=60, "concurrency";q=5;qu="concurrent-requests"'
    const visit = (): Promise<Response> => fetch(`${server.url}/api/v1/web/web-owner/default/page`)
    const page = await visit()
    assert.deepEqual([page.status, page.headers.get('ratelimit-policy')], [200, policy])
    assert.match(page.headers.get('ratelimit') ?? '', /^"invocations";r=0;t=(?:[3-5]\d|60)$/)
    const refused = await visit()
    const seconds = refused.headers.get('retry-after')
    assert.match(seconds ?? '', /^(?:[3-5]\d|60)$/)
    assert.deepEqual([refused.status, refused.headers.get('ratelimit-policy')], [429, policy])
    assert.equal(refused.headers.get('ratelimit'), `"invocations";r=0;t=${seconds}`)
    const { error } = (await refused.json()) as { readonly error: string }
    assert.equal(error, 'Too many requests in the last minute (count: 2, allowed: 1).')
  })

  test('S4-59: overrides of calls in flight and of payloads hold at once', async () => {
    const call = await tenant('overridden')
    const gate = await closedGate()
    try {
      const code = `${gate.pass}\nasync function main() { await pass(); return {} }`
      assert.equal((await call('/actions/gated', { exec: { kind: 'nodejs:default', code } }, 'PUT')).status, 200)
      await limit('overridden', { concurrentInvocations: 1 })
      const held = call('/actions/gated?blocking=true')
      await eventually('it runs', () => gate.waiting === 1)
      const refused = await call('/actions/echo?blocking=true')
      assert.equal(refused.body.error, 'Too many concurrent requests in flight (count: 1, allowed: 1).')
      assert.deepEqual(fields(refused).slice(1), ['"concurrency";r=0', '1'])
      await limit('overridden', { concurrentInvocations: 2 })
      assert.equal((await call('/actions/echo?blocking=true')).status, 200)
      gate.open()
      assert.equal((await held).status, 200)
    } finally {
      gate.close()
    }
    const payload = { text: 'x'.repeat(1000) }
    assert.equal((await call('/actions/echo?blocking=true', payload)).status, 200)
    await limit('overridden', { maxPayloadSize: '100 B' })
    const refused = await call('/actions/echo?blocking=true', payload)
    assert.deepEqual([refused.status, refused.body.error], [413, 'Request larger than allowed: 1011 > 100 bytes.'])
    assert.equal((await server.admin('DELETE', '/admin/limits/overridden')).status, 200)
    assert.equal((await call('/actions/echo?blocking=true', payload)).status, 200)
  })

  test('8.8: results beyond the namespace’s limit are cut off at its truncation size', async () => {
    const call = await tenant('cut-off')
    const code = 'function main(a) { return { text: "x".repeat(a.n) } }'
    assert.equal((await call('/actions/long', { exec: { kind: 'nodejs:default', code } }, 'PUT')).status, 200)
    assert.equal((await call('/actions/long?blocking=true', { n: 200 })).status, 200)
    await limit('cut-off', { maxPayloadSize: '100 B', truncationSize: '12 B' })
    const { status, body } = await call('/actions/long?blocking=true', { n: 200 })
    assert.deepEqual(
      [status, body.response],
      [
        502,
        {
          status: 'application error',
          success: false,
          result: {
            error:
              'The action produced a response that exceeded the allowed length: 211 > 100 bytes. The truncated response was: {"text":"xxx',
          },
          size: 211,
        },
      ],
    )
  })

  test('3.2, 11.1: the limits document shows the overrides at once', async () => {
    const call = await tenant('curious')
    const shown = await call('/limits', undefined, 'GET')
    assert.equal(shown.body['storeActivations'], undefined)
    await limit('curious', {
      invocationsPerMinute: 7,
      firesPerMinute: 8,
      concurrentInvocations: 9,
      storeActivations: false,
    })
    const { body } = await call('/limits', undefined, 'GET')
    assert.partialDeepStrictEqual(body, {
      invocationsPerMinute: 7,
      firesPerMinute: 8,
      concurrentInvocations: 9,
      maxActionInstances: 9,
      storeActivations: false,
    })
    const unstored = await call('/actions/echo?blocking=true')
    assert.equal((await call(`/activations/${unstored.body.activationId}`, undefined, 'GET')).status, 404)
    await limit('curious', { storeActivations: true })
    const stored = await call('/actions/echo?blocking=true')
    assert.equal((await call(`/activations/${stored.body.activationId}`, undefined, 'GET')).status, 200)
  })

  test('fairness: what a namespace sends at once takes turns, and every call of it is answered', async () => {
    const { body: user } = await server.admin('POST', '/admin/users', { subject: 'crowded' })
    await limit('crowded', { concurrentInvocations: 1000, invocationsPerMinute: 10_000 })
    const authorization = `Basic ${Buffer.from(`${String(user['uuid'])}:${String(user['key'])}`).toString('base64')}`
    const code = 'function main(args) { return { size: JSON.stringify(args).length } }'
    const exec = { kind: 'nodejs:default', code }
    const made = await server.call('PUT', '/actions/echo', { exec }, { Authorization: authorization })
    assert.equal(made.status, 200)
    const waited = 'stave_router_turns_total{event="waited"}'
    const before = await server.metric(waited)
    const head = `POST /api/v1/namespaces/_/actions/echo?blocking=true&result=true HTTP/1.1\r\nHost: stave\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\n`
    // In one piece: they arrive in one turn of the server's event loop.
    const texts = Array.from({ length: 100 }, (_, index) => JSON.stringify({ text: 'x'.repeat(index) }))
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    socket.write(
      texts
        .map((body, index) => {
          const last = index === texts.length - 1 ? 'Connection: close\r\n' : ''
          return `${head}${last}Content-Length: ${body.length}\r\n\r\n${body}`
        })
        .join(''),
    )
    const answers = await text(socket)
    assert.equal(answers.match(/HTTP\/1\.1 200 /g)?.length, texts.length)
    assert.deepEqual(
      [...answers.matchAll(/\{"size":(\d+)\}/g)].map(([, size]) => Number(size)),
      texts.map(({ length }) => length),
    )
    assert.ok((await server.metric(waited)) > before)
    assert.equal(await server.metric('stave_router_turns_waiting'), 0)
  })

  test('9: a namespace that is refused has nothing to do with another one', async () => {
    const [loud, quiet] = [await tenant('loud-one'), await tenant('quiet-one')]
    await limit('loud-one', { invocationsPerMinute: 0 })
    const answers = await Promise.all(Array.from({ length: 50 }, () => loud('/actions/echo?blocking=true')))
    assert.ok(answers.every(({ status }) => status === 429))
    assert.equal((await quiet('/actions/echo?blocking=true')).status, 200)
    assert.ok((await server.metric('stave_router_admissions_total{event="rateLimited"}')) >= 50)
    assert.ok((await server.metric('stave_router_namespaces')) >= 2)
  })
})

test('9: the fixed minute of OpenWhisk by configuration: refused calls count, as its text shows', async () => {
  const server = await startServer({
    env: {
      STAVE_ROUTER_RATE_WINDOW: 'fixed',
      STAVE_LIMITS_INVOCATIONS_PER_MINUTE: '1',
      STAVE_CONTAINERS_STEM_CELLS: '{}',
    },
  })
  try {
    // Of eight calls that follow each other, three are within one minute, wherever it begins.
    const counts: number[] = []
    for (let call = 0; call < 8; call++) {
      const { body } = await server.invoke('missing')
      counts.push(
        Number(/^Too many requests in the last minute \(count: (\d+), allowed: 1\)\.$/.exec(body.error)?.[1] ?? 0),
      )
    }
    assert.ok(Math.max(...counts) > 2, counts.join(', '))
  } finally {
    assert.equal(await server.stop(), 0)
    dispose(server)
  }
})
