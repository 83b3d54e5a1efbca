/** User administration through a running server: the admin API on the unix socket of its data directory, or on TCP where it is configured so. */

import { Refusal } from '../model/errors.ts'
import type { NamespaceKey, Subject } from '../model/identity.ts'
import { isJsonObject } from '../model/json.ts'
import type { NamespaceLimits } from '../model/limits.ts'
import { parseNamespaceName } from '../model/names.ts'
import type { SubjectKey, UserAdministration } from '../management/user-administration.ts'
import { CliError, EXIT, messageOf } from './failure.ts'
import type { HttpRequest } from './http-client.ts'
import { NetworkError, send } from './http-client.ts'

const TIMEOUT_MS = 30_000

/** Where the admin API is: a unix socket, or HOST:PORT with the token of the configuration. */
export type AdminEndpoint = { readonly socketPath: string } | { readonly address: string; readonly token: string }

/** True when a server answers there. Rejects where there is one that this user may not talk to. */
export async function serverListens(endpoint: AdminEndpoint): Promise<boolean> {
  try {
    await send({ method: 'GET', ...routeTo(endpoint, '/livez'), timeoutMs: TIMEOUT_MS })
    return true
  } catch (error) {
    const code = error instanceof NetworkError ? error.code : ''
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') return false
    if (code === 'EACCES' || code === 'EPERM') {
      throw new CliError(
        EXIT.general,
        `${nameOf(endpoint)} belongs to another user: run this as the user that runs the server.`,
      )
    }
    throw noAnswer(endpoint, error)
  }
}

function noAnswer(endpoint: AdminEndpoint, error: unknown): CliError {
  const message = `The server on ${nameOf(endpoint)} does not answer: ${messageOf(error)}.`
  return new CliError(EXIT.network, message, { cause: error })
}

function nameOf(endpoint: AdminEndpoint): string {
  return 'socketPath' in endpoint ? endpoint.socketPath : endpoint.address
}

function routeTo(endpoint: AdminEndpoint, path: string): Pick<HttpRequest, 'url' | 'socketPath' | 'headers'> {
  if ('socketPath' in endpoint) return { url: `http://stave${path}`, socketPath: endpoint.socketPath, headers: {} }
  return { url: `http://${endpoint.address}${path}`, headers: { Authorization: `Bearer ${endpoint.token}` } }
}

/**
 * Sends a request below `/admin/` and resolves with the answer, which is the server's own, documented in src/management/README.md: it is not checked again
 * field by field. Its refusals arrive as those of a local administration.
 */
export type AdminCall = <Answer>(method: string, path: readonly string[], options?: CallOptions) => Promise<Answer>

export interface CallOptions {
  /** Short for a query of this alone. */
  readonly namespace?: string | undefined
  readonly query?: Readonly<Record<string, string>>
  readonly body?: object
}

/** Calls of the admin API of the server at `endpoint`. */
export function adminCaller(endpoint: AdminEndpoint): AdminCall {
  return async <Answer>(method: string, path: readonly string[], options: CallOptions = {}): Promise<Answer> => {
    const { namespace, query = namespace === undefined ? {} : { namespace } } = options
    const route = path.map((segment) => encodeURIComponent(segment)).join('/')
    const search = new URLSearchParams(query).toString()
    const target = routeTo(endpoint, `/admin/${route}${search === '' ? '' : `?${search}`}`)
    const answer = await send({
      method,
      ...target,
      headers: {
        ...target.headers,
        Accept: 'application/json',
        ...(options.body !== undefined && { 'Content-Type': 'application/json' }),
      },
      timeoutMs: TIMEOUT_MS,
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
    }).catch((error: unknown) => {
      throw noAnswer(endpoint, error)
    })
    if (answer.status >= 400) throw refusalOf(answer.status, answer.text)
    return JSON.parse(answer.text) as Answer
  }
}

/** The administration of users and limits through `call`. */
export function remoteAdministration(call: AdminCall): UserAdministration {
  return {
    async createUser({ subject, namespace, authorization, regenerate }) {
      const body = { subject, namespace, authorization, regenerate }
      return keyOf(await call<KeyAnswer>('POST', ['users'], { body }))
    },
    getUser: (subject) => call<Subject>('GET', ['users', subject]),
    async getKey(subject, namespace) {
      const wanted = namespace ?? subject
      const { namespaces } = await call<Subject>('GET', ['users', subject])
      const key = namespaces.find(({ name }) => name === wanted)
      if (key === undefined) throw new Refusal('NOT_FOUND', 404, `namespace "${wanted}" not found for "${subject}"`)
      return key
    },
    async addNamespace(subject, namespace, authorization) {
      const path = ['users', subject, 'namespaces', namespace]
      const answer = await call<KeyAnswer & { added: boolean }>('PUT', path, { body: { authorization } })
      return { ...keyOf(answer), added: answer.added }
    },
    async rotateKey(subject, namespace, { keepUuid = false } = {}) {
      const body = keepUuid ? { body: { keepUuid } } : {}
      return keyOf(await call<KeyAnswer>('POST', ['users', subject, 'rotate'], { namespace, ...body }))
    },
    async listKeys(namespace) {
      const answer = await call<readonly (SubjectKey & KeyAnswer)[]>('GET', ['users'], { namespace })
      return answer.map((entry) => {
        const { subject, blocked, namespace: name, uuid, key } = entry
        return { subject, blocked, name, uuid, key }
      })
    },
    async listSubjects(namespace) {
      const query = { keys: 'true', ...(namespace !== undefined && { namespace }) }
      const documents = await call<readonly SubjectAnswer[]>('GET', ['subjects'], { query })
      return documents.map(({ subject, namespaces, blocked = false }) => ({ subject, namespaces, blocked }))
    },
    async putSubject(subject, document) {
      await call('PUT', ['subjects', subject], { body: document })
      return call<Subject>('GET', ['users', subject])
    },
    whoIs: (authorization) => call('POST', ['whois'], { body: { authorization } }),
    async deleteUser(subject, namespace) {
      await call('DELETE', ['users', subject], { namespace })
    },
    async setBlocked(subject, blocked) {
      await call('POST', ['users', subject, blocked ? 'block' : 'unblock'])
    },
    getLimits: (namespace) => call<NamespaceLimits>('GET', ['limits', namespace]),
    setLimits: (namespace, change) => call<NamespaceLimits>('PATCH', ['limits', namespace], { body: change }),
    async listLimits() {
      const documents = await call<readonly LimitsAnswer[]>('GET', ['limits'])
      return documents.map(({ _id: id, ...limits }) => ({
        namespace: parseNamespaceName(id.slice(0, -'/limits'.length)),
        limits,
      }))
    },
    replaceLimits: (namespace, limits) => call<NamespaceLimits>('PUT', ['limits', namespace], { body: limits }),
    async deleteLimits(namespace) {
      await call('DELETE', ['limits', namespace])
    },
  }
}

/** A document: `blocked` is there only where it is true. */
type SubjectAnswer = Omit<Subject, 'blocked'> & { readonly blocked?: boolean }

interface LimitsAnswer extends NamespaceLimits {
  /** `NS/limits` */
  readonly _id: string
}

interface KeyAnswer {
  readonly namespace: NamespaceKey['name']
  readonly uuid: string
  readonly key: string
}

function keyOf({ namespace, uuid, key }: KeyAnswer): NamespaceKey {
  return { name: namespace, uuid, key }
}

function refusalOf(status: number, text: string): Error {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    body = undefined
  }
  const message = isJsonObject(body) && typeof body.error === 'string' ? body.error : `HTTP status ${status}`
  if (status === 404) return new Refusal('NOT_FOUND', 404, message)
  if (status < 500) return new Refusal(status === 409 ? 'CONFLICT' : 'BAD_REQUEST', status, message)
  return new CliError(EXIT.general, message)
}
