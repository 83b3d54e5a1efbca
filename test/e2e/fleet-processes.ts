/** A control plane and its invokers, each the executable as an operator starts it, in processes of their own that can be killed. */

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Answer, TestServer } from './server.ts'
import { FLEET_TOKEN, adminRequest, eventually, startServer } from './server.ts'

const EXECUTABLE = fileURLToPath(new URL('../../bin/stave.js', import.meta.url))
const START_MS = 30_000

/** Containers of 256 MB that an invoker of these tests has room for. */
export const ROOM = 4

export interface InvokerProcess {
  readonly node: string
  readonly dataDir: string
  /** A request to its internal listener. */
  inside(path: string): Promise<Omit<Answer, 'headers'>>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
  kill(): Promise<void>
  output(): string
}

/** An entry of `GET /admin/invokers`. */
export interface InvokerEntry {
  readonly number: number
  readonly node: string
  readonly state: string
  readonly containers: number
}

/** A control plane without nodes. `port` 0: any; another to start one anew where its invokers look for it. */
export async function startControl(
  options: {
    readonly dataDir?: string
    readonly port?: number
    readonly flags?: readonly string[]
    readonly env?: Readonly<Record<string, string>>
  } = {},
): Promise<{
  readonly server: TestServer
  readonly url: string
  readonly port: number
  invokers(): Promise<readonly InvokerEntry[]>
}> {
  const { dataDir, port = 0, flags = [], env = {} } = options
  const fleet = ['--containers', 'invokers', '--invokers-listen', `127.0.0.1:${port}`]
  const server = await startServer({
    ...(dataDir !== undefined && { dataDir }),
    flags: [...fleet, '--containers-stem-cells', '{}', '--log-level', 'info', ...flags],
    env: { STAVE_INVOKERS_TOKEN: FLEET_TOKEN, ...env },
  })
  const url = registrationOf(server)
  return {
    server,
    url,
    port: Number(new URL(url).port),
    invokers: async () => (await server.admin('GET', '/admin/invokers')).body as unknown as readonly InvokerEntry[],
  }
}

/** Where invokers of a server register. */
export function registrationOf(server: Pick<TestServer, 'output'>): string {
  const listen = /"listen":"(127\.0\.0\.1:\d+)"/.exec(server.output())?.[1]
  if (listen === undefined) throw new Error(`nobody listens for invokers:\n${server.output()}`)
  return `ws://${listen}`
}

/** An invoker that runs; whether it is registered is another matter. */
export async function startInvoker(
  node: string,
  url: string,
  options: {
    readonly env?: Readonly<Record<string, string>>
    readonly dataDir?: string
    readonly memoryMb?: number
  } = {},
): Promise<InvokerProcess> {
  const { env = {}, memoryMb = ROOM * 256, dataDir = mkdtempSync(join(tmpdir(), 'stave-invoker-')) } = options
  const flags = ['--invokers-url', url, '--containers-memory-mb', String(memoryMb), '--data-dir', dataDir]
  const child: ChildProcess = spawn(
    process.execPath,
    [EXECUTABLE, 'invoker', '--json', '--log-format', 'json', '--log-level', 'info', ...flags],
    {
      env: { PATH: process.env['PATH'], HOME: dataDir, STAVE_INVOKERS_TOKEN: FLEET_TOKEN, NODE_NAME: node, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let output = ''
  const ready = Promise.withResolvers<{ readonly adminSocket: string }>()
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue
    createInterface({ input: stream }).on('line', (line) => {
      output += `${line}\n`
      if (line.startsWith('{"version":')) ready.resolve(JSON.parse(line) as { readonly adminSocket: string })
    })
  }
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 })
      resolve(code)
      ready.reject(new Error(`the invoker ended with ${code}:\n${output}`))
    })
  })
  const timer = setTimeout(() => ready.reject(new Error(`the invoker did not start:\n${output}`)), START_MS)
  const { adminSocket } = await ready.promise
    .catch((error: unknown) => {
      child.kill('SIGKILL')
      throw error
    })
    .finally(() => clearTimeout(timer))
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    return exited
  }
  return {
    node,
    dataDir,
    inside: (path) => adminRequest(adminSocket, 'GET', path, undefined),
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
    output: () => output,
  }
}

/** Resolves when that many invokers can be given work. */
export function upOf(invokers: () => Promise<readonly InvokerEntry[]>, count: number): Promise<void> {
  return eventually(
    `${count} invokers are up`,
    async () => (await invokers()).filter(({ state }) => state === 'up').length === count,
  )
}
