/** The admin API, for operators: users, keys, limits, and a look inside. Served on the internal listener; whoever can open that is trusted. README.md lists it. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from '../api/exchange.ts'
import { parseJson, requireJsonType } from '../api/json-body.ts'
import { queryValue } from '../api/query.ts'
import { readBody } from '../api/read-body.ts'
import { methodNotAllowed, noRoute } from '../api/rejections.ts'
import { decodeSegment, splitTarget } from '../api/request-target.ts'
import type { ReportFault } from '../api/respond.ts'
import { sendError, sendJson, sendText } from '../api/respond.ts'
import { transactionIdOf } from '../api/transaction-id.ts'
import { malformedContent } from '../model/errors.ts'
import type { NamespaceKey } from '../model/identity.ts'
import type { IdSource } from '../model/ids.ts'
import type { JsonObject } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'
import type { SubjectKey, UserAdministration } from './user-administration.ts'

/** One thing that has to be well for the platform to be ready. */
export interface ReadinessCheck {
  readonly name: string
  readonly ready: boolean
  /** Why not, and what would mend it. */
  readonly reason?: string
}

export interface AdminApiDeps {
  readonly administration: UserAdministration
  /** Prometheus text. */
  readonly metrics: () => string | Promise<string>
  /** Bounded in time by whoever provides it. */
  readonly readiness: () => readonly ReadinessCheck[] | Promise<readonly ReadinessCheck[]>
  /** Containers, stem cells and queues, fit for `JSON.stringify`. */
  readonly pool: () => unknown
  /** The effective configuration with origins, secrets hidden, fit for `JSON.stringify`. */
  readonly config: () => unknown
  readonly ids: Pick<IdSource, 'transactionId'>
  readonly reportFault: ReportFault
}

export interface AdminApi {
  /** Answers a request, whatever comes. Never throws. */
  handle(req: IncomingMessage, res: ServerResponse): void
}

const BODY = { maxBytes: 1024 * 1024, timeoutMs: 10_000 }

/** Handlers by method of one resource. */
type Resource = Readonly<Partial<Record<'GET' | 'POST' | 'PATCH' | 'DELETE', () => Promise<void> | void>>>

/** Builds the handler. */
export function createAdminApi(deps: AdminApiDeps): AdminApi {
  async function dispatch(exchange: Exchange): Promise<void> {
    const { path, query } = splitTarget(exchange.req.url ?? '/')
    const resource = path.startsWith('/admin/')
      ? adminResource(exchange, path.split('/').slice(2).map(decodeSegment), query, deps)
      : lookInside(exchange, path, deps)
    if (resource === undefined) throw noRoute()
    const method = exchange.req.method ?? ''
    const handler = Object.entries(resource).find(([name]) => name === method)?.[1]
    if (handler === undefined) throw methodNotAllowed(Object.keys(resource))
    await handler()
  }

  return {
    handle(req, res) {
      const exchange = { req, res, tid: transactionIdOf(req, deps.ids) }
      dispatch(exchange).catch((error: unknown) => sendError(exchange, error, deps.reportFault))
    },
  }
}

function lookInside(exchange: Exchange, path: string, deps: AdminApiDeps): Resource | undefined {
  switch (path) {
    case '/livez':
      return { GET: () => answer(exchange, { live: true }) }
    case '/readyz':
      return {
        GET: async () => {
          const checks = await deps.readiness()
          const ready = checks.every((check) => check.ready)
          answer(exchange, { ready, checks }, ready ? 200 : 503)
        },
      }
    case '/metrics':
      return { GET: async () => sendText(exchange, 200, await deps.metrics()) }
    default:
      return undefined
  }
}

function adminResource(
  exchange: Exchange,
  [collection = '', name, verb, more]: readonly string[],
  query: string,
  deps: AdminApiDeps,
): Resource | undefined {
  if (more !== undefined || name === '') return undefined
  if (collection === 'users' && name !== undefined) return userResource(exchange, name, verb, query, deps)
  if (verb !== undefined) return undefined
  const { administration } = deps
  if (collection === 'limits' && name !== undefined) {
    return {
      GET: async () => answer(exchange, await administration.getLimits(name)),
      PATCH: async () => answer(exchange, await administration.setLimits(name, await body(exchange))),
      DELETE: async () => {
        await administration.deleteLimits(name)
        answer(exchange, { deleted: true })
      },
    }
  }
  if (name !== undefined) return undefined
  switch (collection) {
    case 'users':
      return {
        GET: async () => {
          const keys = await administration.listKeys(queryValue(query, 'namespace'))
          answer(exchange, keys.map(subjectKeyJson))
        },
        POST: async () => createUser(exchange, administration),
      }
    case 'whois':
      return {
        POST: async () =>
          answer(exchange, await administration.whoIs(text(await body(exchange), 'authorization') ?? '')),
      }
    case 'pool':
      return { GET: async () => answer(exchange, await deps.pool()) }
    case 'config':
      return { GET: () => answer(exchange, deps.config()) }
    default:
      return undefined
  }
}

function userResource(
  exchange: Exchange,
  subject: string,
  verb: string | undefined,
  query: string,
  { administration }: AdminApiDeps,
): Resource | undefined {
  const namespace = queryValue(query, 'namespace')
  const setBlocked = async (blocked: boolean): Promise<void> => {
    await administration.setBlocked(subject, blocked)
    answer(exchange, { subject, blocked })
  }
  switch (verb ?? '') {
    case '':
      return verb === ''
        ? undefined
        : {
            GET: async () => answer(exchange, await administration.getUser(subject)),
            DELETE: async () => {
              await administration.deleteUser(subject, namespace)
              answer(exchange, { deleted: true })
            },
          }
    case 'block':
      return { POST: () => setBlocked(true) }
    case 'unblock':
      return { POST: () => setBlocked(false) }
    case 'rotate':
      return {
        POST: async () => {
          const key = await administration.rotateKey(subject, namespace)
          answer(exchange, { subject, ...keyJson(key) })
        },
      }
    default:
      return undefined
  }
}

async function createUser(exchange: Exchange, administration: UserAdministration): Promise<void> {
  const given = await body(exchange)
  const { regenerate = false } = given
  if (typeof regenerate !== 'boolean') throw malformedContent("'regenerate' must be true or false")
  const subject = text(given, 'subject')
  if (subject === undefined) throw malformedContent("'subject' must be a string")
  const key = await administration.createUser({
    subject,
    namespace: text(given, 'namespace'),
    authorization: text(given, 'authorization'),
    regenerate,
  })
  answer(exchange, { subject, ...keyJson(key) })
}

function subjectKeyJson({ subject, blocked, name, uuid, key }: SubjectKey): unknown {
  return { subject, blocked, namespace: name, uuid, key }
}

function keyJson({ name, uuid, key }: NamespaceKey): Record<string, string> {
  return { namespace: name, uuid, key }
}

function text(given: JsonObject, name: string): string | undefined {
  const value = given[name]
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined
  throw malformedContent(`'${name}' must be a string`)
}

async function body(exchange: Exchange): Promise<JsonObject> {
  requireJsonType(exchange.req.headers['content-type'])
  const value = parseJson(await readBody(exchange, BODY))
  if (!isJsonObject(value)) throw malformedContent('JSON object expected')
  return value
}

function answer(exchange: Exchange, value: unknown, status = 200): void {
  sendJson(exchange, status, JSON.stringify(value))
}
