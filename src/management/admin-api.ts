/**
 * The admin API, for operators: users, keys, limits, namespaces, and a look inside. Served on the internal listener; whoever can open that is trusted.
 * Every request that changes something, or shows keys, leaves a line in the log. README.md lists the routes.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from '../api/exchange.ts'
import { parseJson, requireJsonType } from '../api/json-body.ts'
import { readBody } from '../api/read-body.ts'
import { methodNotAllowed, noRoute } from '../api/rejections.ts'
import { splitTarget } from '../api/request-target.ts'
import type { ReportFault } from '../api/respond.ts'
import { sendError, sendJson } from '../api/respond.ts'
import { transactionIdOf } from '../api/transaction-id.ts'
import { malformedContent, Refusal } from '../model/errors.ts'
import type { IdSource, TransactionId } from '../model/ids.ts'
import type { JsonObject } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'
import { namespaceRoutes } from './admin-namespaces.ts'
import type { AdminCall, AdminMethods, AdminRoutes } from './admin-route.ts'
import { matchAdminRoute } from './admin-route.ts'
import { userRoutes } from './admin-users.ts'
import type { Inside } from './look-inside.ts'
import { lookInside } from './look-inside.ts'
import type { NamespaceAdministration } from './namespace-administration.ts'
import type { UserAdministration } from './user-administration.ts'

/** Who did what to whom, and what came of it. Holds no secret. */
export interface AuditEntry {
  readonly transactionId: TransactionId
  /** Address of the caller; `local` on the unix socket. */
  readonly operator: string
  /** `POST /admin/users/alice/block`: the path decoded, without the query. */
  readonly request: string
  /** Status of the answer; 0 where it is not known because something of ours broke. */
  readonly status: number
  readonly [field: string]: unknown
}

export interface AdminApiDeps extends Inside {
  readonly administration: UserAdministration
  readonly namespaces: NamespaceAdministration
  /** More routes below `/admin/`, of parts that not every server has. */
  readonly routes?: AdminRoutes
  /** Containers, stem cells and queues, fit for `JSON.stringify`. */
  readonly pool: () => unknown
  /** The effective configuration with origins, secrets hidden, fit for `JSON.stringify`. */
  readonly config: () => unknown
  /** Told of every change that was asked for, refused ones included, and of keys that were shown. Never throws. */
  readonly audit: (entry: AuditEntry) => void
  readonly ids: Pick<IdSource, 'transactionId'>
  readonly reportFault: ReportFault
}

export interface AdminApi {
  /** Answers a request, whatever comes. Never throws. */
  handle(req: IncomingMessage, res: ServerResponse): void
}

const BODY = { maxBytes: 1024 * 1024, timeoutMs: 10_000 }
/** Requests without an effect that show secrets. */
const SHOWS_KEYS = /^\/admin\/(?:users|subjects)(?:\/|$)/

/** Builds the handler. */
export function createAdminApi(deps: AdminApiDeps): AdminApi {
  const routes: AdminRoutes = {
    ...userRoutes(deps.administration),
    ...namespaceRoutes(deps.administration, deps.namespaces),
    pool: { GET: () => deps.pool() },
    config: { GET: () => deps.config() },
    ...deps.routes,
  }

  async function dispatch(exchange: Exchange): Promise<void> {
    const { path, query } = splitTarget(exchange.req.url ?? '/')
    if (!path.startsWith('/admin/')) return lookInside(exchange, path, deps)
    const route = matchAdminRoute(routes, path.slice('/admin/'.length))
    if (route === undefined) throw noRoute()
    const notes: Record<string, unknown> = {}
    const call = adminCall(exchange, query, route.params, notes)
    try {
      const answer = await handlerOf(exchange, route.methods)(call)
      audit(exchange, path, 200, notes)
      sendJson(exchange, 200, JSON.stringify(answer))
    } catch (error) {
      audit(exchange, path, error instanceof Refusal ? error.status : 0, notes)
      throw error
    }
  }

  function audit({ req, tid }: Exchange, path: string, status: number, notes: Readonly<Record<string, unknown>>): void {
    const method = req.method ?? ''
    if (method === 'GET' && !SHOWS_KEYS.test(path)) return
    const operator = req.socket.remoteAddress ?? 'local'
    deps.audit({ ...notes, transactionId: tid, operator, request: `${method} ${path}`, status })
  }

  return {
    handle(req, res) {
      const exchange = { req, res, tid: transactionIdOf(req, deps.ids) }
      dispatch(exchange).catch((error: unknown) => sendError(exchange, error, deps.reportFault))
    },
  }
}

function handlerOf(exchange: Exchange, methods: AdminMethods): (call: AdminCall) => unknown {
  const found = Object.entries(methods).find(([name]) => name === exchange.req.method)?.[1]
  if (found === undefined) throw methodNotAllowed(Object.keys(methods))
  return found
}

function adminCall(
  exchange: Exchange,
  query: string,
  params: Readonly<Record<string, string>>,
  notes: Record<string, unknown>,
): AdminCall {
  const { headers } = exchange.req
  const body = async (): Promise<JsonObject> => {
    requireJsonType(headers['content-type'])
    const value = parseJson(await readBody(exchange, BODY))
    if (!isJsonObject(value)) throw malformedContent('JSON object expected')
    return value
  }
  const empty = (headers['content-length'] ?? '0') === '0' && headers['transfer-encoding'] === undefined
  return {
    query,
    param: (name) => params[name] ?? '',
    body,
    optionalBody: async () => (empty ? {} : body()),
    note: (fields) => void Object.assign(notes, fields),
  }
}
