/** Web actions, and callers of them, that mean harm: nothing that an action returns breaks the connection or forges an answer, and the server stays well. */

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, afterEach, before, describe, test } from 'node:test'
import { stopClean } from './leftovers.ts'
import type { TestServer } from './server.ts'
import { startServer } from './server.ts'

const WEB = [{ key: 'web-export', value: true }]
/** Answers with what the request says, as JSON text in `answer`. */
const MIRROR = 'const main = ({ answer }) => JSON.parse(answer)'
const NO_HTTP = "Response is not valid 'message/http'."

describe('hostile web actions', () => {
  let server: TestServer
  before(async () => {
    server = await startServer({ env: { STAVE_CONTAINERS_STEM_CELLS: '{}', STAVE_CONTAINERS_MEMORY_MB: '1024' } })
    await server.put('mirror', MIRROR, { annotations: WEB })
    await server.put('echo', 'const main = (args) => ({ body: JSON.stringify(args) })', {
      annotations: WEB,
      parameters: [{ key: 'bound', value: 1 }],
    })
  })
  afterEach(async () => {
    const answer = await mirror({ body: 'well' })
    assert.deepEqual([answer.status, await answer.text()], [200, 'well'])
    assert.ok(server.memoryMb() < 450, `${server.memoryMb()} MB`)
  })
  after(async () => {
    await stopClean(server)
    assert.doesNotMatch(server.output(), /"level":"(error|fatal)"/)
  })

  const post = (action: string, body: string): Promise<Response> =>
    fetch(`${server.url}/api/v1/web/guest/default/${action}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
  const mirror = (answer: unknown): Promise<Response> =>
    post('mirror', JSON.stringify({ answer: typeof answer === 'string' ? answer : JSON.stringify(answer) }))

  /** The same on a connection that another request follows on: both answers as they came. */
  async function onOneConnection(answer: unknown): Promise<string> {
    const text = (body: string, end: string): string =>
      `POST /api/v1/web/guest/default/mirror HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${end}\r\n${body}`
    const first = text(JSON.stringify({ answer: JSON.stringify(answer) }), '')
    const second = text(JSON.stringify({ answer: '{"body":"second"}' }), 'Connection: close\r\n')
    const { port } = new URL(server.url)
    return new Promise((resolve, reject) => {
      let received = ''
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(first + second))
      socket.setEncoding('latin1').setTimeout(20_000, () => socket.destroy(new Error(`no end: ${received}`)))
      socket
        .on('data', (chunk: string) => void (received += chunk))
        .on('end', () => resolve(received))
        .on('error', reject)
    })
  }

  for (const [what, answer] of Object.entries({
    'a header with a line end': { headers: { 'X-A': 'b\r\nX-Evil: 1\r\n\r\n<script>' }, body: 'x' },
    'a name with a line end': { headers: { 'X-A: b\r\nX-Evil': '1' }, body: 'x' },
    'a type with a line end': { headers: { 'content-type': 'text/html\r\nX-Evil: 1' }, body: 'x' },
    'a name that is none': { headers: { 'no name': '1' } },
    'an interim status': { statusCode: 100, body: 'x' },
    'early hints': { statusCode: 103, headers: { link: '</x>' } },
    'switching protocols': { statusCode: 101, headers: { upgrade: 'websocket', connection: 'upgrade' } },
    'a status out of range': { statusCode: 99 },
    'null among the values of a header': { headers: { 'X-A': ['a', [null]] } },
  })) {
    test(`5.9: ${what} is refused, and the connection goes on`, async () => {
      const received = await onOneConnection(answer)
      assert.match(received, /^HTTP\/1\.1 400 Bad Request\r\n/)
      assert.ok(received.includes(NO_HTTP))
      assert.doesNotMatch(received, /^X-Evil/im)
      assert.match(received, /\r\n\r\nsecond$/)
    })
  }

  for (const [what, answer] of Object.entries({
    'a length that is wrong': { headers: { 'Content-Length': '1000' }, body: 'first' },
    'chunks that are none': { headers: { 'Transfer-Encoding': 'chunked' }, body: 'first' },
    'a trailer': { headers: { Trailer: 'X-A' }, body: 'first' },
    'the end of the connection': { headers: { Connection: 'close' }, body: 'first' },
    'an upgrade': { headers: { Upgrade: 'h2c' }, body: 'first' },
  })) {
    test(`verified 4: ${what} is not for the action to say`, async () => {
      const received = await onOneConnection(answer)
      assert.match(received, /Content-Length: 5\r\n(?:[^\r]+\r\n)*\r\nfirstHTTP\/1\.1 200 OK/)
      assert.match(received, /\r\n\r\nsecond$/)
      assert.doesNotMatch(received, /^(?:trailer|upgrade|transfer-encoding):/im)
    })
  }

  test('5.9: statuses without a body have none, whatever the action says', async () => {
    for (const statusCode of [204, 304]) {
      const received = await onOneConnection({ statusCode, body: 'HTTP/1.1 200 OK\r\n\r\n' })
      assert.equal(received.split('HTTP/1.1 ').length, 3, received)
      assert.match(received, /\r\n\r\nsecond$/)
    }
  })

  test('5.9: megabytes of headers, and a hundred thousand of them, do no harm', async () => {
    const long = await onOneConnection({ headers: { 'X-Long': 'x'.repeat(500_000) }, body: 'first' })
    assert.match(long, /\r\n\r\nsecond$/)
    const many = await onOneConnection({
      headers: { 'X-Many': Array.from({ length: 100_000 }, () => 1) },
      body: 'first',
    })
    assert.match(many, /\r\n\r\nsecond$/)
  })

  test('5.9: base64 that is none', async () => {
    for (const body of ['***', 'A', '=', 'AA==AA==', '\u0000', 'é'.repeat(1000), 'A'.repeat(400_001)]) {
      const answer = await mirror({ headers: { 'content-type': 'image/png' }, body })
      assert.equal(answer.status, 400, body.slice(0, 20))
      assert.match(await answer.text(), /did not match generated content type/)
    }
  })

  test('5.9: results nested without end are answered', async () => {
    const depth = 50_000
    const arrays = `${'['.repeat(depth)}${']'.repeat(depth)}`
    const deep = await mirror(`{"body":${arrays}}`)
    assert.ok([200, 400].includes(deep.status), `${deep.status}`)
    const objects = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
    const pretty = await mirror(`{"body":${objects}}`)
    assert.ok([200, 400].includes(pretty.status), `${pretty.status}`)
    assert.ok((await pretty.text()).length < 20_000_000)
    const headers = await mirror(`{"headers":{"X-A":${arrays}}}`)
    assert.ok([204, 400].includes(headers.status), `${headers.status}`)
  })

  test('5.5: names of JavaScript in query, body and headers are names', async () => {
    const answer = await fetch(`${server.url}/api/v1/web/guest/default/echo?__proto__=q&constructor=c&toString=t`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ['x-__proto__']: 'h' },
      body: '{"__proto__":{"polluted":true},"hasOwnProperty":1}',
    })
    const text = await answer.text()
    assert.match(text, /"__proto__":\{"polluted":true\}|"bound":1/)
    assert.match(text, /"hasOwnProperty":1/)
    assert.match(text, /"toString":"t"/)
    const clean = await post('echo', '{}')
    assert.doesNotMatch(await clean.text(), /polluted/)
  })

  test('5.5: bodies that are not what they say', async () => {
    for (const body of ['{', '[', '"', '{"a":1}x', '\ufeff{}', '', ' ', 'nul', '{"a":1,}', '{"a":\u0001}']) {
      const answer = await post('echo', body)
      assert.ok([200, 400].includes(answer.status), `${JSON.stringify(body)}: ${answer.status}`)
      await answer.text()
    }
  })

  test('callers that hang up before the answer leave nothing in flight', async () => {
    await server.put('slow', 'const main = () => new Promise((resolve) => setTimeout(resolve, 300, { body: "x" }))', {
      annotations: WEB,
    })
    const controller = new AbortController()
    const calls = Array.from({ length: 20 }, () =>
      fetch(`${server.url}/api/v1/web/guest/default/slow`, { signal: controller.signal }).catch(() => undefined),
    )
    setTimeout(() => controller.abort(), 100)
    await Promise.all(calls)
  })
})
