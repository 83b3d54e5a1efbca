/** Tables of requests and the answers that OpenWhisk gives to them. Each row has a namespace of its own, and names the section that it is taken from. */

import assert from 'node:assert/strict'
import { request } from 'node:http'
import type { OutgoingHttpHeaders } from 'node:http'
import { after, before, describe, test } from 'node:test'
import type { NamespaceKey } from '../../src/model/identity.ts'
import { apiKey } from '../../src/model/identity.ts'
import { isJsonObject } from '../../src/model/json.ts'
import type { ApiServer, ApiServerOptions } from './api-server.ts'
import { startApiServer } from './api-server.ts'
import { assertConforms } from './conformance.ts'

export interface Request {
  readonly method?: string
  /**
   * A path that does not begin with a slash is below `/api/v1/namespaces/_/`. `OWN` stands for the row's namespace, here, in JSON and in what is
   * expected, and `PEER` for a second one that is the row's, too.
   */
  readonly path: string
  /** Text and buffers are sent as they are, everything else as JSON. */
  readonly body?: unknown
  /** Undefined takes away a header that would be sent by itself. */
  readonly headers?: OutgoingHttpHeaders
  /** `none`, `peer` for the key of the second namespace, or the value of the `Authorization` header. default: the row's own key */
  readonly auth?: string
}

export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly rawHeaders: readonly string[]
  readonly bytes: Buffer
  readonly text: string
  /** The body parsed; undefined when it is no JSON. */
  readonly json: unknown
}

export interface Row extends Request {
  /** Sections of the API specification. */
  readonly section: string
  readonly what: string
  /** Requests to make before; each must be answered 200. */
  readonly given?: readonly Request[]
  /** Work on the server before the requests. */
  readonly prepare?: (server: ApiServer, namespace: string) => Promise<void>
  readonly status: number
  /** `error` of the envelope. */
  readonly error?: string | RegExp
  /** Fields that the JSON answer has at least, or a check of the answer. */
  readonly expect?: object | ((response: Response, namespace: string) => void)
}

/** `Authorization` of a key. */
export function basic(key: Pick<NamespaceKey, 'uuid' | 'key'>): string {
  return `Basic ${Buffer.from(apiKey(key)).toString('base64')}`
}

/** Makes one request to `port` and reads the whole answer. */
export async function exchange(port: number, call: Request, authorization: string | undefined): Promise<Response> {
  const { method = 'GET', body } = call
  const payload = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const given: OutgoingHttpHeaders = {
    ...(payload !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
    ...(authorization !== undefined && { authorization }),
    ...call.headers,
  }
  const headers = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, host: '127.0.0.1', method, path: call.path, headers, agent: false }, (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('error', reject)
      res.on('end', () => {
        const bytes = Buffer.concat(chunks)
        const text = bytes.toString('utf8')
        const { statusCode = 0, rawHeaders } = res
        resolve({
          status: statusCode,
          headers: Object.fromEntries(Object.entries(res.headers).map(([name, value]) => [name, String(value)])),
          rawHeaders,
          bytes,
          text,
          json: parsed(text),
        })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(payload)
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Registers a test for each row, on one server. */
export function describeTable(name: string, rows: readonly Row[], options: ApiServerOptions = {}): void {
  describe(name, () => {
    let server: ApiServer
    before(async () => {
      server = await startApiServer(options)
      await server.administration.createUser({ subject: 'other' })
    })
    after(() => server.close())
    for (const [index, row] of rows.entries()) {
      test(`${row.section}: ${row.what}`, () => runRow(server, row, `user-${index}`))
    }
  })
}

async function runRow(server: ApiServer, row: Row, namespace: string): Promise<void> {
  const peer = `${namespace}-peer`
  const own = basic(await server.administration.createUser({ subject: namespace }))
  const others = basic(await server.administration.createUser({ subject: peer }))
  const named = (text: string): string =>
    text.replaceAll(/\b(?:OWN|PEER)\b/g, (word) => (word === 'OWN' ? namespace : peer))
  await row.prepare?.(server, namespace)
  const send = async (call: Request): Promise<Response> => {
    const path = named(call.path.startsWith('/') ? call.path : `/api/v1/namespaces/_/${call.path}`)
    const authorization = call.auth === 'none' ? undefined : call.auth === 'peer' ? others : (call.auth ?? own)
    const response = await exchange(server.port, { ...call, path, body: withNames(call.body, named) }, authorization)
    assertConforms(call.method ?? 'GET', path, {
      status: response.status,
      contentType: response.headers['content-type'],
      requestId: response.headers['x-request-id'],
      text: response.text,
    })
    return response
  }
  for (const call of row.given ?? []) {
    const response = await send(call)
    assert.equal(response.status, 200, response.text)
  }
  const response = await send(row)
  assert.equal(response.status, row.status, response.text)
  if (row.error !== undefined) checkEnvelope(response, typeof row.error === 'string' ? named(row.error) : row.error)
  if (typeof row.expect === 'function') row.expect(response, namespace)
  else if (row.expect !== undefined) {
    const text = JSON.stringify(row.expect)
    const expected: object = named(text) === text ? row.expect : JSON.parse(named(text))
    assert.partialDeepStrictEqual(response.json, expected)
  }
  assert.deepEqual(server.faults.splice(0), [])
}

function withNames(body: unknown, named: (text: string) => string): unknown {
  if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) return body
  return named(JSON.stringify(body))
}

/** Exactly `error` and `code`, and the code is the transaction id of the answer. */
function checkEnvelope(response: Response, expected: string | RegExp): void {
  assert.ok(isJsonObject(response.json), response.text)
  assert.deepEqual(Object.keys(response.json).toSorted(), ['code', 'error'])
  assert.equal(response.headers['content-type'], 'application/json')
  assert.equal(response.json['code'], response.headers['x-request-id'])
  assert.equal(response.rawHeaders[0], 'X-Request-ID')
  const { error: text } = response.json
  if (typeof expected === 'string') assert.equal(text, expected)
  else assert.ok(typeof text === 'string' && expected.test(text), response.text)
}
