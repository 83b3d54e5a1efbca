/** Test support: what the tests ask of a Docker Engine themselves. Not the client of the platform, so that neither hides a mistake of the other. */

import { once } from 'node:events'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { request } from 'node:http'

const REQUEST_TIMEOUT_MS = 60_000

export interface EngineAnswer {
  readonly status: number
  readonly bytes: Buffer
  /** The body as JSON; throws for one that is none. */
  json(): unknown
}

/** One request to the engine at `dockerHost` (`unix://…` or `tcp://…`); a `body` of bytes is sent as an archive. Resolves with any status; rejects when the engine is away or takes over a minute. */
export async function askEngine(
  dockerHost: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<EngineAnswer> {
  const text = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const call = request({
    ...addressOf(dockerHost),
    method,
    path,
    // One connection a request: a kept one would be lost whenever a test restarts the engine.
    agent: false,
    timeout: REQUEST_TIMEOUT_MS,
    headers:
      text === undefined
        ? {}
        : {
            'content-type': Buffer.isBuffer(text) ? 'application/x-tar' : 'application/json',
            'content-length': Buffer.byteLength(text),
          },
  })
  call.once('timeout', () => call.destroy(new Error(`the engine did not answer ${method} ${path}`)))
  call.end(text)
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(Buffer.from(chunk as Uint8Array))
  const bytes = Buffer.concat(chunks)
  return { status: response.statusCode ?? 0, bytes, json: () => JSON.parse(bytes.toString('utf8')) }
}

/** As `askEngine`, for what has to work: rejects with the engine's own message for a status of 400 and above. */
export async function needEngine(
  dockerHost: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<EngineAnswer> {
  const answer = await askEngine(dockerHost, method, path, body)
  if (answer.status >= 400)
    throw new Error(`${method} ${path}: ${answer.status} ${answer.bytes.toString('utf8').trim()}`)
  return answer
}

function addressOf(dockerHost: string): RequestOptions {
  const { protocol, hostname, port, pathname } = new URL(dockerHost)
  if (protocol === 'unix:') return { socketPath: pathname }
  if (protocol === 'tcp:' || protocol === 'http:') return { host: hostname, port: port === '' ? 2375 : Number(port) }
  throw new Error(`DOCKER_HOST is ${dockerHost}; these tests know unix:// and tcp://`)
}
