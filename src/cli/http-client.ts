/** One HTTP request, over TCP, TLS or a unix socket, with a deadline and a bound on the answer. */

import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { RequestOptions } from 'node:https'

/** Larger than any answer of the API (an action's code is 48 MB at most). */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024

export interface HttpRequest {
  readonly method: string
  /** Absolute URL; for unix sockets its host is only the Host header. */
  readonly url: string
  readonly socketPath?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** From the first byte of connecting to the last one of the answer. */
  readonly timeoutMs: number
  readonly insecure?: boolean
  readonly certificate?: { readonly cert: Buffer; readonly key: Buffer }
  /** Aborts the request. */
  readonly signal?: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** No answer was had: `code` is the system's (`ECONNREFUSED`), or `TIMEOUT`, `TOO_LARGE`, `ABORTED`. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Sends the request and resolves with the whole answer, whatever its status. Rejects with `NetworkError`. */
export function send(request: HttpRequest): Promise<HttpAnswer> {
  const url = new URL(request.url)
  const options: RequestOptions = {
    method: request.method,
    headers: {
      ...request.headers,
      ...(request.body !== undefined && { 'Content-Length': String(Buffer.byteLength(request.body)) }),
    },
    // One request a connection: the process ends with the command and nothing may hold it open.
    agent: false,
    ...(request.socketPath !== undefined && { socketPath: request.socketPath }),
    ...(request.insecure === true && { rejectUnauthorized: false }),
    ...request.certificate,
  }
  return new Promise((resolve, reject) => {
    const fail = (code: string, message: string, cause?: unknown): void => {
      clearTimeout(timer)
      reject(new NetworkError(code, message, { cause }))
      outgoing.destroy()
    }
    const timer = setTimeout(() => fail('TIMEOUT', `no answer within ${request.timeoutMs / 1000} s`), request.timeoutMs)
    const outgoing = open(url, options, (incoming) => {
      collect(incoming).then(
        (text) => {
          clearTimeout(timer)
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text })
        },
        (error: unknown) => fail(errorCode(error), error instanceof Error ? error.message : String(error), error),
      )
    })
    outgoing.on('error', (error) => fail(errorCode(error), error.message, error))
    request.signal?.addEventListener('abort', () => fail('ABORTED', 'interrupted'), { once: true })
    if (request.signal?.aborted === true) fail('ABORTED', 'interrupted')
    outgoing.end(request.body)
  })
}

function open(url: URL, options: RequestOptions, onAnswer: (incoming: IncomingMessage) => void): ClientRequest {
  // By getBuiltinModule: an ESM import of node:http evaluates its lazy getters, which costs 13 MB.
  return url.protocol === 'https:'
    ? process.getBuiltinModule('node:https').request(url, options, onAnswer)
    : process.getBuiltinModule('node:http').request(url, options, onAnswer)
}

async function collect(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES)
      throw new NetworkError('TOO_LARGE', `the answer is larger than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'FAILED'
}
