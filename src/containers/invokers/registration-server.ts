/** The listener that invokers connect to: whoever is let in becomes a WebSocket, everybody else is refused before anything of theirs is read. */

import type { IncomingMessage, Server } from 'node:http'
import { createServer } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { WebSocketServer } from 'ws'

export interface RegistrationServerOptions {
  /** Whether a request has the fleet's secret. */
  readonly isAllowed: (req: IncomingMessage) => boolean
  /** Bytes of one message, at most. */
  readonly maxMessageBytes: number
  readonly accept: (socket: WebSocket) => void
}

/** Where invokers connect to. */
export const REGISTRATION_PATH = '/invokers'
/** Those that have not said who they are, and those of the fleet: more nodes than one control plane is for. */
const MAX_CONNECTIONS = 10_000
const HEADERS_MS = 10_000

/** A server that does not listen yet. */
export function createRegistrationServer({ isAllowed, maxMessageBytes, accept }: RegistrationServerOptions): Server {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false })
  const server = createServer({ headersTimeout: HEADERS_MS, requestTimeout: HEADERS_MS }, (_req, res) => {
    res.writeHead(426, { Upgrade: 'websocket', Connection: 'close' })
    res.end()
  })
  server.maxConnections = MAX_CONNECTIONS
  server.on('upgrade', (req, socket: Duplex, head) => {
    socket.on('error', () => socket.destroy())
    const refused = req.url !== REGISTRATION_PATH ? '404 Not Found' : isAllowed(req) ? undefined : '401 Unauthorized'
    if (refused === undefined) sockets.handleUpgrade(req, socket, head, accept)
    else socket.end(`HTTP/1.1 ${refused}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  })
  return server
}
