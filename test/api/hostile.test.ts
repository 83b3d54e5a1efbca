/** Clients that mean harm, or break down: the management plane stays up, answers others, and keeps nothing of them. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import * as fc from 'fast-check'
import type { ApiServer } from './api-server.ts'
import { startApiServer } from './api-server.ts'
import { basic, exchange } from './table.ts'

describe('hostile clients', () => {
  let server: ApiServer
  let own: string
  const sockets: Socket[] = []
  before(async () => {
    server = await startApiServer()
    own = basic(await server.administration.createUser({ subject: 'victim' }))
  })
  after(async () => {
    for (const socket of sockets) socket.destroy()
    await server.close()
  })

  const open = (): Socket => {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {})
    sockets.push(socket)
    return socket
  }
  const put = (name: string, body: Buffer | string, headers = {}) =>
    exchange(server.port, { method: 'PUT', path: `/api/v1/namespaces/_/actions/${name}`, body, headers }, own)
  const alive = async (): Promise<void> => {
    assert.equal((await exchange(server.port, { path: '/ping' }, undefined)).text, 'pong')
    assert.deepEqual(server.faults.splice(0), [])
  }

  test('0.6: a body above the limit is refused before it is sent', async () => {
    const socket = open()
    socket.write(
      `PUT /api/v1/namespaces/_/actions/a HTTP/1.1\r\nHost: x\r\nAuthorization: ${own}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 999999999\r\nExpect: 100-continue\r\n\r\n',
    )
    const [answer] = (await once(socket, 'data')) as [Buffer]
    assert.match(answer.toString(), /^HTTP\/1.1 400 [^]*Request too large$/)
    await alive()
  })

  test('0.6: 401 comes before the body is asked for', async () => {
    const socket = open()
    socket.write(
      'PUT /api/v1/namespaces/_/actions/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n',
    )
    const [answer] = (await once(socket, 'data')) as [Buffer]
    assert.match(answer.toString(), /^HTTP\/1.1 401 /)
    await alive()
  })

  test('a body cut off by the client leaves no action', async () => {
    const socket = open()
    socket.write(
      `PUT /api/v1/namespaces/_/actions/cut HTTP/1.1\r\nHost: x\r\nAuthorization: ${own}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 60\r\n\r\n{"exec":{"kind":"nodejs:20","code":""}}',
    )
    await new Promise((resolve) => setTimeout(resolve, 30))
    socket.destroy()
    await alive()
    const found = await exchange(server.port, { path: '/api/v1/namespaces/_/actions/cut' }, own)
    assert.equal(found.status, 404)
  })

  test('a client that leaves while its request is worked on costs nothing', async () => {
    server.authenticationDelayMs = 30
    for (const path of ['/api/v1/namespaces', '/api/v1/namespaces/_/actions', '/api/v1/namespaces/_/actions/none']) {
      const socket = open()
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${own}\r\n\r\n`)
      await once(socket, 'connect')
      setTimeout(() => socket.destroy(), 5)
    }
    await new Promise((resolve) => setTimeout(resolve, 80))
    server.authenticationDelayMs = 0
    await alive()
  })

  test('deep nesting is refused, not recursed into', async () => {
    for (const body of [
      '['.repeat(150_000),
      `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
      `{"parameters":[{"key":"a","value":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}]}`,
    ]) {
      assert.equal((await put('deep', body)).status, 400)
    }
    await alive()
  })

  test('names of JavaScript’s own properties are names like others', async () => {
    for (const key of ['__proto__', 'constructor', 'toString']) {
      const body = `{"exec":{"kind":"nodejs:20","code":""},"parameters":[{"key":"${key}","value":{"${key}":{"a":1}}}]}`
      const { json, status } = await put(key, body)
      assert.equal(status, 200)
      assert.partialDeepStrictEqual(json, { name: key, parameters: [{ key }] })
      assert.equal(Reflect.get({}, 'a'), undefined)
    }
    const { status } = await put('x', '{"exec":{"kind":"constructor","code":""}}')
    assert.equal(status, 400)
    await alive()
  })

  test('two requests on one connection do not mix', async () => {
    const socket = open()
    const line = (id: string): string => `GET /ping HTTP/1.1\r\nHost: x\r\nX-Request-ID: ${id}\r\n\r\n`
    socket.write(line('one') + line('two'))
    let text = ''
    for await (const chunk of socket) {
      text += String(chunk)
      if (text.split('pong').length === 3) break
    }
    assert.deepEqual(
      [...text.matchAll(/X-Request-ID: (\w+)/g)].map(([, id]) => id),
      ['one', 'two'],
    )
  })

  test('whatever is in a header, nothing of it splits the answer', async () => {
    const { status, rawHeaders } = await exchange(
      server.port,
      { path: '/api/v1/namespaces', headers: { 'x-request-id': 'a\u00ffb <script>' } },
      own,
    )
    assert.equal(status, 200)
    assert.match(rawHeaders[1] ?? '', /^[A-Za-z0-9]{32}$/)
  })

  test('any body is an action or a refusal', async () => {
    const json = fc.oneof(
      fc.json().map((text) => Buffer.from(text)),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc
        .record(
          {
            exec: fc.oneof(fc.jsonValue(), fc.constant({ kind: 'nodejs:20', code: '' })),
            parameters: fc.jsonValue(),
            annotations: fc.jsonValue(),
            limits: fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom('timeout', 'memory'), fc.jsonValue())),
            version: fc.jsonValue(),
            publish: fc.jsonValue(),
            delAnnotations: fc.jsonValue(),
          },
          { requiredKeys: [] },
        )
        .map((body) => Buffer.from(JSON.stringify(body))),
    )
    await fc.assert(
      fc.asyncProperty(json, async (body) => {
        const { status, json } = await put('fuzz?overwrite=true', body)
        assert.ok([200, 400, 413].includes(status), `${status}`)
        assert.notEqual(json, undefined)
      }),
      { numRuns: 60 },
    )
    await alive()
  })

  test('any target is answered', async () => {
    const piece = fc.constantFrom(
      'api',
      'v1',
      'namespaces',
      '_',
      'actions',
      '',
      '%2F',
      '%00',
      '.',
      '..',
      'ü',
      '?',
      '=',
      '&',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const path = `/${pieces.join('/')}`.replaceAll('ü', '%C3%BC')
        const { status } = await exchange(server.port, { path }, own)
        assert.ok([200, 400, 403, 404, 405].includes(status), `${status} ${path}`)
      }),
      { numRuns: 60 },
    )
    await alive()
  })
})
