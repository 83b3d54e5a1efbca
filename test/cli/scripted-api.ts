/** A server that answers like the OpenWhisk API, from a script: what it is asked is kept, what it answers are literal bodies of the specification. */

import type { AddressInfo } from 'node:net'
import { createServer } from 'node:http'

export interface ApiRequest {
  readonly method: string
  /** Path with query. */
  readonly url: string
  readonly authorization: string | undefined
  readonly contentType: string | undefined
  readonly body: string
}

export interface ScriptedAnswer {
  readonly status: number
  /** Text, or a value that is sent as JSON. */
  readonly body?: unknown
}

export interface ScriptedApi {
  readonly url: string
  readonly requests: ApiRequest[]
  /** Answers `METHOD /path?query` below the namespaces root with `answer` from now on; a route that ends in `*` is the beginning of one. */
  on(route: string, answer: ScriptedAnswer | ((request: ApiRequest) => ScriptedAnswer)): void
  close(): Promise<void>
}

const ROOT = '/api/v1/namespaces'

/** Starts the server on a free port of the loopback address, or on `socketPath`. */
export async function startScriptedApi(socketPath?: string): Promise<ScriptedApi> {
  const requests: ApiRequest[] = []
  const routes = new Map<string, (request: ApiRequest) => ScriptedAnswer>()
  const find = (called: string): ((request: ApiRequest) => ScriptedAnswer) | undefined =>
    routes.get(called) ??
    [...routes].find(([route]) => route.endsWith('*') && called.startsWith(route.slice(0, -1)))?.[1]
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const request: ApiRequest = {
        method: incoming.method ?? '',
        url: (incoming.url ?? '').replace(ROOT, ''),
        authorization: incoming.headers.authorization,
        contentType: incoming.headers['content-type'],
        body: Buffer.concat(chunks).toString(),
      }
      requests.push(request)
      const answer = find(`${request.method} ${request.url}`)?.(request) ?? NO_ROUTE
      const body = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
      outgoing.writeHead(answer.status, { 'Content-Type': 'application/json' })
      outgoing.end(body)
    })
  })
  await new Promise<void>((resolve) => {
    if (socketPath === undefined) server.listen(0, '127.0.0.1', resolve)
    else server.listen(socketPath, resolve)
  })
  const address = server.address() as AddressInfo | string
  return {
    url: typeof address === 'string' ? '' : `http://127.0.0.1:${address.port}`,
    requests,
    on: (route, answer) => void routes.set(route, typeof answer === 'function' ? answer : () => answer),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

const NO_ROUTE: ScriptedAnswer = {
  status: 404,
  body: { code: 'aYtRr0Zk3mOe2fLw5c1b8XvQ7nUj4hDd', error: 'The requested resource could not be found.' },
}
