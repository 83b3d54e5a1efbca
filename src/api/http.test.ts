/** The HTTP layer over real sockets: bodies, limits, refusals and clients that misbehave. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { Fault, refusal } from '../model/errors.ts'
import type { TransactionId } from '../model/ids.ts'
import { StoreUnavailable } from '../stores/artifact-store.ts'
import type { Exchange } from './exchange.ts'
import type { HttpServerLimits } from './http-server.ts'
import { createHttpServer, DEFAULT_SERVER_LIMITS } from './http-server.ts'
import { readBody } from './read-body.ts'
import { unauthenticated } from './rejections.ts'
import { sendError, sendJson } from './respond.ts'
import { transactionIdOf } from './transaction-id.ts'

const ids = { transactionId: () => 'generated' as TransactionId }
const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

async function serve(
  handler: (exchange: Exchange) => Promise<void>,
  limits: Partial<HttpServerLimits> = {},
): Promise<{ port: number; faults: unknown[]; settled: Promise<unknown> }> {
  const faults: unknown[] = []
  const { promise: settled, resolve: settle } = Promise.withResolvers<unknown>()
  const server = createHttpServer(
    (req, res) => {
      const exchange = { req, res, tid: transactionIdOf(req, ids) }
      handler(exchange).then(
        () => settle(undefined),
        (error: unknown) => {
          sendError(exchange, error, (fault) => faults.push(fault))
          settle(error)
        },
      )
    },
    { ...DEFAULT_SERVER_LIMITS, ...limits },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, faults, settled }
}

function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  cleanups.push(() => socket.destroy())
  return socket
}

/** All that the server sends until it closes the connection or `until` is seen. */
async function received(socket: Socket, until?: string): Promise<string> {
  let text = ''
  for await (const chunk of socket) {
    text += String(chunk)
    if (until !== undefined && text.includes(until)) break
  }
  return text
}

const echo = async (exchange: Exchange): Promise<void> => {
  const body = await readBody(exchange, { maxBytes: 1000, timeoutMs: 5000 })
  sendJson(exchange, 200, JSON.stringify({ bytes: body.length }))
}

describe('bodies', () => {
  test('0.6: a declared length above the limit is 400 text and the connection closes', async () => {
    const { port } = await serve(echo)
    const socket = open(port)
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n')
    socket.write('x'.repeat(1001))
    const answer = await received(socket)
    assert.match(answer, /^HTTP\/1.1 400 /)
    assert.match(answer, /Request too large$/)
    assert.match(answer, /Content-Type: text\/plain; charset=UTF-8/)
    assert.match(answer, /Connection: close/)
    assert.doesNotMatch(answer, /X-Request-ID|Access-Control/)
  })

  test('0.6: a chunked body that grows above the limit is 413 text', async () => {
    const { port } = await serve(echo)
    const socket = open(port)
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
    for (let sent = 0; sent < 5; sent++) socket.write(`fa\r\n${'x'.repeat(250)}\r\n`)
    const answer = await received(socket)
    assert.match(answer, /^HTTP\/1.1 413 /)
    assert.match(answer, /EntityStreamSizeException: incoming entity size .*1000 bytes/)
  })

  test('0.6: a chunked body below the limit is read whole', async () => {
    const { port } = await serve(echo)
    const socket = open(port)
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n')
    assert.match(await received(socket, '}'), /\{"bytes":7\}$/)
  })

  test('an interim answer is sent only when the body is wanted', async () => {
    const wanted = await serve(echo)
    const socket = open(wanted.port)
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n')
    const [interim] = (await once(socket, 'data')) as [Buffer]
    assert.match(interim.toString(), /^HTTP\/1.1 100 Continue\r\n\r\n$/)
    socket.write('ab')
    assert.match(await received(socket, '}'), /\{"bytes":2\}/)

    const refused = await serve(() => Promise.reject(unauthenticated()))
    const other = open(refused.port)
    other.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n')
    assert.match(await received(other, '}'), /^HTTP\/1.1 401 /)
  })

  test('a body that does not come in time is 408 text', async () => {
    const { port } = await serve(async (exchange) => {
      await readBody(exchange, { maxBytes: 10, timeoutMs: 20 })
    })
    const socket = open(port)
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab')
    assert.match(await received(socket), /^HTTP\/1.1 408 /)
  })

  test('a client that leaves in the middle of its body ends the wait', async () => {
    const { port, settled, faults } = await serve(echo)
    const socket = open(port)
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nab')
    setTimeout(() => socket.destroy(), 20)
    assert.equal(((await settled) as { code?: string }).code, 'CLIENT_GONE')
    assert.deepEqual(faults, [])
  })
})

describe('unreadable requests', () => {
  test('slow headers are cut off with 408', async () => {
    const { port } = await serve(echo, { headersTimeoutMs: 50, requestTimeoutMs: 100, checkIntervalMs: 20 })
    const socket = open(port)
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ')
    assert.match(await received(socket), /^HTTP\/1.1 408 /)
  })

  test('headers that trickle in do not extend the time for them', async () => {
    const { port } = await serve(echo, { headersTimeoutMs: 80, requestTimeoutMs: 160, checkIntervalMs: 20 })
    const socket = open(port)
    socket.write('GET / HTTP/1.1\r\n')
    const drip = setInterval(() => socket.write('X-A: b\r\n'), 10)
    cleanups.push(() => clearInterval(drip))
    assert.match(await received(socket), /^HTTP\/1.1 408 /)
  })

  for (const [what, request, status] of [
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    ['length and chunks', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ['a negative length', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400],
    ['huge headers', `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
    ['an expectation that is not known', 'GET / HTTP/1.1\r\nHost: x\r\nExpect: the worst\r\n\r\n', 417],
    ['a huge target', `GET /${'a'.repeat(70_000)}`, 414],
  ] as const) {
    test(`${what} is ${status}`, async () => {
      const { port } = await serve(echo)
      const socket = open(port)
      socket.write(request)
      assert.match(await received(socket), new RegExp(`^HTTP/1.1 ${status} `))
    })
  }
})

describe('errors', () => {
  const raw = async (error: unknown): Promise<{ answer: string; faults: unknown[] }> => {
    const { port, faults } = await serve(() => Promise.reject(error))
    const socket = open(port)
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-Request-ID: mine\r\nConnection: close\r\n\r\n')
    return { answer: await received(socket), faults }
  }

  test('0.1, Verified 3: the envelope of a refusal, X-Request-ID first', async () => {
    const { answer, faults } = await raw(refusal('CONFLICT', 409, 'resource already exists'))
    assert.match(answer, /^HTTP\/1.1 409 Conflict\r\nX-Request-ID: mine\r\nAccess-Control-Allow-Origin: \*\r\n/)
    assert.match(answer, /\r\n\r\n\{"error":"resource already exists","code":"mine"\}$/)
    assert.deepEqual(faults, [])
  })

  test('0.3, 0.8: a rejection of the routing layer has a challenge and no CORS', async () => {
    const { answer } = await raw(unauthenticated())
    assert.match(answer, /WWW-Authenticate: Basic realm="OpenWhisk secure realm",charset=UTF-8\r\n/)
    assert.doesNotMatch(answer, /Access-Control/)
  })

  test('design 10: what is refused for now says when to come back', async () => {
    const { answer } = await raw(refusal('RATE_LIMITED', 429, 'Too many.', { retryAfterSeconds: 12.3 }))
    assert.match(answer, /Retry-After: 13\r\n/)
    // Also where whoever refuses does not know when.
    assert.match((await raw(refusal('QUEUE_FULL', 503))).answer, /503 [^]*Retry-After: 1\r\n/)
    assert.match((await raw(refusal('CONCURRENCY_LIMITED', 429))).answer, /429 [^]*Retry-After: 1\r\n/)
    assert.match((await raw(new StoreUnavailable('disk'))).answer, /503 [^]*Retry-After: 1\r\n/)
    const { answer: fault } = await raw(new Fault('identities cannot be read', { status: 503 }))
    assert.match(fault, /^HTTP\/1.1 503 [^]*Access-Control-Allow-Origin: \*\r\n[^]*Retry-After: 1\r\n/)
    assert.doesNotMatch((await raw(new Fault('broken'))).answer, /Retry-After/)
  })

  test('0.1: an unexpected exception is bare text; its own words stay with us', async () => {
    const { answer, faults } = await raw(new TypeError('secret'))
    assert.match(answer, /^HTTP\/1.1 500 [^]*\r\n\r\nThere was an internal server error\.$/)
    assert.doesNotMatch(answer, /X-Request-ID|Access-Control|secret/)
    assert.equal(faults.length, 1)
  })

  test('0.1: a 500 of our own making is an envelope', async () => {
    const { answer, faults } = await raw(new Fault('the code is gone'))
    assert.match(answer, /\{"error":"There was an internal server error.","code":"mine"\}$/)
    assert.equal(faults.length, 1)
  })
})
