/** The management plane's request handler: everything of OpenWhisk's REST API but invocations. It keeps nothing between requests. */

import { REST_CORS, ROOT_CORS } from '../api/cors.ts'
import type { Exchange } from '../api/exchange.ts'
import { checkDeclaredLength } from '../api/read-body.ts'
import { methodNotAllowed, noRoute } from '../api/rejections.ts'
import type { RequestTarget } from '../api/request-target.ts'
import { splitTarget } from '../api/request-target.ts'
import type { ReportFault } from '../api/respond.ts'
import { sendError, sendJson, sendText } from '../api/respond.ts'
import type { Identity } from '../model/identity.ts'
import type { IdSource } from '../model/ids.ts'
import type { ActionsDeps } from './actions.ts'
import { handleAction } from './actions.ts'
import type { ActivationsDeps } from './activations.ts'
import { getActivation, listActivations } from './activations.ts'
import type { ApiCall } from './api-call.ts'
import { createDocs, isDocsPath } from './api-docs/serve-docs.ts'
import type { OperatorCredentials } from './disable.ts'
import { requireOperator } from './disable.ts'
import type { BuildInfo } from './info.ts'
import { apiDocument, infoDocument } from './info.ts'
import { listActions, listPackageActions } from './list-actions.ts'
import { getLimits, insideLimits, listNamespaces } from './namespaces.ts'
import type { Operations } from './operations.ts'
import { operationsDocument } from './operations.ts'
import type { PackagesDeps } from './packages.ts'
import { handlePackage, listPackages } from './packages.ts'
import { matchRoute } from './routes.ts'
import { handleRule, listRules } from './rules.ts'
import type { TriggersDeps } from './triggers.ts'
import { handleTrigger, listTriggers } from './triggers.ts'

export interface ManagementDeps extends ActionsDeps, PackagesDeps, ActivationsDeps, TriggersDeps {
  readonly artifacts: ActionsDeps['artifacts'] & TriggersDeps['artifacts']
  readonly system: ActionsDeps['system']
  /** The caller of an `Authorization` header; throws or rejects with 401. */
  readonly authenticate: (authorization: string | undefined) => Identity | Promise<Identity>
  readonly ids: Pick<IdSource, 'transactionId'>
  readonly build: BuildInfo
  readonly operations: Operations
  /** Who may take the server out of service by `POST /disable`, and what does it. */
  readonly operator: OperatorCredentials
  readonly disable: () => void
  readonly reportFault: ReportFault
}

export interface Management {
  readonly counters: { requests: number; failures: number }
  /** Answers a request, whatever comes. Never throws. */
  handle(exchange: Exchange): void
}

const API = '/api/v1'

/** Builds the handler. Documents that never change are rendered once. */
export function createManagement(deps: ManagementDeps): Management {
  const counters = { requests: 0, failures: 0 }
  const docs = createDocs(new Date(deps.clock.now()))
  const documents = { info: infoDocument(deps.manifest, deps.system), api: apiDocument(deps.build) }

  async function dispatch(exchange: Exchange): Promise<void> {
    const { req } = exchange
    const target = splitTarget(req.url ?? '/') // -> 414, 400
    checkDeclaredLength(req, deps.body.maxBytes) // -> 400
    const { path } = target
    const belowApi = path === API || path.startsWith(`${API}/`)
    if (req.method === 'OPTIONS') sendText(exchange, 200, 'OK', belowApi ? REST_CORS : ROOT_CORS)
    else if (isDocsPath(path)) await docs.serve(exchange, path)
    else if (belowApi) await handleApi(exchange, target)
    else handleRoot(exchange, path)
  }

  function handleRoot(exchange: Exchange, path: string): void {
    if (path === '/disable') return handleDisable(exchange)
    const document = path === '/' ? documents.info : operationsDocument(path, deps.operations)
    if (document === undefined && path !== '/ping') throw methodNotAllowed(['OPTIONS'])
    if (exchange.req.method !== 'GET') throw methodNotAllowed(['GET', 'OPTIONS'])
    if (document === undefined) sendText(exchange, 200, 'pong')
    else if (typeof document === 'string') sendJson(exchange, 200, document)
    else sendJson(exchange, document.status, document.json)
  }

  function handleDisable(exchange: Exchange): void {
    const { req } = exchange
    if (req.method !== 'POST') throw methodNotAllowed(['POST', 'OPTIONS'])
    requireOperator(req.headers.authorization, deps.operator) // -> 401
    deps.disable()
    sendText(exchange, 200, 'controller is disabled')
  }

  async function handleApi(exchange: Exchange, { path, query }: RequestTarget): Promise<void> {
    const { req } = exchange
    const inner = path.slice(API.length)
    if (inner === '' || inner === '/') {
      if (req.method !== 'GET') throw methodNotAllowed(['GET', 'OPTIONS'])
      sendJson(exchange, 200, documents.api)
      return
    }
    const identity = await deps.authenticate(req.headers.authorization) // -> 401
    await handleResource({ ...exchange, identity, query }, inner)
  }

  async function handleResource(call: ApiCall, path: string): Promise<void> {
    const route = matchRoute(path)
    if (route === undefined) throw noRoute()
    if (route.type === 'action') return handleAction(call, route, deps)
    if (route.type === 'package') return handlePackage(call, route, deps)
    if (route.type === 'trigger') return handleTrigger(call, route, deps)
    if (route.type === 'rule') return handleRule(call, route, deps)
    if (call.req.method !== 'GET') throw noRoute()
    switch (route.type) {
      case 'namespaces':
        return listNamespaces(call)
      case 'limits':
        return getLimits(call, route.namespace, deps)
      case 'insideLimits':
        return insideLimits()
      case 'actions':
        return listActions(call, route.namespace, deps)
      case 'packageActions':
        return listPackageActions(call, route, deps)
      case 'packages':
        return listPackages(call, route.namespace, deps)
      case 'activations':
        return listActivations(call, route.namespace, deps)
      case 'activation':
        return getActivation(call, route, deps)
      case 'triggers':
        return listTriggers(call, route.namespace, deps)
      case 'rules':
        return listRules(call, route.namespace, deps)
    }
  }

  return {
    counters,
    handle(exchange) {
      counters.requests++
      dispatch(exchange).catch((error: unknown) => {
        counters.failures++
        sendError(exchange, error, deps.reportFault)
      })
    },
  }
}
