/** A whole server for tests: the executable as a user starts it, in a process of its own that can be killed. */

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const EXECUTABLE = fileURLToPath(new URL('../../bin/stave.js', import.meta.url))
/** OpenWhisk's well-known key of `guest`, which exists on loopback. */
export const GUEST =
  '23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP'
/** That of `whisk.system`. */
export const SYSTEM =
  '789c46b1-71f6-4ed5-8c54-816aa4f8c502:abczO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP'
const START_MS = 30_000
/** By which servers of these tests know their invokers. */
export const FLEET_TOKEN = 'a token of the tests'
/**
 * Who makes the containers: the suites of this folder run on sandboxed processes, some of them on a fleet of one invoker (test/fleet/end-to-end.test.ts), and as
 * a part of `npm run test:docker` on an engine.
 */
export const PROVIDER = process.env['TEST_CONTAINERS'] ?? 'process'
const PROVIDER_FLAGS: Readonly<Record<string, readonly string[]>> = {
  process: [],
  invokers: ['--containers', 'invokers', '--invokers-listen', '127.0.0.1:0', '--log-level', 'info'],
  docker: ['--containers', 'docker', '--containers-stem-cells', '{"nodejs":1}'],
}

/** The fields of answers that tests read; which of them are there depends on the request. */
export interface Body {
  readonly activationId: string
  readonly error: string
  readonly code: string
  readonly logs: readonly string[]
  readonly annotations: readonly { readonly key: string; readonly value: unknown }[]
  readonly duration: number
  readonly response: {
    readonly status: string
    readonly success: boolean
    readonly size?: number
    readonly result: Readonly<Record<string, unknown>>
  }
  readonly [field: string]: unknown
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The parsed body; an object without fields where it is no JSON. */
  readonly body: Body
  readonly text: string
}

/** What the server says about itself when it is ready. */
export interface Facts {
  readonly url: string
  readonly adminSocket?: string
  readonly kinds: readonly string[]
  readonly newKeys: readonly { readonly subject: string; readonly uuid: string; readonly key: string }[]
  readonly protections: { readonly level: string; readonly root: boolean }
}

/** An entry of `GET /admin/pool`. */
export interface PoolEntry {
  readonly id: string
  readonly actionKey?: string
  readonly kind: string
  readonly node: string
  readonly state: string
}

export interface TestServer {
  readonly url: string
  readonly facts: Facts
  readonly dataDir: string
  readonly process: ChildProcess
  /** What the server wrote so far, both streams. */
  output(): string
  /** A request below `/api/v1/namespaces/_`, as guest. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Creates or updates an action of the default Node.js kind. */
  put(name: string, code: string, rest?: object): Promise<Answer>
  invoke(name: string, args?: object, query?: string): Promise<Answer>
  /** The record, once it is there. */
  activation(id: string, withinMs?: number): Promise<Body>
  /** A request to the admin API's unix socket. */
  admin(method: string, path: string, body?: unknown): Promise<Omit<Answer, 'headers'>>
  /** The containers of an action, those included that are on their way out. */
  containersOf(action: string): Promise<readonly PoolEntry[]>
  /** A sample of `/metrics`: its name with labels as they are printed there; 0 where there is none. */
  metric(sample: string): Promise<number>
  /** Resident memory of the server's process in MB. */
  memoryMb(): number
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
  kill(): Promise<void>
}

/** Starts a server. `flags` and `env` as on the command line; `dataDir` is a new directory by default, removed by `dispose`. */
export async function startServer(
  options: {
    readonly flags?: readonly string[]
    readonly env?: Record<string, string>
    readonly dataDir?: string
    /** Put before the command: `prlimit …`. */
    readonly wrapper?: readonly string[]
  } = {},
): Promise<TestServer> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'stave-e2e-'))
  const [command = '', ...args] = [
    ...(options.wrapper ?? []),
    process.execPath,
    EXECUTABLE,
    'standalone',
    '--port',
    '0',
    '--data-dir',
    dataDir,
    '--json',
    '--log-format',
    'json',
    ...(PROVIDER_FLAGS[PROVIDER] ?? []),
    ...(options.flags ?? []),
  ]
  const { DOCKER_HOST } = process.env
  const child = spawn(command, args, {
    env: {
      PATH: process.env['PATH'],
      HOME: dataDir,
      ...(DOCKER_HOST !== undefined && { DOCKER_HOST }),
      ...(PROVIDER === 'invokers' && { STAVE_INVOKERS_TOKEN: FLEET_TOKEN }),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const ready = Promise.withResolvers<Facts>()
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      output += `${line}\n`
      if (line.startsWith('{"version":')) ready.resolve(JSON.parse(line) as Facts)
    })
  }
  child.once('exit', (code) => ready.reject(new Error(`the server ended with ${code}:\n${output}`)))
  const timer = setTimeout(() => ready.reject(new Error(`the server did not start:\n${output}`)), START_MS)
  const facts = await ready.promise
    .catch((error: unknown) => {
      child.kill('SIGKILL')
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
      throw error
    })
    .finally(() => clearTimeout(timer))
  const server = serverAt(facts, dataDir, child, () => output)
  return PROVIDER === 'invokers' ? withInvoker(server) : server
}

/** The server with an invoker of its own, which goes when it has gone. */
async function withInvoker(server: TestServer): Promise<TestServer> {
  // That file starts servers by this one.
  const { registrationOf, startInvoker } = await import('./fleet-processes.ts')
  const dataDir = join(server.dataDir, 'invoker')
  const env = { STAVE_CONTAINERS_API_HOST: server.url }
  const invoker = await startInvoker('node-a', registrationOf(server), { env, dataDir, memoryMb: 8192 })
  await eventually('the invoker is registered', async () => (await server.admin('GET', '/readyz')).status === 200)
  return {
    ...server,
    async stop() {
      const code = await server.stop()
      await invoker.stop()
      return code
    },
    async kill() {
      await server.kill()
      await invoker.stop()
    },
  }
}

/** Removes the data directory of a server that has ended. */
export function dispose(server: TestServer): void {
  rmSync(server.dataDir, { recursive: true, force: true })
}

function serverAt(facts: Facts, dataDir: string, child: ChildProcess, output: () => string): TestServer {
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code))
  })
  const { url } = facts
  const server: TestServer = {
    url,
    facts,
    dataDir,
    process: child,
    output,
    async call(method, path, body, headers = {}) {
      const response = await fetch(`${url}/api/v1/namespaces/_${path}`, {
        method,
        headers: {
          Authorization: `Basic ${Buffer.from(GUEST).toString('base64')}`,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: parse(text), text }
    },
    put: (name, code, rest = {}) =>
      server.call('PUT', `/actions/${name}?overwrite=true`, { exec: { kind: 'nodejs:default', code }, ...rest }),
    invoke: (name, args = {}, query = 'blocking=true') => server.call('POST', `/actions/${name}?${query}`, args),
    async activation(id, withinMs = 10_000) {
      const end = Date.now() + withinMs
      for (;;) {
        const { status, body } = await server.call('GET', `/activations/${id}`)
        if (status === 200) return body
        if (Date.now() > end) throw new Error(`no record of ${id} after ${withinMs} ms`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    admin: (method, path, body) => adminRequest(facts.adminSocket ?? '', method, path, body),
    async containersOf(action) {
      const { body } = await server.admin('GET', '/admin/pool')
      const entries = body as unknown as readonly PoolEntry[]
      return entries.filter(({ actionKey }) => actionKey?.includes(`/${action}@`) === true)
    },
    async metric(sample) {
      const { text } = await server.admin('GET', '/metrics')
      const line = text.split('\n').find((candidate) => candidate.startsWith(`${sample} `))
      return line === undefined ? 0 : Number(line.slice(sample.length + 1))
    },
    memoryMb() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN) / 1024
    },
    async stop() {
      child.kill('SIGTERM')
      return exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
  return server
}

/** A request to the unix socket of a role's internal listener. */
export function adminRequest(
  socketPath: string,
  method: string,
  path: string,
  body: unknown,
): Promise<Omit<Answer, 'headers'>> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const req = request({ socketPath, method, path, headers, timeout: 10_000 }, (res) => {
      let text = ''
      res.setEncoding('utf8')
      res.on('data', (chunk: string) => void (text += chunk))
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body: parse(text), text }))
    })
    req.on('timeout', () => req.destroy(new Error(`no answer to ${method} ${path}`)))
    req.on('error', reject)
    req.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

function parse(text: string): Body {
  try {
    return JSON.parse(text) as Body
  } catch {
    return {} as Body
  }
}

/** Waits until `holds`; fails with `what` after `withinMs`. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<void> {
  const end = Date.now() + withinMs
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
