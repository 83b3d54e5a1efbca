/** Requests to a Docker Engine over its socket or TCP: one deadline each, errors told apart by whether the engine answered. */

import type { Dispatcher } from 'undici'
import { Pool } from 'undici'
import type { EngineAddress } from './engine-address.ts'
import { describeAddress } from './engine-address.ts'

/** The engine answered with an error. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  /** HTTP status: 404 no such object, 409 conflict with its state, 500 the engine's own trouble. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** The engine did not answer: not there, gone in the middle, or too slow. */
export class EngineUnreachable extends Error {
  override readonly name = 'EngineUnreachable'
}

export interface EngineRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Path and query, without the version. */
  readonly path: string
  /** Sent as JSON. */
  readonly body?: object
  /** Sent as it is, as a tar archive. */
  readonly tar?: Buffer
  readonly headers?: Readonly<Record<string, string>>
  /** Time in ms until the whole answer is there, or for a stream until its head is. */
  readonly timeoutMs: number
}

export interface EngineAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Parsed JSON, or undefined for an empty body. */
  readonly body: unknown
}

/** An answer that goes on. */
export interface EngineStream {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Ends when the engine ends it; throws `EngineUnreachable` when it breaks off. */
  readonly chunks: AsyncIterable<Buffer>
  /** Gives it up. Idempotent. */
  close(): void
}

export interface EngineTransport {
  readonly address: EngineAddress
  /** Rejects with `EngineError` for a status of 400 or more, with `EngineUnreachable` when there is no answer in time. */
  request(request: EngineRequest): Promise<EngineAnswer>
  /** As `request`, for an answer that is read as it comes. It is bounded by its reader, not by time. */
  stream(request: EngineRequest): Promise<EngineStream>
  close(): Promise<void>
}

/** Errors of the engine are a line of JSON; whatever is longer is cut off. */
const MAX_ERROR_BYTES = 64 * 1024
/** Answers that are kept whole: a list of ten thousand containers is 20 MB. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024

/** Speaks to one engine; `connections` bounds the requests under way, streams have connections of their own. */
export function createEngineTransport(address: EngineAddress, connections: number): EngineTransport {
  const requests = openPool(address, connections)
  const streams = openPool(address, null)
  const where = describeAddress(address)

  async function send(pool: Pool, request: EngineRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { method, path, body, tar } = request
    try {
      return await pool.request({
        method,
        path,
        body: tar ?? (body === undefined ? null : JSON.stringify(body)),
        headers: { ...contentType(request), ...request.headers },
        signal,
      })
    } catch (error) {
      throw unreachable(request, signal, error)
    }
  }

  function unreachable(request: EngineRequest, signal: AbortSignal, error: unknown): EngineUnreachable {
    const late = signal.aborted && signal.reason instanceof Error && signal.reason.name === 'TimeoutError'
    const why = late ? `no answer within ${request.timeoutMs} ms` : messageOf(error)
    const call = `${request.method} ${request.path.split('?', 1)[0] ?? ''}`
    return new EngineUnreachable(`the Docker Engine at ${where} does not answer ${call}: ${why}`, { cause: error })
  }

  return {
    address,
    async request(request) {
      const signal = AbortSignal.timeout(request.timeoutMs)
      const response = await send(requests, request, signal)
      try {
        if (response.statusCode >= 400) throw await refusal(response)
        const bytes = await collect(response.body, MAX_ANSWER_BYTES)
        const { statusCode: status, headers } = response
        return { status, headers, body: isJson(headers) && bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined }
      } catch (error) {
        if (error instanceof EngineError) throw error
        throw unreachable(request, signal, error)
      }
    },
    async stream(request) {
      const ending = new AbortController()
      const timer = setTimeout(() => {
        ending.abort(new DOMException('the time is over', 'TimeoutError'))
      }, request.timeoutMs)
      let response: Dispatcher.ResponseData
      try {
        response = await send(streams, request, ending.signal)
        if (response.statusCode >= 400) throw await refusal(response)
      } finally {
        clearTimeout(timer)
      }
      const { body, headers } = response
      // Whoever gives the stream up does not want to hear that it was cut off.
      body.on('error', () => undefined)
      return {
        headers,
        chunks: (async function* () {
          try {
            for await (const chunk of body) yield chunk as Buffer
          } catch (error) {
            if (!ending.signal.aborted) throw unreachable(request, ending.signal, error)
          }
        })(),
        close: () => ending.abort(),
      }
    },
    async close() {
      await Promise.allSettled([requests.destroy(), streams.destroy()])
    },
  }
}

async function refusal(response: Dispatcher.ResponseData): Promise<EngineError> {
  const text = (await collect(response.body, MAX_ERROR_BYTES)).toString('utf8')
  return new EngineError(response.statusCode, engineMessage(text))
}

function openPool(address: EngineAddress, connections: number | null): Pool {
  // The engine may take minutes to answer, and an answer may be silent for days: what bounds a call is its deadline.
  const bounds = { connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000 }
  if (address.type === 'socket')
    return new Pool('http://localhost', { ...bounds, connect: { socketPath: address.path } })
  const { tls } = address
  if (tls === undefined) return new Pool(address.origin, bounds)
  const { ca, cert, key, verify } = tls
  const files = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  }
  return new Pool(address.origin, { ...bounds, connect: { ...files, rejectUnauthorized: verify } })
}

function contentType({ body, tar }: EngineRequest): Record<string, string> {
  if (tar !== undefined) return { 'content-type': 'application/x-tar' }
  return body === undefined ? {} : { 'content-type': 'application/json' }
}

function isJson(headers: EngineAnswer['headers']): boolean {
  return String(headers['content-type'] ?? '').startsWith('application/json')
}

/** The bytes of a body, cut off after `limit`. */
async function collect(body: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    length += chunk.length
    if (length > limit) break
  }
  return Buffer.concat(chunks)
}

function engineMessage(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed) return String(parsed.message)
  } catch {
    // A proxy in between, or an engine that is about to end: its text is all there is.
  }
  return text.trim() === '' ? 'no reason given' : text.trim()
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ')
  return error instanceof Error && error.message !== '' ? error.message : String(error)
}
