/** What the tests of the HTTP contract ask of a runtime, whether it is a process of this machine or a container of an image; and how they read its logs. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Agent, IncomingMessage, RequestOptions } from 'node:http'
import { request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

const SENTINEL = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX'
const ANSWER_TIMEOUT_MS = 60_000
const LOG_TIMEOUT_MS = 10_000
const LOG_POLL_MS = 10

export type Streams = Readonly<Record<'stdout' | 'stderr', string>>

export interface RuntimeSubject {
  /** Where its HTTP is. */
  readonly address: Pick<RequestOptions, 'host' | 'port' | 'socketPath'>
  /** All that it has printed so far, as far as it has come to light. */
  logs(): Promise<Streams>
  /** Sends SIGTERM and resolves with the exit code. */
  terminate(): Promise<number>
  /** Ends and removes it. */
  remove(): Promise<void>
}

/** Starts a runtime with additional variables in its environment; resolves when it accepts connections. */
export type StartRuntime = (environment?: Readonly<Record<string, string>>) => Promise<RuntimeSubject>

/** Declares one test on a fresh runtime, with these variables in its environment, which is removed after it. */
export type CheckRuntime = (
  title: string,
  body: (on: RuntimeSubject) => Promise<void>,
  environment?: Readonly<Record<string, string>>,
) => void

export function checkerFor(start: StartRuntime): CheckRuntime {
  return (title, body, environment) => {
    test(title, async () => {
      const subject = await start(environment)
      try {
        await body(subject)
      } finally {
        await subject.remove()
      }
    })
  }
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

export interface PostOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly agent?: Agent
}

/** Posts JSON (a text is sent as it is) and checks what holds for every answer: a length, no chunks, a JSON body. Rejects when the connection is lost. */
export async function post(
  { address }: Pick<RuntimeSubject, 'address'>,
  path: string,
  body: unknown,
  { headers = {}, agent }: PostOptions = {},
): Promise<HttpAnswer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const call = request({
    ...address,
    path,
    method: 'POST',
    // By default a connection for each request, as OpenWhisk's own client does it.
    agent: agent ?? false,
    timeout: ANSWER_TIMEOUT_MS,
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers },
  })
  call.once('timeout', () => call.destroy(new Error('no answer')))
  call.end(text)
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  const bytes = await buffer(response)
  assert.equal(response.headers['content-length'], String(bytes.length))
  assert.equal(response.headers['transfer-encoding'], undefined)
  assert.equal(response.headers['content-type'], 'application/json')
  return { status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(bytes.toString('utf8')) }
}

/** Sends an init with these fields of its value. */
export function init(on: RuntimeSubject, value: Readonly<Record<string, unknown>>): Promise<HttpAnswer> {
  return post(on, '/init', { value: { name: 'test', main: 'main', binary: false, env: {}, ...value } })
}

/** Sends an init of source text that has to work. */
export async function initText(on: RuntimeSubject, code: string, main = 'main'): Promise<void> {
  const { status, body } = await init(on, { code, main })
  assert.equal(status, 200, JSON.stringify(body))
}

/** Sends a run with that argument and the usual context. */
export function run(
  on: RuntimeSubject,
  value: unknown,
  { context = {}, ...options }: PostOptions & { readonly context?: Readonly<Record<string, unknown>> } = {},
): Promise<HttpAnswer> {
  const message = { value, namespace: 'guest', activation_id: 'a'.repeat(32), deadline: '4102444800000', ...context }
  return post(on, '/run', message, options)
}

export function errorOf({ body }: HttpAnswer): string {
  return typeof body === 'object' && body !== null && 'error' in body ? String(body.error) : ''
}

/** Waits until each stream has `sentinels` of them and returns what was printed besides; fails where there are more, or one that shares its line. */
export async function printed(on: RuntimeSubject, sentinels: number): Promise<Streams> {
  const deadline = Date.now() + LOG_TIMEOUT_MS
  for (;;) {
    const logs = await on.logs()
    const counts = [logs.stdout, logs.stderr].map((text) => text.split(SENTINEL).length - 1)
    if (counts.every((count) => count >= sentinels) || Date.now() > deadline) {
      assert.deepEqual(counts, [sentinels, sentinels], JSON.stringify(logs))
      return { stdout: withoutSentinels(logs.stdout), stderr: withoutSentinels(logs.stderr) }
    }
    await sleep(LOG_POLL_MS)
  }
}

/** Waits until `holds` resolves with true. Rejects after 10 s. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + LOG_TIMEOUT_MS
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, 'it did not come to hold')
    await sleep(LOG_POLL_MS)
  }
}

function withoutSentinels(text: string): string {
  const lines = text.split('\n')
  assert.deepEqual(
    lines.filter((line) => line.includes(SENTINEL) && line !== SENTINEL),
    [],
  )
  return lines.filter((line) => line !== SENTINEL).join('\n')
}
