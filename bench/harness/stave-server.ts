/** The server as a user runs it, `stave standalone` in a process of its own on a data directory of its own; and its API as the rows need it. */

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { GUEST_KEY } from '../../src/cli/connection.ts'
import type { SandboxLevel } from '../../src/containers/process/settings.ts'
import type { ApiAnswer } from './api-client.ts'
import { apiClient } from './api-client.ts'
import { rawCaller } from './raw-caller.ts'
import { median, percentile } from './statistics.ts'
import type { Workbench } from './workbench.ts'

/** Where load goes: everything of a LoadPlan that the server determines. */
export interface LoadTarget {
  readonly host: string
  readonly port: number
  readonly paths: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  /** default: what every rate is measured with (run-load.ts). */
  readonly body?: string
}

export interface ActionOptions {
  readonly code?: string
  readonly concurrency?: number
  readonly memoryMb?: number
}

/** A call as its caller saw it, and as the headers `X-Stave-Start` and `Server-Timing` tell of it. */
export interface TimedCall {
  readonly ms: number
  readonly start: string
  /** From its arrival until init, or else the run, began; of init, 0 where there was none; of the run. */
  readonly waitMs: number
  readonly initMs: number
  readonly runMs: number
}

export interface PoolContainer {
  readonly actionKey?: string
  readonly kind: string
  readonly state: string
}

export interface StaveServer {
  readonly pid: number
  readonly level: SandboxLevel
  /** From the start of the process until it had answered a request. */
  readonly readyMs: number
  put(name: string, options?: ActionOptions): Promise<void>
  /** A request to the guest's namespace, not timed. Rejects where the status is not 200. */
  send(method: string, path: string, body?: object): Promise<string>
  /** Time in ms of a request to the guest's namespace: of a POST where there is a body. Rejects where the status is another one. */
  timed(path: string, status: number, body?: object): Promise<number>
  /** A new namespace with an action `main` that has run; load on it. `limits` as `PATCH /admin/limits` takes them. */
  tenant(name: string, options?: { readonly limits?: object; readonly code?: string }): Promise<LoadTarget>
  /** Invokes and waits for the result. Rejects where the status is not 200. */
  call(name: string, body?: object): Promise<TimedCall>
  /** Blocking calls of the actions in turn; `wholeRecord` in place of the result alone. */
  target(names: readonly string[], wholeRecord?: boolean): LoadTarget
  /** Value of a counter of the metrics, by name and its label `event`. */
  counter(name: string, event: string): Promise<number>
  /** Resolves when nothing that was called is left to be done, and all records are stored. */
  idle(): Promise<void>
  containers(): Promise<readonly PoolContainer[]>
  /** Resolves when at least that many Node.js stem cells wait, nothing is being started, and that has been so for `quietMs`. */
  stemCells(count: number, quietMs?: number): Promise<void>
  stop(): Promise<void>
}

/** What the actions of most rows do: the answer is the argument. */
export const ECHO = 'function main(args) { return args }'

const HOST = '127.0.0.1'
const NAMESPACE = '/api/v1/namespaces/_'
const POLL_MS = 5
const SCRAPE_MS = 50
const SETTLE_MS = 60_000
const EXECUTABLE = 'bin/stave.js'

/** Starts a server; `flags` are options of `stave standalone` without dashes. Rejects with what it printed when it does not start. */
export async function startStave(bench: Workbench, flags: Readonly<Record<string, string>> = {}): Promise<StaveServer> {
  const home = bench.directory()
  const given = { port: '0', 'data-dir': join(home, 'data'), 'log-level': 'warn', ...flags }
  const args = Object.entries(given).flatMap(([flag, value]) => [`--${flag}`, value])
  const child = await bench.node(EXECUTABLE, ['standalone', '--json', ...args], {
    cwd: home,
    graceMs: 40_000,
    env: {
      ...bench.options.env,
      HOME: home,
      // No row is about limits.
      STAVE_LIMITS_INVOCATIONS_PER_MINUTE: '100000000',
      STAVE_LIMITS_FIRES_PER_MINUTE: '100000000',
      STAVE_LIMITS_CONCURRENT_INVOCATIONS: '100000',
    },
  })
  const facts = JSON.parse(await child.line('"url"')) as {
    readonly url: string
    readonly adminSocket: string
    readonly protections: { readonly level: SandboxLevel }
  }
  const port = Number(new URL(facts.url).port)
  const authorization = `Basic ${Buffer.from(GUEST_KEY).toString('base64')}`
  const api = apiClient({ host: HOST, port }, { Authorization: authorization })
  const admin = apiClient({ socketPath: facts.adminSocket })
  const caller = rawCaller({ host: HOST, port }, { Authorization: authorization })
  bench.defer(() => {
    api.close()
    caller.close()
    admin.close()
  })
  expect(await api.send('GET', '/api/v1'), 200)
  const readyMs = performance.now() - child.startedAt

  /** Values of samples, in one scrape. */
  async function metrics(...samples: readonly string[]): Promise<readonly number[]> {
    const { text } = expect(await admin.send('GET', '/metrics'), 200)
    const lines = text.split('\n')
    return samples.map((sample) => {
      const line = lines.find((candidate) => candidate.startsWith(`${sample} `))
      if (line === undefined) throw new Error(`the metrics have no ${sample}`)
      return Number(line.slice(sample.length + 1))
    })
  }

  const server: StaveServer = {
    pid: child.pid,
    level: facts.protections.level,
    readyMs,
    async put(name, { code = ECHO, concurrency = 1, memoryMb = 256 } = {}) {
      const limits = { concurrency, memory: memoryMb }
      const body = { exec: { kind: 'nodejs:default', code }, limits }
      expect(await api.send('PUT', `${NAMESPACE}/actions/${name}?overwrite=true`, body), 200)
    },
    send: async (method, path, body) => expect(await api.send(method, `${NAMESPACE}${path}`, body), 200).text,
    async timed(path, status, body) {
      const target = `${NAMESPACE}${path}`
      const answer = await (body === undefined ? caller.get(target) : caller.post(target, body))
      if (answer.status !== status) throw new Error(`${path} was answered: ${answer.head}`)
      return answer.ms
    },
    async tenant(name, { limits, code = ECHO } = {}) {
      const { text } = expect(await admin.send('POST', '/admin/users', { subject: name }), 200)
      const { uuid, key } = JSON.parse(text) as { readonly uuid: string; readonly key: string }
      const headers = { Authorization: `Basic ${Buffer.from(`${uuid}:${key}`).toString('base64')}` }
      const client = apiClient({ host: HOST, port }, headers)
      const body = { exec: { kind: 'nodejs:default', code } }
      expect(await client.send('PUT', `${NAMESPACE}/actions/main`, body), 200)
      const path = `${NAMESPACE}/actions/main?blocking=true&result=true`
      expect(await client.send('POST', path, {}), 200)
      client.close()
      if (limits !== undefined) expect(await admin.send('PATCH', `/admin/limits/${name}`, limits), 200)
      return { host: HOST, port, paths: [path], headers: { ...headers, 'Content-Type': 'application/json' } }
    },
    async call(name, body = {}) {
      const { status, head, ms } = await caller.post(`${NAMESPACE}/actions/${name}?blocking=true&result=true`, body)
      if (status !== 200) throw new Error(`a call of ${name} was answered: ${head}`)
      const part = (what: string): number => Number(new RegExp(`${what};dur=([\\d.]+)`).exec(head)?.[1] ?? 0)
      const start = /x-stave-start: (\w+)/i.exec(head)?.[1] ?? ''
      return { ms, start, waitMs: part('wait'), initMs: part('init'), runMs: part('run') }
    },
    target: (names, wholeRecord = false) => ({
      host: HOST,
      port,
      paths: names.map((name) => `${NAMESPACE}/actions/${name}?blocking=true${wholeRecord ? '' : '&result=true'}`),
      headers: { Authorization: authorization, 'Content-Type': 'application/json' },
    }),
    async counter(name, event) {
      const [value = 0] = await metrics(`${name}{event="${event}"}`)
      return value
    },
    async idle() {
      const until = performance.now() + SETTLE_MS
      const gauges = ['stave_journal_entries', 'stave_router_in_flight', 'stave_activations_pending']
      while ((await metrics(...gauges)).some((value) => value > 0)) {
        if (performance.now() > until) throw new Error(`calls are still under way after ${SETTLE_MS} ms`)
        // A scrape takes a few ms of the thread that is to become idle.
        await delay(SCRAPE_MS)
      }
    },
    async containers() {
      return JSON.parse(expect(await admin.send('GET', '/admin/pool'), 200).text) as readonly PoolContainer[]
    },
    async stemCells(count, quietMs = 0) {
      const until = performance.now() + SETTLE_MS
      let ready = 0
      let quietSince = performance.now()
      for (;;) {
        const containers = await server.containers()
        const isStarting = containers.some(({ state }) => state === 'creating' || state === 'requested')
        const before = ready
        ready = containers.filter(({ kind, state }) => kind.startsWith('nodejs') && state === 'stem').length
        const now = performance.now()
        if (isStarting || ready < count || ready !== before) quietSince = now
        if (!isStarting && ready >= count && now - quietSince >= quietMs) return
        if (now > until) throw new Error(`there are ${ready} stem cells, not ${count}`)
        await delay(POLL_MS)
      }
    },
    stop: () => child.stop(),
  }
  return server
}

function expect(answer: ApiAnswer, status: number): ApiAnswer {
  if (answer.status !== status) throw new Error(`status ${answer.status}: ${answer.text.slice(0, 500)}`)
  return answer
}

/** Where the time of calls went, in the middle: for the details of a finding. */
export function partsOf(calls: readonly TimedCall[]): Readonly<Record<string, number>> {
  return {
    p95Ms: percentile(
      calls.map(({ ms }) => ms),
      0.95,
    ),
    waitMs: median(calls.map(({ waitMs }) => waitMs)),
    initMs: median(calls.map(({ initMs }) => initMs)),
    runMs: median(calls.map(({ runMs }) => runMs)),
  }
}
