/** A small HTTP client over kept connections, for what is not measured: creating actions, asking for metrics. */

import { Agent, request } from 'node:http'

export interface ApiAnswer {
  readonly status: number
  readonly text: string
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
            resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() })
          })
        })
        sent.on('timeout', () => sent.destroy(new Error(`${method} ${path} was not answered in ${TIMEOUT_MS} ms`)))
        sent.on('error', reject)
        sent.end(bytes)
      }),
    close: () => agent.destroy(),
  }
}
