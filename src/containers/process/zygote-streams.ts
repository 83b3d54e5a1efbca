/**
 * Where forked containers fetch their streams: node cannot pass descriptors to a process it did not spawn, so the container connects to a unix socket,
 * once for each stream, and says in a first line whose stream it is. Only who can open the socket's directory (0700) and knows the token is let in.
 */

import { mkdirSync, rmSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'

export const STREAM_NAMES = ['stdin', 'stdout', 'stderr', 'answers'] as const
export type StreamName = (typeof STREAM_NAMES)[number]
export type ContainerStreams = Readonly<Record<StreamName, Socket>>

export interface Expectation {
  /** Resolves when all four streams are there. Rejects only by `cancel`. */
  readonly streams: Promise<ContainerStreams>
  /** Gives up: streams that have come are closed. Does nothing once all are there. */
  cancel(reason: Error): void
}

export interface StreamServer {
  readonly path: string
  /** Lets the four streams of a container in, under a token that nobody else has. */
  expect(container: string, token: string): Expectation
  /** Connections that have not said whose they are. */
  readonly unannounced: number
  close(): void
}

/** Longest first line: container id, stream name and token. */
const MAX_ANNOUNCEMENT = 512
const ANNOUNCE_MS = 5000
/** 256 containers at once; whoever connects beyond that is refused, and its container is started another way. */
const MAX_UNANNOUNCED = 1024
/** sockaddr_un.sun_path is 108 bytes with its end. */
const MAX_PATH_BYTES = 107

/** Listens on a socket in `directory`, which is made for it and goes with it. Rejects when it cannot, with the reason. */
export async function openStreamServer(directory: string): Promise<StreamServer> {
  // What an earlier process left behind, after a kill -9, goes with its name.
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'streams')
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    rmSync(directory, { recursive: true, force: true })
    throw new Error(`the path of the socket ${path} is longer than ${MAX_PATH_BYTES} bytes`)
  }
  const expected = new Map<string, (name: StreamName, socket: Socket) => void>()
  const unannounced = new Set<Socket>()
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    // A container that dies while it connects is reported by its zygote.
    socket.on('error', () => socket.destroy())
    if (unannounced.size >= MAX_UNANNOUNCED) return void socket.destroy()
    unannounced.add(socket)
    readAnnouncement(socket, (announcement) => {
      unannounced.delete(socket)
      const [container = '', name = '', token = ''] = announcement?.split(' ') ?? []
      const accept = expected.get(`${container} ${token}`)
      if (accept === undefined || !isStreamName(name)) return void socket.destroy()
      accept(name, socket)
    })
  })
  await listen(server, path, directory)
  return {
    path,
    expect: (container, token) => expectStreams(expected, `${container} ${token}`),
    get unannounced() {
      return unannounced.size
    },
    close() {
      server.close()
      for (const socket of unannounced) socket.destroy()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function listen(server: Server, path: string, directory: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      rmSync(directory, { recursive: true, force: true })
      reject(error)
    })
    server.listen(path, resolve)
  })
}

function isStreamName(name: string): name is StreamName {
  return STREAM_NAMES.some((known) => known === name)
}

/** Reads the first line and puts back what came after it. Calls back once, with undefined when there is no such line in time. */
function readAnnouncement(socket: Socket, done: (announcement: string | undefined) => void): void {
  let seen: Buffer = Buffer.alloc(0)
  const finish = (announcement: string | undefined): void => {
    clearTimeout(timer)
    socket.off('readable', read)
    socket.off('close', gone)
    done(announcement)
  }
  const gone = (): void => finish(undefined)
  const read = (): void => {
    const chunk: unknown = socket.read()
    if (!Buffer.isBuffer(chunk)) return
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk])
    const end = seen.indexOf(10)
    if (end < 0 && seen.length <= MAX_ANNOUNCEMENT) return
    finish(end < 0 || end > MAX_ANNOUNCEMENT ? undefined : seen.toString('latin1', 0, end))
    if (end + 1 < seen.length && end >= 0) socket.unshift(seen.subarray(end + 1))
  }
  const timer = setTimeout(gone, ANNOUNCE_MS).unref()
  socket.on('readable', read)
  socket.on('close', gone)
}

function expectStreams(expected: Map<string, (name: StreamName, socket: Socket) => void>, key: string): Expectation {
  const arrived: Partial<Record<StreamName, Socket>> = {}
  const { promise, resolve, reject } = Promise.withResolvers<ContainerStreams>()
  // Whoever cancels knows why; nobody else has to listen.
  promise.catch(() => undefined)
  expected.set(key, (name, socket) => {
    if (arrived[name] !== undefined) return void socket.destroy()
    arrived[name] = socket
    // What the container writes is only read: without our end the stream closes when the container closes its own.
    if (name !== 'stdin') socket.end()
    const { stdin, stdout, stderr, answers } = arrived
    if (stdin === undefined || stdout === undefined || stderr === undefined || answers === undefined) return
    expected.delete(key)
    resolve({ stdin, stdout, stderr, answers })
  })
  return {
    streams: promise,
    cancel(reason) {
      if (!expected.delete(key)) return
      for (const socket of Object.values(arrived)) socket.destroy()
      reject(reason)
    },
  }
}
