/** Calls of the OpenWhisk API, and what their failures look like to the user of the command line. */

import type { IncomingHttpHeaders } from 'node:http'
import { arch, platform } from 'node:os'
import type { JsonValue } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'
import { optionsOf } from './cli.ts'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { resolveConnection } from './connection.ts'
import type { Command } from 'commander'
import { CliError, EXIT, exitCodeOfStatus } from './failure.ts'
import { NetworkError, send } from './http-client.ts'
import { stripSecrets } from './verbose.ts'

/** Longer than the longest blocking call (60 s) by what a loaded server and a slow line may add. */
const REQUEST_TIMEOUT_MS = 120_000

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export interface ApiAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The body as it came, and parsed: undefined where it is no JSON. */
  readonly text: string
  readonly json: JsonValue | undefined
}

/** The API answered with a status of 400 or above. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly answer: ApiAnswer

  constructor(answer: ApiAnswer) {
    super(`HTTP status ${answer.status}`)
    this.answer = answer
  }
}

export interface ApiCall {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** Namespace as in the URL, `_` for the caller's own; absent: the list of namespaces. */
  readonly namespace?: string
  /** Segments after the namespace, unescaped: `['actions', 'hello']`. An empty last one ends the path with a slash. */
  readonly path: readonly string[]
  readonly query?: Query
  /** JSON text. */
  readonly body?: string
  readonly signal?: AbortSignal
  /** default: two minutes, longer than the longest blocking call of a server with its default limits. */
  readonly timeoutMs?: number
}

export interface ApiClient {
  readonly connection: Connection
  /** Resolves with any answer below 400. Rejects with `ApiError` or `NetworkError`. */
  call(call: ApiCall): Promise<ApiAnswer>
}

/** A client for the connection that the command's options and the environment describe. Throws usage errors. */
export function openApi(cli: Cli, command: Command): ApiClient {
  const options = optionsOf(command)
  const connection = resolveConnection(options, cli.shell)
  return createApiClient(connection, options.verbose === true ? cli.shell.err : undefined)
}

/** A client for `connection`; `trace` gets each request and answer, without secrets. */
export function createApiClient(connection: Connection, trace?: (text: string) => void): ApiClient {
  return {
    connection,
    async call(call) {
      const url = urlOf(connection, call)
      trace?.(`> ${call.method} ${url}\n${call.body === undefined ? '' : `> ${stripSecrets(call.body)}\n`}`)
      const { status, headers, text } = await send({
        method: call.method,
        url,
        headers: {
          Authorization: `Basic ${Buffer.from(connection.auth).toString('base64')}`,
          Accept: 'application/json',
          'User-Agent': `stave-cli (${platform()} ${arch()})`,
          ...(call.body !== undefined && { 'Content-Type': 'application/json' }),
        },
        timeoutMs: call.timeoutMs ?? REQUEST_TIMEOUT_MS,
        insecure: connection.insecure,
        ...(call.body !== undefined && { body: call.body }),
        ...(connection.certificate !== undefined && { certificate: connection.certificate }),
        ...(call.signal !== undefined && { signal: call.signal }),
      })
      trace?.(`< ${status} ${stripSecrets(text)}\n`)
      const answer = { status, headers, text, json: parse(text) }
      if (status >= 400) throw new ApiError(answer)
      if (status < 200 || status >= 300) throw unexpectedStatus(connection, status)
      return answer
    },
  }
}

function unexpectedStatus(connection: Connection, status: number): CliError {
  const why = `${connection.apihost} answered HTTP status ${status}, which no OpenWhisk API does`
  return new CliError(EXIT.general, `${why}; check --apihost, for example whether it should begin with https://.`)
}

/** The URL of a call; every segment is percent-encoded. */
export function urlOf(connection: Connection, call: Pick<ApiCall, 'namespace' | 'path' | 'query'>): string {
  const path = (call.namespace === undefined ? [] : [call.namespace, ...call.path])
    .map((segment) => `/${encodeURIComponent(segment)}`)
    .join('')
  const query = Object.entries(call.query ?? {})
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`)
    .join('&')
  const base = `${connection.apihost}/api/${connection.apiVersion}/namespaces${path}`
  return query === '' ? base : `${base}?${query}`
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
}

/**
 * The error that the user sees for whatever `call` rejected with: `what` (`Unable to get action 'x'`), the server's text and its code, and a way to mend it
 * where we know one. Other errors are handed back as they are.
 */
export function describeFailure(what: string, error: unknown, connection: Connection): unknown {
  if (error instanceof NetworkError) {
    return new CliError(EXIT.network, `${what}: ${describeNetwork(error, connection)}`, { cause: error })
  }
  if (!(error instanceof ApiError)) return error
  const { status, json } = error.answer
  const text = serverText(json) ?? `The connection failed, or timed out. (HTTP status code ${status})`
  const remedy = status === 401 ? `\nThe credentials were ${connection.authOrigin}; --auth gives others.` : ''
  return new CliError(exitCodeOfStatus(status), `${what}: ${text}${remedy}`, { cause: error })
}

/** Does `work`; what it rejects with becomes the error that the user sees, beginning with `what`. */
export async function attempt<Result>(what: string, api: ApiClient, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw describeFailure(what, error, api.connection)
  }
}

/** `MESSAGE (code CODE)` of an error body that has both. */
function serverText(json: JsonValue | undefined): string | undefined {
  if (!isJsonObject(json) || typeof json.error !== 'string') return undefined
  return typeof json.code === 'string' || typeof json.code === 'number'
    ? `${json.error} (code ${json.code})`
    : undefined
}

function describeNetwork(error: NetworkError, { apihost }: Connection): string {
  const reached = `cannot reach ${apihost}`
  switch (error.code) {
    case 'ECONNREFUSED':
      return `${reached}: nothing listens there. Start a server with \`stave standalone\`, or name another one with --apihost.`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${reached}: the host name is not known. Check --apihost, WHISK_APIHOST or APIHOST in .wskprops.`
    case 'TIMEOUT':
      return `${reached}: ${error.message}. The server may be overloaded; try again, or look at its log.`
    case 'ECONNRESET':
      return `${reached}: it closed the connection without an answer. If it speaks TLS, give it as https://.`
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return `${reached}: it does not speak TLS. Give the host with its scheme, for example --apihost http://127.0.0.1:3233.`
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `${reached}: its certificate is not trusted (${error.message}). Use -i to accept it all the same.`
    default:
      return `${reached}: ${error.message}.`
  }
}
