/** An HTTP server with the bounds that every listener of ours has: header bytes, time for headers and for whole requests, idle time. */

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { MAX_TARGET_CHARACTERS } from './request-target.ts'
import { TEXT_TYPE } from './respond.ts'

export interface HttpServerLimits {
  /** ms for the request line and all headers. */
  readonly headersTimeoutMs: number
  /** ms for the whole request, body included. */
  readonly requestTimeoutMs: number
  /** ms that an idle connection is kept for the next request. */
  readonly keepAliveMs: number
  /** How often the first two are looked at, in ms: they are late by as much at most. */
  readonly checkIntervalMs: number
  /** Open connections at most; more are closed on arrival. */
  readonly maxConnections: number
}

/** OpenWhisk's idle time; headers come in one packet from honest clients; 50 MB pass in two minutes at 3.5 Mbit/s. */
export const DEFAULT_SERVER_LIMITS: HttpServerLimits = {
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 120_000,
  keepAliveMs: 70_000,
  checkIntervalMs: 5_000,
  maxConnections: 20_000,
}

/** The longest target and as much again for the headers. */
const MAX_HEADER_BYTES = 4 * MAX_TARGET_CHARACTERS

/**
 * Makes a server that is not listening yet. Requests with `Expect: 100-continue` go to the listener like all others: `readBody` sends the
 * interim answer, after everything that can be refused without the body has been.
 */
export function createHttpServer(
  listener: (req: IncomingMessage, res: ServerResponse) => void,
  limits: HttpServerLimits = DEFAULT_SERVER_LIMITS,
): Server {
  // Not `import http from 'node:http'`: the default import evaluates every lazy getter of the module, 13 MB of them.
  const http = process.getBuiltinModule('node:http')
  const server = http.createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
    noDelay: true,
  })
  server.maxConnections = limits.maxConnections
  server.on('request', listener)
  server.on('checkContinue', listener)
  server.on('checkExpectation', refuseExpectation)
  server.on('clientError', refuseUnreadable)
  return server
}

/** Answers `Expect` with anything but `100-continue`, as text, and closes: whether its body will follow is not known. */
function refuseExpectation(_req: IncomingMessage, res: ServerResponse): void {
  const text = 'The expectation of the request is not known.'
  res.writeHead(417, ['Connection', 'close', 'Content-Type', TEXT_TYPE, 'Content-Length', `${text.length}`])
  res.end(text)
}

/** Answers what the parser could not read, as text, and closes. */
function refuseUnreadable(error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Socket): void {
  // After a first answer it is not known whether another is under way: bytes put between would corrupt it.
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy()
    return
  }
  const [status, phrase, text] = explain(error)
  socket.end(
    `HTTP/1.1 ${status} ${phrase}\r\nContent-Type: ${TEXT_TYPE}\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
    () => socket.destroy(),
  )
}

function explain(error: NodeJS.ErrnoException & { rawPacket?: Buffer }): readonly [number, string, string] {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    const firstLine = error.rawPacket?.indexOf('\n') ?? -1
    return firstLine < 0 || firstLine > MAX_TARGET_CHARACTERS
      ? [414, 'URI Too Long', `URI length exceeds the configured limit of ${MAX_TARGET_CHARACTERS} characters`]
      : [431, 'Request Header Fields Too Large', `The headers exceed the configured limit of ${MAX_HEADER_BYTES} bytes`]
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return [408, 'Request Timeout', 'The request was not received in time.']
  }
  return [400, 'Bad Request', 'The request could not be read.']
}
