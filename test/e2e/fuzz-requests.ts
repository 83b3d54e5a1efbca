/**
 * Requests for a fuzz run: every route of the API documents, of the docs pages and of the admin API, with what belongs there and with what does not. As bytes,
 * because much of it no HTTP client would send.
 */

import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { documentedOperations } from '../api/conformance.ts'
import type { FuzzBody } from './fuzz-bodies.ts'
import { fuzzBody, NAMES, SUBJECTS } from './fuzz-bodies.ts'

export interface FuzzRequest {
  readonly listener: 'public' | 'internal'
  /** The route that it was made from: `GET /api/v1/namespaces/{namespace}/limits`. */
  readonly route: string
  readonly method: string
  readonly target: string
  readonly bytes: Buffer
  /** Its end is not where it says, or never comes: an answer may be missing. */
  readonly endless: boolean
}

/** A path with names in braces and what the document knows of it. */
export interface Route {
  readonly listener: FuzzRequest['listener']
  readonly method: string
  readonly path: string
  readonly tag: string
  readonly query: readonly string[]
  readonly hasBody: boolean
}

const OTHER_METHODS = [
  'GET',
  'PUT',
  'POST',
  'DELETE',
  'PATCH',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'QUERY',
  'FOO',
  'get',
]

/** All routes; those of the admin API from the table in its README, which so cannot name one that is not there. */
export function fuzzRoutes(): readonly Route[] {
  const documented = documentedOperations().map(({ method, path, operation }): Route => {
    const { tag, query = [], body } = operation
    const names = query.map((parameter) => parameter.name)
    const hasBody = body !== undefined || tag === 'Web actions'
    return { listener: 'public', method: method.toUpperCase(), path, tag, query: names, hasBody }
  })
  const page = (path: string): Route => ({
    listener: 'public',
    method: 'GET',
    path,
    tag: 'Docs',
    query: ['url'],
    hasBody: false,
  })
  const pages = ['', '/api/v1'].flatMap((base) =>
    ['', '/index.html', '/page.js', '/page.css', '/{file}'].map((file) => page(`${base}/docs${file}`)),
  )
  return [...documented, ...pages, ...adminRoutes()]
}

/** As the README says them: `POST /admin/users/SUBJECT/block`, `…/unblock`. */
function adminRoutes(): readonly Route[] {
  const text = readFileSync('src/management/README.md', 'utf8')
  return [...text.matchAll(/^\| `(GET|POST|PUT|PATCH|DELETE) (\/[^\s`[]+)(.*?)\|\s*(.*?)\s*\|/gm)].flatMap(
    ([, method = '', first = '', rest = '', body = '']) => {
      const path = first.replaceAll(/\b[A-Z]+\b/g, '{name}')
      const others = [...rest.matchAll(/`…\/(\w+)`/g)].map(([, last]) => path.replace(/[^/]+$/, last ?? ''))
      const query = [...rest.matchAll(/\[[?&](\w+)=/g)].map(([, parameter = '']) => parameter)
      return [path, ...others].map((each): Route => {
        return { listener: 'internal', method, path: each, tag: 'Administration', query, hasBody: body !== '' }
      })
    },
  )
}

const unlikely = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }).map((text) => encodeURIComponent(text.toWellFormed())),
  fc.constantFrom(
    '%00',
    '%2F',
    '%2e%2e',
    '..',
    '.',
    '%zz',
    '%',
    '%C0%AF',
    '%ED%A0%80',
    '%FF',
    '__proto__',
    'a+b',
    '~',
    '*',
  ),
  fc.constantFrom('', 'a b', '\0', '\xff\xfe', '?', '#', '\t', 'x'.repeat(257), 'x'.repeat(9000), '%41'.repeat(300)),
)
const mostly = (...texts: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...texts) }, { weight: 1, arbitrary: unlikely })

/** `usual`, and once in so many times something of the other. */
function seldom<Value>(times: number, usual: Value, other: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
  return fc.oneof({ weight: times - 1, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other })
}

function often<Value>(usual: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: fc.constant(undefined) })
}

/** What stands for a name in braces. Nobody who administers names the namespaces that the run itself needs. */
function segment(parameter: string, { path, listener }: Route): fc.Arbitrary<string> {
  if (listener === 'internal') return mostly(...SUBJECTS)
  const isWeb = path.startsWith('/api/v1/web/')
  const isInPackage = path.includes('{packageName}')
  switch (parameter) {
    case 'namespace':
      return isWeb
        ? mostly('fuzzer', 'fuzzer', 'fuzzer', 'whisk.system', '_')
        : mostly('_', '_', '_', 'fuzzer', 'fuzzer', 'fuzzer', 'whisk.system', 'nobody')
    case 'activationId':
      return mostly('f'.repeat(32), 'f'.repeat(32), 'x'.repeat(32), 'f'.repeat(31))
    case 'extension':
      return mostly('json', 'html', 'http', 'svg', 'text', 'exe')
    case 'packageName':
      return isWeb ? mostly('default', 'default', 'pkg', 'bound') : mostly('pkg', 'bound', 'new-1', 'hello')
    case 'triggerName':
      return mostly('started', 'started', 'started', 'new-1', 'hello')
    case 'ruleName':
      return mostly('greet', 'greet', 'greet', 'new-2', 'hello')
    default:
      if (isWeb) return mostly('web', 'web', 'raw', 'conduct', 'hello', 'inner')
      return isInPackage ? mostly('inner', 'inner', 'echo', 'new-1') : mostly(...NAMES)
  }
}

function pathOf(route: Route): fc.Arbitrary<string> {
  const parts = route.path
    .split(/\{(\w+)\}/)
    .map((part, index) => (index % 2 === 0 ? fc.constant(part) : segment(part, route)))
  const end = fc.oneof(
    { weight: 12, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom('/', '//', '/x', '/x/y/z', '.', ';a=b', '%20') },
  )
  return fc.tuple(...parts, end).map((pieces) => pieces.join(''))
}

/** What a caller who means well asks for. */
const USUAL_QUERIES: Readonly<Record<string, readonly string[]>> = {
  overwrite: ['?overwrite=true'],
  blocking: ['?blocking=true', '?blocking=true&result=true', ''],
  limit: ['', '?limit=5', '?count=true', '?skip=1'],
}

function queryOf(names: readonly string[]): fc.Arbitrary<string> {
  const value = fc.oneof(
    fc.constantFrom('true', 'false', '1', '0', '-1', '30', '201', '2147483648', '99999999999999999999', '1.5'),
    fc.constantFrom('', 'abc', '%00', '%zz', 'pkg/inner', 'x'.repeat(500)),
    unlikely,
  )
  const pair = fc.tuple(mostly(...names, 'debug'), value).map(([name, text]) => `${name}=${text}`)
  const odd = fc.array(pair, { minLength: 1, maxLength: 3 }).map((all) => `?${all.join('&')}`)
  const usual = names.flatMap((name) => USUAL_QUERIES[name] ?? [])
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...(usual.length === 0 ? [''] : usual)) },
    { weight: 1, arbitrary: odd },
  )
}

const ODD_HEADERS = [
  'Accept: application/json',
  'Accept: text/html;q=0.5, */*;q=0.1',
  'X-Request-ID: \xff\xfe',
  'X-Request-ID: sid_1',
  `X-Request-ID: ${'i'.repeat(2000)}`,
  'X-OW-EXTRA-LOGGING: on',
  'Expect: 100-continue',
  'If-None-Match: *',
  'If-Modified-Since: never',
  'Origin: null',
  'Access-Control-Request-Headers: \xe9, x',
  'X-Require-Whisk-Auth: 1',
  'Content-Encoding: gzip',
  'Host: fuzzer.stave.test',
]
/** Those that a request cannot have, or cannot be answered with. */
const UNFIT_HEADERS = [
  'Accept: ,;q=x',
  'Accept: image/png',
  'Expect: the worst',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Cookie: a=\0',
  'no colon',
  ' folded: yes',
  `X-Long: ${'l'.repeat(40_000)}`,
]

function headersOf(authorization: string): fc.Arbitrary<readonly string[]> {
  const identity = fc.oneof(
    { weight: 12, arbitrary: fc.constant(`Authorization: ${authorization}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'X-None: ',
        'Authorization: ',
        'Authorization: Basic !!!',
        'Authorization: Bearer x',
        `Authorization: Basic ${'QQ'.repeat(2000)}`,
      ),
    },
  )
  return fc
    .tuple(
      identity,
      fc.array(fc.constantFrom(...ODD_HEADERS), { maxLength: 2 }),
      seldom<readonly string[]>(
        15,
        [],
        fc.constantFrom(...UNFIT_HEADERS).map((header) => [header]),
      ),
    )
    .map(([first, odd, unfit]) => [[first], odd, unfit].flat())
}

/** Other ways to say where a body ends than by its length. */
const FRAMINGS = ['chunked', 'chunked', 'chunked', 'cut off', 'bad chunk', 'too short'] as const
type Framing = 'length' | (typeof FRAMINGS)[number]

/** The end of the headers and the body, as the framing has it. */
function framed({ bytes, type }: FuzzBody, framing: Framing): Buffer {
  const head = type === undefined ? '' : `Content-Type: ${type}\r\n`
  const length = (count: number): Buffer =>
    Buffer.concat([Buffer.from(`${head}Content-Length: ${count}\r\n\r\n`, 'latin1'), bytes])
  const chunks = (end: string): Buffer =>
    Buffer.concat([
      Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n${bytes.length.toString(16)}\r\n`, 'latin1'),
      bytes,
      Buffer.from(end, 'latin1'),
    ])
  switch (framing) {
    case 'length':
      return length(bytes.length)
    case 'cut off':
      return length(bytes.length + 10)
    case 'too short':
      return length(Math.max(0, bytes.length - 5))
    case 'chunked':
      // An empty chunk is the last one.
      return chunks(bytes.length === 0 ? '\r\n' : '\r\n0\r\n\r\n')
    case 'bad chunk':
      return chunks('\r\nzz\r\n\r\n')
  }
}

function requestOn(route: Route, authorization: string): fc.Arbitrary<FuzzRequest> {
  return fc
    .record({
      method: fc.oneof(
        { weight: 9, arbitrary: fc.constant(route.method) },
        { weight: 1, arbitrary: fc.constantFrom(...OTHER_METHODS) },
      ),
      path: pathOf(route),
      query: queryOf(route.query),
      headers: headersOf(authorization),
      sent: route.hasBody ? often(fuzzBody(route.tag)) : seldom(12, undefined, fuzzBody(route.tag)),
      framing: seldom<Framing>(10, 'length', fc.constantFrom(...FRAMINGS)),
    })
    .map(({ method, path, query, headers, sent, framing }) => {
      const target = path + query
      const lines = [`${method} ${target} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '']
      const head = Buffer.from(lines.join('\r\n'), 'latin1')
      const bytes = Buffer.concat([head, sent === undefined ? Buffer.from('\r\n') : framed(sent, framing)])
      const { listener } = route
      const endless = sent !== undefined && ['cut off', 'bad chunk', 'too short'].includes(framing)
      return { listener, route: `${route.method} ${route.path}`, method, target, bytes, endless }
    })
}

/** That many requests, of each route as many as of any other; the same ones for the same seed. */
export function fuzzRequests(seed: number, perRoute: number, authorization: string): readonly FuzzRequest[] {
  const ofEach = fuzzRoutes().map((route, index) =>
    fc.sample(requestOn(route, authorization), { seed: seed + index, numRuns: perRoute }),
  )
  // In turn, so that what one route makes is there for the others.
  return Array.from({ length: perRoute }, (_, round) => ofEach.flatMap((requests) => requests[round] ?? [])).flat()
}
