/** Tables of web actions, requests to them and the answers that OpenWhisk gives. Each row has a namespace of its own, and names the section that it is taken from. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { NamespaceKey } from '../../src/model/identity.ts'
import type { JsonObject, JsonValue } from '../../src/model/json.ts'
import { isJsonObject } from '../../src/model/json.ts'
import type { Annotation, Parameter } from '../../src/model/parameters.ts'
import type { RunRequest } from '../../src/proxy/run-request.ts'
import { actionOf } from '../conformance/artifact-fixtures.ts'
import type { Request, Response } from './table.ts'
import { basic, exchange } from './table.ts'
import type { Returned, WebServer } from './web-server.ts'
import { startWebServer } from './web-server.ts'

/** What the only run of a row was given. */
export interface Seen {
  readonly args: JsonObject
  readonly request: RunRequest
}

export interface WebRow extends Omit<Request, 'path' | 'auth'> {
  readonly section: string
  readonly what: string
  /** Below the namespace: `PKG/NAME`. default: `default/hello` */
  readonly action?: string
  /** Over `web-export: true`. */
  readonly annotations?: Readonly<Record<string, JsonValue>>
  readonly parameters?: readonly Parameter[]
  /** What the action returns; a function is given the arguments. default: `{}` */
  readonly returns?: JsonValue | ((args: JsonObject) => Returned)
  /** What follows `/api/v1/web/`, `OWN` standing for the namespace. default: `OWN/default/hello` */
  readonly path?: string
  /** Whose key is sent: the row's own, another subject's, one that nobody has. default: none */
  readonly key?: 'own' | 'other' | 'wrong'
  /** Work on the server before the request. */
  readonly prepare?: (server: WebServer, namespace: string) => Promise<void>
  readonly status: number
  /** `error` of the envelope. */
  readonly error?: string | RegExp
  /** Text of the answer. */
  readonly text?: string
  /** Headers that the answer has; undefined: it has none of that name. */
  readonly answers?: Readonly<Record<string, string | undefined>>
  /** Arguments that the action was given, at least. */
  readonly given?: JsonObject
  readonly expect?: (response: Response, seen: Seen | undefined, own: Own) => void
}

/** The namespace of a row. */
export interface Own {
  readonly namespace: string
  readonly key: NamespaceKey
  readonly server: WebServer
}

const UNKNOWN_KEY = { uuid: '11111111-2222-4333-8444-555555555555', key: 'x'.repeat(64) }

/** Registers a test for each row, on one server. */
export function describeWebTable(name: string, rows: readonly WebRow[]): void {
  describe(name, () => {
    let server: WebServer
    let other: NamespaceKey
    before(async () => {
      server = await startWebServer()
      other = await server.administration.createUser({ subject: 'other' })
    })
    after(() => server.close())
    for (const [index, row] of rows.entries()) {
      test(`${row.section}: ${row.what}`, () => runRow(server, row, `user-${index}`, other))
    }
  })
}

async function runRow(server: WebServer, row: WebRow, namespace: string, other: NamespaceKey): Promise<void> {
  const key = await server.administration.createUser({ subject: namespace })
  const path = `${namespace}/${(row.action ?? 'default/hello').replace('default/', '')}`
  await server.put(webAction(path, row.annotations, row.parameters))
  const { returns = {} } = row
  server.behaviours.set(`/${path}`, (args) => (typeof returns === 'function' ? returns(args) : { value: returns }))
  await row.prepare?.(server, namespace)
  const authorization = { own: basic(key), other: basic(other), wrong: basic(UNKNOWN_KEY) }
  const ran = server.runs.length
  const target = `/api/v1/web/${(row.path ?? `OWN/${row.action ?? 'default/hello'}`).replaceAll('OWN', namespace)}`
  const response = await exchange(
    server.port,
    { ...row, path: target },
    row.key === undefined ? undefined : authorization[row.key],
  )
  assert.equal(response.status, row.status, response.text)
  const [request] = server.runs.slice(ran)
  const seen = request === undefined ? undefined : { request, args: argumentsOf(request) }
  check(response, row, seen)
  row.expect?.(response, seen, { namespace, key, server })
  assert.deepEqual(server.faults.splice(0), [])
}

/** An exported action of that path. */
export function webAction(
  path: string,
  annotations: Readonly<Record<string, JsonValue>> = {},
  parameters: readonly Parameter[] = [],
): ReturnType<typeof actionOf> {
  const all = Object.entries({ 'web-export': true, ...annotations }).map(([key, value]): Annotation => ({ key, value }))
  return { ...actionOf(path, 'code'), annotations: all, parameters }
}

function argumentsOf(request: RunRequest): JsonObject {
  const args: JsonObject = JSON.parse(Buffer.from(request.argumentBytes, 'latin1').toString('utf8'))
  return args
}

function check(response: Response, row: WebRow, seen: Seen | undefined): void {
  if (row.error !== undefined) checkEnvelope(response, row.error)
  if (row.text !== undefined) assert.equal(response.text, row.text)
  for (const [name, value] of Object.entries(row.answers ?? {})) assert.equal(response.headers[name], value, name)
  if (row.given !== undefined) {
    assert.ok(seen !== undefined, 'the action was not run')
    assert.partialDeepStrictEqual(seen.args, row.given)
  }
}

/** Exactly `error` and `code`, one a line, and the code is the transaction id of the answer. */
function checkEnvelope(response: Response, expected: string | RegExp): void {
  const id = response.headers['x-request-id']
  assert.ok(isJsonObject(response.json), response.text)
  assert.equal(response.headers['content-type'], 'application/json')
  const { error } = response.json
  assert.equal(response.text, JSON.stringify({ error, code: id }, null, 2))
  assert.equal(response.rawHeaders[0], 'X-Request-ID')
  if (typeof expected === 'string') assert.equal(error, expected)
  else assert.ok(typeof error === 'string' && expected.test(error), response.text)
}
