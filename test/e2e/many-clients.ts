/** Thousands of HTTP clients at once: bare sockets, because a request object each would measure this process instead of the server. */

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'
import { GUEST } from './server.ts'

/** One answer read off a socket. `status` 0: the connection ended without one. */
export interface RawAnswer {
  readonly status: number
  /** Status line and headers. */
  readonly head: string
  readonly body: string
}

export interface RawClient {
  readonly socket: Socket
  /** Resolves with the first answer, or with status 0 when the connection ends before it. Never rejects. */
  readonly answer: Promise<RawAnswer>
}

/** False, or why not so many connections can be open here: in this process, or in one that it starts. */
export function lacksOpenFiles(connections: number): false | string {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 'Infinity')
  return limit < connections + 200 && `the limit of open files is ${limit}`
}

const AUTHORIZATION = `Basic ${Buffer.from(GUEST).toString('base64')}`

/** The bytes of a request with JSON body, as guest unless `headers` say otherwise. */
export function requestText(method: string, target: string, body = '', headers: Record<string, string> = {}): string {
  const all: Record<string, string> = {
    Host: 'localhost',
    Authorization: AUTHORIZATION,
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

/** The target of an invocation. */
export function invocationTarget(action: string, query = 'blocking=true&result=true'): string {
  return `/api/v1/namespaces/_/actions/${action}?${query}`
}

/** Connects and sends `text`. The connection stays open until the server or the caller closes it. */
export function rawClient(url: string, text: string | Buffer): RawClient {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  const answer = new Promise<RawAnswer>((resolve) => {
    let received = ''
    const settle = (): void => {
      const parsed = parseAnswer(received)
      resolve(parsed ?? { status: 0, head: received, body: '' })
    }
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      received += chunk
      if (parseAnswer(received) !== undefined) settle()
    })
    socket.on('error', settle)
    socket.on('close', settle)
  })
  socket.write(text)
  return { socket, answer }
}

/** One request on a connection of its own, closed after the answer. */
export async function ask(url: string, text: string | Buffer): Promise<RawAnswer> {
  const { socket, answer } = rawClient(url, text)
  try {
    return await answer
  } finally {
    socket.destroy()
  }
}

/** The first final answer in `text` when it is whole; interim ones (1xx) are skipped. */
function parseAnswer(text: string): RawAnswer | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = text.slice(0, end)
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? Number.NaN)
  if (status >= 100 && status < 200) return parseAnswer(text.slice(end + 4))
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? '0')
  const body = text.slice(end + 4)
  return body.length < length ? undefined : { status, head, body }
}

/** Sends `count` requests, each on a connection of its own, `perTurn` of them in a turn of the event loop. */
export async function manyClients(
  url: string,
  count: number,
  text: (index: number) => string,
  perTurn = 100,
): Promise<readonly RawClient[]> {
  const clients: RawClient[] = []
  while (clients.length < count) {
    for (let i = 0; i < perTurn && clients.length < count; i++) clients.push(rawClient(url, text(clients.length)))
    await new Promise((resolve) => setImmediate(resolve))
  }
  return clients
}

/** How many answers there are of each status. */
export function byStatus(answers: readonly RawAnswer[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** A gate that runs of actions wait at: they ask it over HTTP and are answered when it is opened. */
export interface Gate {
  /** JavaScript source of an async function `pass()`. */
  readonly pass: string
  /** Runs that wait. */
  readonly waiting: number
  /** Answers all that wait, and from now on everybody at once. */
  open(): void
  close(): void
}

/** A closed gate. */
export async function closedGate(): Promise<Gate> {
  const waiting = new Set<ServerResponse>()
  let isOpen = false
  const server = createServer((_req, res) => {
    if (isOpen) return void res.end()
    waiting.add(res)
    res.on('close', () => waiting.delete(res))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    pass: `const pass = () => globalThis.passed ? undefined : new Promise((resolve, reject) => require('http').get('http://127.0.0.1:${port}/', (res) => { globalThis.passed = true; res.resume(); resolve() }).on('error', reject))`,
    get waiting() {
      return waiting.size
    },
    open() {
      isOpen = true
      for (const res of waiting) res.end()
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
