/**
 * A fuzz run over every route of a whole server: whatever comes, each request is answered as the API document has it, and the server is well afterwards.
 * The seed is printed; `FUZZ_SEED=… npm test -- test/e2e/fuzz.test.ts` runs it again, and `FUZZ_REQUESTS` says how many there are of each route.
 */

import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { withoutDotSegments } from '../../src/api/request-target.ts'
import { assertConforms } from '../api/conformance.ts'
import { SUBJECTS } from './fuzz-bodies.ts'
import type { FuzzRequest } from './fuzz-requests.ts'
import { fuzzRequests, fuzzRoutes } from './fuzz-requests.ts'
import { assertOnlyKnownContainers, stopClean } from './leftovers.ts'
import type { TestServer } from './server.ts'
import { eventually, startServer } from './server.ts'

const PER_ROUTE = Number(process.env['FUZZ_REQUESTS'] ?? 40)
const AT_ONCE = 16
/** Requests from one time that the namespace is furnished to the next. */
const CHUNK = 300
const ANSWER_MS = 30_000
const WEB = [{ key: 'web-export', value: true }]
const ECHO = 'const main = (args) => args'

interface FuzzAnswer {
  /** 0: the connection ended without one. */
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly text: string
}

describe('fuzz', () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31))
  const counts = new Map<number, number>()
  let activations = 0
  let server: TestServer
  let fuzzer: string
  let prober: string
  before(async () => {
    server = await startServer({
      env: {
        STAVE_HTTP_WEB_DOMAIN: 'stave.test',
        STAVE_CONTAINERS_STEM_CELLS: '{"nodejs":2}',
        STAVE_CONTAINERS_MEMORY_MB: '2048',
        STAVE_LOG_LEVEL: 'debug',
      },
    })
    fuzzer = await newUser('fuzzer')
    prober = await newUser('prober')
    const exec = { kind: 'nodejs:default', code: ECHO }
    assert.equal((await server.call('PUT', '/actions/well', { exec }, { Authorization: prober })).status, 200)
  })
  after(() => stopClean(server))

  async function newUser(subject: string): Promise<string> {
    const { body } = await server.admin('POST', '/admin/users', { subject })
    return `Basic ${Buffer.from(`${String(body['uuid'])}:${String(body['key'])}`).toString('base64')}`
  }

  /** Something of everything that requests can be about; again, because they delete it. Names that something else has by then stay what they are. */
  async function furnish(): Promise<void> {
    const put = async (path: string, body: object): Promise<void> => {
      const { status, text } = await server.call('PUT', `${path}?overwrite=true`, body, { Authorization: fuzzer })
      assert.ok([200, 400, 403, 409].includes(status), `${path}: ${text}`)
    }
    const exec = { kind: 'nodejs:default', code: ECHO }
    for (const subject of SUBJECTS) await server.admin('POST', '/admin/users', { subject })
    await put('/actions/hello', { exec })
    await put('/actions/web', { exec, annotations: WEB })
    await put('/actions/raw', { exec, annotations: [...WEB, { key: 'raw-http', value: true }] })
    await put('/actions/chain', { exec: { kind: 'sequence', components: ['/_/hello', '/_/hello'] } })
    await put('/actions/conduct', { exec, annotations: [...WEB, { key: 'conductor', value: true }] })
    await put('/packages/pkg', { parameters: [{ key: 'a', value: 1 }] })
    await put('/actions/pkg/inner', { exec, annotations: WEB })
    await put('/packages/bound', { binding: { namespace: '_', name: 'pkg' } })
    await put('/triggers/started', {})
    await put('/rules/greet', { trigger: '/_/started', action: '/_/hello' })
  }

  test(`S0-1: every route answers whatever comes (seed ${seed})`, async (t) => {
    const requests = fuzzRequests(seed, PER_ROUTE, fuzzer)
    const failures: unknown[] = []
    const work = async (waiting: Iterator<FuzzRequest>): Promise<void> => {
      for (let next = waiting.next(); next.done !== true; next = waiting.next()) {
        const answer = await send(next.value)
        try {
          check(next.value, answer)
        } catch (error) {
          failures.push(error)
        }
      }
    }
    for (let at = 0; at < requests.length; at += CHUNK) {
      await furnish()
      const waiting = requests.slice(at, at + CHUNK).values()
      await Promise.all(Array.from({ length: AT_ONCE }, () => work(waiting)))
    }
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} answers are not as documented`)
    t.diagnostic(
      `${requests.length} requests: ${[...counts].map(([status, count]) => `${count} x ${status}`).join(', ')}`,
    )
    // What never gets beyond the first checks tells nothing.
    assert.ok((counts.get(200) ?? 0) > requests.length / 10 && activations > 20, `${activations} activations`)
  })

  test('every route of the internal listener that the README tells of is one', async () => {
    const told = fuzzRoutes().filter(({ listener }) => listener === 'internal')
    assert.ok(told.length > 30, `${told.length} routes were found`)
    for (const { method, path } of told) {
      const { status, text } = await server.admin(
        method,
        path.replaceAll(/\{\w+\}/g, 'nobody'),
        ['GET', 'DELETE'].includes(method) ? undefined : {},
      )
      assert.ok(
        status !== 405 && !text.includes('could not be found'),
        `${method} ${path}: ${status} ${text.slice(0, 200)}`,
      )
    }
  })

  test('afterwards the server is ready, a warm call works, and nothing is left under way', async () => {
    const { status, text } = await server.admin('GET', '/readyz')
    assert.equal(status, 200, text)
    const call = () =>
      server.call('POST', '/actions/well?blocking=true&result=true', { a: 1 }, { Authorization: prober })
    assert.equal((await call()).status, 200)
    const warm = await call()
    assert.deepEqual([warm.status, warm.text, warm.headers.get('x-stave-start')], [200, '{"a":1}', 'warm'])
    for (const gauge of [
      'stave_journal_entries',
      'stave_router_in_flight',
      'stave_router_parked',
      'stave_router_active',
    ]) {
      await eventually(`${gauge} is 0`, async () => (await server.metric(gauge)) === 0)
    }
    await eventually('no descriptor is kept', async () => (await server.metric('process_open_fds')) < 200)
    await assertOnlyKnownContainers(server)
  })

  test('nothing of it was an error of the platform', () => {
    const lines = server.output().split('\n')
    assert.deepEqual(
      lines.filter((line) => /"level":"(?:error|fatal)"|[Uu]nhandled|uncaught/.test(line)),
      [],
    )
  })

  function check(request: FuzzRequest, answer: FuzzAnswer): void {
    const { status, headers, text } = answer
    counts.set(status, (counts.get(status) ?? 0) + 1)
    if (headers.has('x-openwhisk-activation-id')) activations++
    const what = `seed ${seed}: ${request.route}\n${preview(request.bytes)}\n-> ${status} ${text.slice(0, 500)}`
    if (status === 0) return assert.ok(request.endless, `no answer: ${what}`)
    // Outcomes of actions have the id of an activation; nothing else of the platform's may fail.
    if (status >= 500) assert.ok(headers.has('x-openwhisk-activation-id') && [500, 502].includes(status), what)
    if (status === 429) assert.match(headers.get('retry-after') ?? '', /^\d+$/, what)
    if (request.listener === 'internal' || request.method === 'HEAD') return
    try {
      // Answered, and so documented, is what is left of the path without its dots.
      assertConforms(request.method, withoutDotSegments(request.target), {
        status,
        text,
        contentType: headers.get('content-type'),
        requestId: headers.get('x-request-id'),
      })
    } catch (error) {
      throw new Error(what, { cause: error })
    }
  }

  /** One connection, one request; resolves with what came until its end. */
  function send({ listener, bytes, endless }: FuzzRequest): Promise<FuzzAnswer> {
    const { hostname, port } = new URL(server.url)
    const target =
      listener === 'public' ? { host: hostname, port: Number(port) } : { path: server.facts.adminSocket ?? '' }
    return new Promise((resolve, reject) => {
      const received: Buffer[] = []
      const socket = connect(target, () => (endless ? socket.end(bytes) : socket.write(bytes)))
      socket.setTimeout(ANSWER_MS, () => {
        socket.destroy()
        reject(new Error(`seed ${seed}: not answered:\n${preview(bytes)}`))
      })
      socket.on('data', (chunk) => received.push(chunk))
      // The server may close before it has read everything.
      socket.on('error', () => undefined)
      socket.on('close', () => resolve(parse(Buffer.concat(received))))
    })
  }
})

/** The first final answer. */
function parse(bytes: Buffer): FuzzAnswer {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return { status: 0, headers: new Map(), text: '' }
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0)
  const rest = bytes.subarray(end + 4)
  if (status === 100) return parse(rest)
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
    }),
  )
  return { status, headers, text: rest.toString() }
}

/** Enough of a request to see what it is; the seed brings back the rest. */
function preview(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1').slice(0, 1500))
}
