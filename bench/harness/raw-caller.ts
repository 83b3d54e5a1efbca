/**
 * Single calls, timed. Prepared bytes on open sockets: an HTTP client that has not run for a while takes a millisecond for itself, which is as much as
 * some of the things that are to be timed.
 */

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { responseReader } from '../load/response-reader.ts'

export interface RawAnswer {
  readonly status: number
  /** Status line and headers. */
  readonly head: string
  /** From the write of the request until its answer was complete. */
  readonly ms: number
}

export interface RawCaller {
  /** Opens connections until that many are idle. */
  open(count: number): Promise<void>
  /** Posts JSON over an idle connection, or a new one, which is opened before the clock runs. Rejects when the connection ends without an answer. */
  post(path: string, body: object): Promise<RawAnswer>
  /** The same without a body. */
  get(path: string): Promise<RawAnswer>
  close(): void
}

interface Connection {
  readonly socket: Socket
  answered: ((status: number, head: string) => void) | undefined
  failed: ((error: Error) => void) | undefined
}

/** A caller of one server; `headers` go with every request. */
export function rawCaller(
  target: { readonly host: string; readonly port: number },
  headers: Readonly<Record<string, string>>,
): RawCaller {
  const idle: Connection[] = []
  const all = new Set<Socket>()
  const fixed = Object.entries({
    Host: `${target.host}:${target.port}`,
    'Content-Type': 'application/json',
    ...headers,
  })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')

  function openOne(): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...target, noDelay: true }, () => resolve(connection))
      const connection: Connection = { socket, answered: undefined, failed: reject }
      all.add(socket)
      socket.on(
        'data',
        responseReader((status, head) => connection.answered?.(status, head)),
      )
      socket.on('error', (error) => connection.failed?.(error))
      socket.on('close', () => {
        all.delete(socket)
        const at = idle.indexOf(connection)
        if (at >= 0) idle.splice(at, 1)
        connection.failed?.(new Error('the connection was closed before the answer'))
      })
    })
  }

  async function exchange(request: string): Promise<RawAnswer> {
    const connection = idle.pop() ?? (await openOne())
    return new Promise((resolve, reject) => {
      const startedAt = performance.now()
      connection.failed = reject
      connection.answered = (status, head) => {
        const ms = performance.now() - startedAt
        connection.answered = undefined
        connection.failed = undefined
        idle.push(connection)
        resolve({ status, head, ms })
      }
      connection.socket.write(request)
    })
  }

  return {
    async open(count) {
      const missing = Math.max(0, count - idle.length)
      idle.push(...(await Promise.all(Array.from({ length: missing }, openOne))))
    },
    post(path, body) {
      const text = JSON.stringify(body)
      return exchange(`POST ${path} HTTP/1.1\r\n${fixed}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
    },
    get: (path) => exchange(`GET ${path} HTTP/1.1\r\n${fixed}\r\n`),
    close() {
      for (const socket of all) socket.destroy()
    },
  }
}
