/** A whole server for tests: the executable as a user starts it, in a process of its own that can be killed. */

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const EXECUTABLE = fileURLToPath(new URL('../../bin/stave.js', import.meta.url))
/** OpenWhisk's well-known key of `guest`, which exists on loopback. */
export const GUEST =
  '23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP'
const START_MS = 30_000

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The parsed body; text where it is no JSON. */
  readonly body: any
}

export interface TestServer {
  readonly url: string
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
  activation(id: string, withinMs?: number): Promise<any>
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
  } = {},
): Promise<TestServer> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'stave-e2e-'))
  const child = spawn(
    process.execPath,
    [
      EXECUTABLE,
      'standalone',
      '--port',
      '0',
      '--data-dir',
      dataDir,
      '--json',
      '--log-format',
      'json',
      ...(options.flags ?? []),
    ],
    { env: { PATH: process.env['PATH'], HOME: dataDir, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  const ready = Promise.withResolvers<string>()
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      output += `${line}\n`
      const url = /"url":"(http:[^"]+)"/.exec(line)?.[1]
      if (url !== undefined) ready.resolve(url)
    })
  }
  child.once('exit', (code) => ready.reject(new Error(`the server ended with ${code}:\n${output}`)))
  const timer = setTimeout(() => ready.reject(new Error(`the server did not start:\n${output}`)), START_MS)
  const url = await ready.promise.finally(() => clearTimeout(timer))
  return serverAt(url, dataDir, child, () => output)
}

/** Removes the data directory of a server that has ended. */
export function dispose(server: TestServer): void {
  rmSync(server.dataDir, { recursive: true, force: true })
}

function serverAt(url: string, dataDir: string, child: ChildProcess, output: () => string): TestServer {
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code))
  })
  const server: TestServer = {
    url,
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
      return { status: response.status, headers: response.headers, body: parse(text) }
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

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
