/** A small HTTP client over kept connections that times each request: for calls whose own cost is milliseconds. Rates are measured by the load generator. */

import { Agent, request } from 'node:http'

export interface ApiAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** From before the request was written until its answer was complete. */
  readonly ms: number
}

export interface ApiClient {
  /** Rejects when there is no answer. Bounded by 100 s. */
  send(method: string, path: string, body?: unknown): Promise<ApiAnswer>
  close(): void
}

const TIMEOUT_MS = 100_000

/** A client of one server, by address or by the path of its unix socket. */
export function apiClient(
  target: { readonly host: string; readonly port: number } | { readonly socketPath: string },
  headers: Readonly<Record<string, string>> = {},
): ApiClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  return {
    send: (method, path, body) =>
      new Promise((resolve, reject) => {
        const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
        const startedAt = performance.now()
        const sent = request({
          ...target,
          agent,
          method,
          path,
          timeout: TIMEOUT_MS,
          headers: {
            ...headers,
            ...(bytes !== undefined && { 'Content-Type': 'application/json', 'Content-Length': bytes.length }),
          },
        })
        sent.on('response', (answer) => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => chunks.push(chunk))
          answer.on('error', reject)
          answer.on('end', () => {
            const ms = performance.now() - startedAt
            const { statusCode = 0, headers: received } = answer
            resolve({ status: statusCode, headers: received, text: Buffer.concat(chunks).toString(), ms })
          })
        })
        sent.on('timeout', () => sent.destroy(new Error(`${method} ${path} was not answered in ${TIMEOUT_MS} ms`)))
        sent.on('error', reject)
        sent.end(bytes)
      }),
    close: () => agent.destroy(),
  }
}
