/** Clients and archives that mean harm, or break down: the server answers others, its memory stays bounded, and nothing of them is left. */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ZipFile } from 'yazl'
import { assertNothingLeft, assertOnlyKnownContainers } from './leftovers.ts'
import type { RawClient } from './many-clients.ts'
import {
  ask,
  byStatus,
  closedGate,
  invocationTarget,
  lacksOpenFiles,
  manyClients,
  rawClient,
  requestText,
} from './many-clients.ts'
import type { Body, TestServer } from './server.ts'
import { dispose, eventually, startServer } from './server.ts'

const MALFORMED = 'The request content was malformed:\n'
const PUT_TARGET = '/api/v1/namespaces/_/actions/harm?overwrite=true'

describe('hostile clients of a whole server', () => {
  let server: TestServer
  before(async () => {
    server = await startServer({
      env: {
        STAVE_HTTP_HEADERS_TIMEOUT_MS: '1000',
        STAVE_HTTP_MAX_CONNECTIONS: '5000',
        STAVE_CONTAINERS_MEMORY_MB: '1024',
        STAVE_CONTAINERS_STEM_CELLS: '{}',
      },
    })
    await server.put('hello', 'function main(a) { return { hello: a.name } }')
  })
  afterEach(async () => {
    const { status, body } = await server.invoke('hello', { name: 'there' })
    assert.deepEqual([status, body.response.result], [200, { hello: 'there' }])
    assert.ok(server.memoryMb() < 450, `${server.memoryMb()} MB`)
  })
  after(async () => {
    try {
      await assertOnlyKnownContainers(server)
      await eventually('no descriptor is kept', async () => (await server.metric('process_open_fds')) < 150)
      assert.equal(await server.stop(), 0)
      await assertNothingLeft(server)
      assert.doesNotMatch(server.output(), /"level":"(error|fatal)"/)
    } finally {
      await server.stop()
      dispose(server)
    }
  })

  const raw = (text: string | Buffer): RawClient => rawClient(server.url, text)
  const end = (clients: readonly RawClient[]): void => clients.forEach(({ socket }) => void socket.destroy())

  test('slow-loris: headers that never end are answered 408 and cut off, others served meanwhile', async () => {
    const slow = await manyClients(
      server.url,
      1000,
      () => 'POST /api/v1/namespaces/_/actions/hello HTTP/1.1\r\nHost: x\r\nX-',
    )
    const drip = setInterval(() => slow.forEach(({ socket }) => socket.writable && socket.write('a')), 200)
    try {
      for (let call = 0; call < 20; call++) assert.equal((await server.invoke('hello')).status, 200)
      const answers = await Promise.all(slow.map(({ answer }) => answer))
      assert.deepEqual(Object.keys(byStatus(answers)), ['408'])
    } finally {
      clearInterval(drip)
      end(slow)
    }
  })

  test('slow bodies and silent connections hold nobody up', async () => {
    const text = requestText('POST', invocationTarget('hello'), '', { 'Content-Length': '100' })
    const slow = await manyClients(server.url, 500, () => `${text}{"name":`)
    const silent = await manyClients(server.url, 500, () => '')
    for (let call = 0; call < 20; call++) assert.equal((await server.invoke('hello')).status, 200)
    end([...slow, ...silent])
    await eventually('the connections are gone', async () => (await server.metric('process_open_fds')) < 150)
  })

  test(
    'thousands of connections: those above the bound are closed, and room comes back',
    { skip: lacksOpenFiles(6000) },
    async () => {
      const clients = await manyClients(server.url, 6000, () => '')
      await eventually('the excess is closed', () => clients.filter(({ socket }) => socket.closed).length >= 1000)
      end(clients)
      await eventually(
        'there is room again',
        async () => (await ask(server.url, requestText('GET', '/ping'))).status === 200,
      )
    },
  )

  test('truncated, oversized and unreadable requests are each answered as documented', async () => {
    const invoke = invocationTarget('hello')
    const big = 'x'.repeat(1_048_577)
    const rows: readonly (readonly [string, string | Buffer, number, string | RegExp])[] = [
      ['cut-off JSON', requestText('POST', invoke, '{"name":'), 400, new RegExp(`^${MALFORMED}`)],
      ['an array', requestText('POST', invoke, '[]'), 400, `${MALFORMED}JSON object expected`],
      ['a number', requestText('POST', invoke, '1'), 400, `${MALFORMED}JSON object expected`],
      ['null', requestText('POST', invoke, 'null'), 400, new RegExp(`^${MALFORMED}`)],
      [
        'no body for an action',
        requestText('PUT', PUT_TARGET),
        400,
        new RegExp(`^${MALFORMED}Unexpected end-of-input at input index 0 `),
      ],
      [
        'a payload over its limit',
        requestText('POST', invoke, `"${big.slice(2)}"`.slice(0, 1_048_577)),
        413,
        'Request larger than allowed: 1048577 > 1048576 bytes.',
      ],
      [
        'another type',
        requestText('POST', invoke, '{}', { 'Content-Type': 'text/plain' }),
        415,
        "The request's Content-Type [text/plain] is not supported. Expected:\napplication/json",
      ],
      ['no type', requestText('PUT', PUT_TARGET, '{}', { 'Content-Type': '' }), 415, /^The request's Content-Type \[/],
      [
        'a bad boolean',
        requestText('POST', invocationTarget('hello', 'blocking=maybe')),
        400,
        "The query parameter 'blocking' was malformed:\n'maybe' is not a valid Boolean value",
      ],
      [
        'a bad wait',
        requestText('POST', invocationTarget('hello', 'blocking=true&timeout=60001')),
        400,
        "The query parameter 'timeout' was malformed:\nTimeout must be number of milliseconds up to 60000.",
      ],
      [
        'an illegal name',
        requestText('PUT', '/api/v1/namespaces/_/actions/a%24b', '{}'),
        400,
        'The name of the entity contains illegal characters.',
      ],
      [
        'a slash in a name',
        requestText('POST', invocationTarget('..%2F..%2Fetc')),
        400,
        'The name of the entity contains illegal characters.',
      ],
      [
        'no credentials',
        requestText('POST', invoke, '{}', { Authorization: '' }),
        401,
        'The resource requires authentication, which was not supplied with the request',
      ],
      [
        'wrong credentials',
        requestText('POST', invoke, '{}', { Authorization: `Basic ${Buffer.from('a:b').toString('base64')}` }),
        401,
        'The supplied authentication is invalid',
      ],
    ]
    for (const [what, text, status, error] of rows) {
      const answer = await ask(server.url, text)
      assert.equal(answer.status, status, `${what}: ${answer.head}`)
      const body = JSON.parse(Buffer.from(answer.body, 'latin1').toString()) as Body
      if (typeof error === 'string') assert.equal(body.error, error, what)
      else assert.match(body.error, error, what)
      assert.match(answer.head, new RegExp(`^x-request-id: ${body.code}$`, 'im'), what)
    }
  })

  test('invalid UTF-8 is malformed content, wherever it stands', async () => {
    for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
      for (const [head, tail] of [
        ['{"name":"', '"}'],
        ['{"', '":1}'],
      ]) {
        const body = Buffer.concat([Buffer.from(head ?? ''), Buffer.from(bytes), Buffer.from(tail ?? '')])
        const text = requestText('POST', invocationTarget('hello'), '', { 'Content-Length': String(body.length) })
        const answer = await ask(server.url, Buffer.concat([Buffer.from(text), body]))
        assert.equal(answer.status, 400, answer.body)
        assert.match(answer.body, /^\{"error":"The request content was malformed:/)
      }
    }
  })

  test('what the HTTP layer refuses: text, no transaction id, and the connection is closed', async () => {
    const rows: readonly (readonly [string, string, number])[] = [
      ['declared over 50 MB', requestText('PUT', PUT_TARGET, '', { 'Content-Length': '52428801' }), 400],
      ['a long target', requestText('GET', `/api/v1/${'a'.repeat(9000)}`), 414],
      ['a bad escape', requestText('GET', '/api/v1/namespaces/%zz'), 400],
      ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
      ['two lengths', requestText('POST', invocationTarget('hello'), '{}', { 'content-Length': '3' }), 400],
      [
        'length and chunks',
        requestText('POST', invocationTarget('hello'), '0\r\n\r\n', { 'Transfer-Encoding': 'chunked' }),
        400,
      ],
      ['header flood', requestText('GET', '/ping', '', { 'X-Flood': 'x'.repeat(100_000) }), 431],
      [
        'many headers',
        requestText(
          'GET',
          '/ping',
          '',
          Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`X-H${n}`, 'x'.repeat(8)])),
        ),
        431,
      ],
    ]
    for (const [what, text, status] of rows) {
      const { socket, answer } = raw(text)
      const { status: got, head } = await answer
      assert.equal(got, status, `${what}: ${head}`)
      assert.match(head, /^content-type: text\/plain/im, what)
      assert.doesNotMatch(head, /^x-request-id/im, what)
      await eventually(`${what}: the connection is closed`, () => socket.closed || socket.readableEnded)
      socket.destroy()
    }
  })

  test('a chunked body that grows above 50 MB is cut off, a hundred of them do not fill memory', async () => {
    const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`
    const head = `PUT ${PUT_TARGET} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`
    const unauthenticated = await Promise.all(Array.from({ length: 100 }, () => ask(server.url, head + chunk)))
    assert.deepEqual(byStatus(unauthenticated), { 401: 100 })
    const { socket, answer } = raw(
      requestText('PUT', PUT_TARGET, '', { 'Transfer-Encoding': 'chunked' }).replace(/Content-Length: 0\r\n/, ''),
    )
    for (let megabyte = 0; megabyte < 60 && socket.writable; megabyte++) {
      if (!socket.write(chunk)) await Promise.race([new Promise((go) => socket.once('drain', go)), answer, delay(1000)])
    }
    const { status, body } = await answer
    assert.equal(status, 413)
    assert.match(body, /^EntityStreamSizeException: incoming entity size /)
    socket.destroy()
  })

  test('a client that leaves during its call: the run goes on and its record says how it ended', async () => {
    const gate = await closedGate()
    try {
      await server.put('leaver', `${gate.pass}\nasync function main() { await pass(); return { went: 'on' } }`)
      const { socket } = raw(requestText('POST', invocationTarget('leaver'), '{}'))
      await eventually('it runs', () => gate.waiting === 1)
      socket.destroy()
      await delay(50)
      gate.open()
      const record = await onlyRecord('leaver')
      assert.deepEqual([record.response.success, record.response.result], [true, { went: 'on' }])
      await eventually('its place is free', async () => (await server.metric('stave_router_in_flight')) === 0)
    } finally {
      gate.close()
    }
  })

  test('clients that leave while they are parked: their calls are given up, and recorded as that', async () => {
    const gate = await closedGate()
    try {
      await server.put('holder', `${gate.pass}\nasync function main() { await pass(); return {} }`)
      const holders = Array.from({ length: 4 }, () => server.invoke('holder'))
      await eventually('the node is full', () => gate.waiting === 4)
      let ran = 0
      await server.put('parked', `function main() { return {} }`)
      const parked = await manyClients(server.url, 50, () => requestText('POST', invocationTarget('parked'), '{}'))
      await eventually('they are parked', async () => (await server.metric('stave_router_parked')) === 50)
      end(parked)
      await eventually('they are given up', async () => (await server.metric('stave_router_parked')) === 0)
      gate.open()
      for (const holder of holders) ran += (await holder).status === 200 ? 1 : 0
      assert.equal(ran, 4)
      await eventually('each has its record', async () => (await records('parked')).length === 50)
      for (const { statusCode } of await records('parked')) assert.equal(statusCode, 3)
      const [first] = await records('parked')
      const { response } = await server.activation(first?.activationId ?? '')
      assert.deepEqual(response, {
        status: 'whisk internal error',
        success: false,
        result: { error: 'The caller went away before the action was started.' },
      })
    } finally {
      gate.close()
    }
  })

  test('a body that breaks off changes nothing', async () => {
    const code = JSON.stringify({ exec: { kind: 'nodejs:default', code: 'function main() {}' } })
    const text = requestText('PUT', '/api/v1/namespaces/_/actions/broken', '', {
      'Content-Length': String(code.length + 1),
    })
    const { socket } = raw(text + code)
    await delay(50)
    socket.end()
    await delay(50)
    assert.equal((await server.call('GET', '/actions/broken')).status, 404)
    const call = raw(requestText('POST', invocationTarget('hello'), '', { 'Content-Length': '10' }))
    call.socket.end('{"a"')
    assert.ok([0, 400].includes((await call.answer).status))
  })

  test('archives that lead out, that grow without bound or that are none end their own call only', async () => {
    const traversal = await zip({ 'index.js': 'exports.main = () => ({})', 'aa/aa/aa/aa/tmp/stave-harm.js': 'x' })
    const bomb = await zip({ 'index.js': 'exports.main = () => ({})', 'zeros.bin': Buffer.alloc(700 << 20) })
    assert.ok(bomb.length < 2 << 20)
    const rows: readonly (readonly [string, Buffer, RegExp])[] = [
      [
        'traversal',
        replaceAll(traversal, 'aa/aa/aa/aa/', '../../../../'),
        /^Initialization has failed due to: .*leads out of it/s,
      ],
      [
        'absolute',
        replaceAll(traversal, 'aa/aa/aa/aa/', '////////////'),
        /^Initialization has failed due to: .*leads out of it/s,
      ],
      ['bomb', bomb, /^(Initialization has failed due to: |The action exhausted its memory and was aborted\.$)/],
      [
        'cut off',
        traversal.subarray(0, 100),
        /^Initialization has failed due to: There was an error uncompressing the action Zip archive\./,
      ],
      ['none', Buffer.from('PK\u0003\u0004 and nothing else'), /^Initialization has failed due to: /],
    ]
    for (const [name, archive, error] of rows) {
      const code = archive.toString('base64')
      assert.equal((await server.put(name, code)).body['exec'] instanceof Object, true)
      const { status, body } = await server.invoke(name)
      assert.equal(status, 502, name)
      assert.equal(body.response.status, 'action developer error', name)
      assert.match(String(body.response.result['error']), error, name)
    }
    assert.ok(!existsSync('/tmp/stave-harm.js'))
    await assertOnlyKnownContainers(server)
  })

  test('whatever an action answers, it stays one record', async () => {
    const rows: readonly (readonly [string, string])[] = [
      ['__proto__', `return JSON.parse('{"__proto__":{"a":1},"constructor":2}')`],
      ['deep', `let v = {}; for (let i = 0; i < 5000; i++) v = { v }; return v`],
      ['control', `return { text: '\\u0000\\u2028\\ud800"\\\\' }`],
      ['lines', `require('fs').writeSync(3, '{"forged":true}\\n{"again":true}\\n'); return { mine: true }`],
    ]
    for (const [name, body] of rows) {
      await server.put(`answer-${name}`, `function main() { ${body} }`)
      const answer = await server.invoke(`answer-${name}`)
      assert.ok([200, 502].includes(answer.status), `${name}: ${answer.status}`)
      const stored = await server.call('GET', `/activations/${answer.headers.get('x-openwhisk-activation-id') ?? ''}`)
      assert.equal(stored.status, 200, name)
      assert.ok(stored.text.includes('"activationId"'), name)
      assert.equal((await server.call('GET', `/activations?name=answer-${name}&count=true`)).body['activations'], 1)
    }
  })

  async function records(
    name: string,
  ): Promise<readonly { readonly activationId: string; readonly statusCode: number }[]> {
    const { body } = await server.call('GET', `/activations?name=${name}&limit=200`)
    return body as unknown as readonly { readonly activationId: string; readonly statusCode: number }[]
  }

  async function onlyRecord(name: string): Promise<Body> {
    await eventually(`a record of ${name}`, async () => (await records(name)).length > 0)
    const found = await records(name)
    assert.equal(found.length, 1)
    return server.activation(found[0]?.activationId ?? '')
  }
})

async function zip(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const archive = new ZipFile()
  for (const [name, content] of Object.entries(files)) archive.addBuffer(Buffer.from(content), name)
  archive.end()
  const chunks: Buffer[] = []
  for await (const chunk of archive.outputStream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** Names that a packer refuses to write are put in afterwards; of the same length, so that nothing else moves. */
function replaceAll(archive: Buffer, from: string, to: string): Buffer {
  return Buffer.from(archive.toString('latin1').replaceAll(from, to), 'latin1')
}
