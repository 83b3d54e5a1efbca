/**
 * The line between an invoker and the control plane: messages in order, over one WebSocket that the invoker opened. Either side notices within the lease
 * that the other one is gone, hung or cut off, and ends the line; nothing is sent twice, so what was under way then is lost.
 */

import type { RawData, WebSocket } from 'ws'
import type { Clock, Timers } from '../../model/clock.ts'

/** Why a link was ended. Codes of RFC 6455, and from 4000 on ours. */
export interface LinkEnd {
  readonly code: number
  readonly reason: string
}

/** Another process of that name has come. */
export const REPLACED = 4001
/** It said what does not fit. */
export const MISUNDERSTOOD = 4002
/** Nothing was heard for the lease. */
export const SILENT = 4003
/** More waits to be sent than there is room for. */
export const CLOGGED = 4004
/** It stops. */
export const STOPPED = 4005

export interface Link<Outgoing> {
  /** Bytes that wait to be sent. */
  readonly waitingBytes: number
  /** Resolves once, when no more will come. */
  readonly ended: Promise<LinkEnd>
  /** Does nothing after the end. `body` may be used again when it returns. */
  send(message: Outgoing, body?: Uint8Array): void
  /** Idempotent. */
  close(code: number, reason: string): void
}

export interface LinkOptions<Incoming> {
  readonly socket: WebSocket
  /** Throws where a header does not fit. */
  readonly parse: (header: unknown) => Incoming
  /** `body` may be kept. */
  readonly receive: (message: Incoming, body: Buffer) => void
  /** Longest silence in ms. */
  readonly leaseMs: number
  readonly clock: Pick<Clock, 'monotonic'>
  readonly timers: Timers
}

/** Looks within a lease. */
const LOOKS = 4
/** What waits to be sent at most: a link that takes nothing must not fill the memory. */
const MAX_WAITING_BYTES = 256 * 1024 * 1024
const LENGTH_BYTES = 4
/** A close frame takes 123 bytes; a character that is cut in two becomes one of three. */
const REASON_BYTES = 120
const EMPTY = Buffer.alloc(0)

/** Takes over an open socket. */
export function openLink<Incoming, Outgoing>(options: LinkOptions<Incoming>): Link<Outgoing> {
  const { socket, parse, receive, leaseMs, clock, timers } = options
  const ended = Promise.withResolvers<LinkEnd>()
  let end: LinkEnd | undefined
  let heardAt = clock.monotonic()

  function finish(code: number, reason: string): void {
    if (end !== undefined) return
    end = { code, reason }
    cancelLook()
    ended.resolve(end)
  }

  function close(code: number, reason: string): void {
    if (end !== undefined) return
    // A peer that hangs would not take part in a closing handshake.
    if (code === SILENT || code === CLOGGED) socket.terminate()
    else socket.close(code, Buffer.from(reason).subarray(0, REASON_BYTES).toString())
    finish(code, reason)
  }

  function look(): void {
    if (clock.monotonic() - heardAt > leaseMs) return close(SILENT, `nothing was heard for ${leaseMs} ms`)
    socket.ping()
    cancelLook = timers.after(leaseMs / LOOKS, look)
  }

  let cancelLook = timers.after(leaseMs / LOOKS, look)
  const heard = (): void => {
    heardAt = clock.monotonic()
  }
  socket.on('ping', heard)
  socket.on('pong', heard)
  socket.on('message', (data) => {
    heard()
    if (end !== undefined) return
    let message: Incoming
    let body: Buffer
    try {
      const frame = bytesOf(data)
      const at = LENGTH_BYTES + frame.readUInt32BE(0)
      message = parse(JSON.parse(frame.toString('utf8', LENGTH_BYTES, at)))
      body = at < frame.length ? frame.subarray(at) : EMPTY
    } catch (error) {
      return close(MISUNDERSTOOD, error instanceof Error ? error.message : String(error))
    }
    receive(message, body)
  })
  // What went wrong with the connection; its close follows.
  socket.on('error', (error) => finish(1006, error.message))
  socket.on('close', (code, reason) => finish(code, reason.toString()))

  return {
    ended: ended.promise,
    get waitingBytes() {
      return socket.bufferedAmount
    },
    send(message, body) {
      if (end !== undefined) return
      socket.send(frameOf(message, body))
      if (socket.bufferedAmount > MAX_WAITING_BYTES) close(CLOGGED, `${socket.bufferedAmount} bytes wait to be sent`)
    },
    close,
  }
}

function frameOf(message: unknown, body: Uint8Array | undefined): Buffer {
  const header = JSON.stringify(message)
  const length = Buffer.byteLength(header)
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + length + (body?.length ?? 0))
  frame.writeUInt32BE(length, 0)
  frame.write(header, LENGTH_BYTES, 'utf8')
  if (body !== undefined) frame.set(body, LENGTH_BYTES + length)
  return frame
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
}
