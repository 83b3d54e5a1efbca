/** `/namespaces/NS/activations`: what became of invocations. */

import { booleanParameter, listRange, parseInteger, queryValue } from '../api/query.ts'
import { sendJson } from '../api/respond.ts'
import type { EntitlementProvider } from '../entitlement/entitlement-provider.ts'
import { requireRight } from '../entitlement/require-right.ts'
import { listedActivation, logsJson, responseJson } from '../model/activation-document.ts'
import { malformedQuery, notFound, refusal } from '../model/errors.ts'
import { parseActivationId } from '../model/ids.ts'
import type { SystemLimits } from '../model/limits.ts'
import { isLegalName, resolveNamespace } from '../model/names.ts'
import type { ActivationStore } from '../stores/activation-store.ts'
import type { ApiCall } from './api-call.ts'
import type { Route } from './routes.ts'

export interface ActivationsDeps {
  readonly entitlement: EntitlementProvider
  /** Shows records from the moment their invocation was answered, stored or not. */
  readonly activations: Pick<ActivationStore, 'get' | 'list' | 'count'>
  readonly system: Pick<SystemLimits, 'listStd' | 'listMax'>
}

/** Answers summaries, whole records (`docs`) or a number (`count`), newest first. */
export async function listActivations(call: ApiCall, namespaceSegment: string, on: ActivationsDeps): Promise<void> {
  const { query, identity } = call
  const namespace = resolveNamespace(namespaceSegment, identity.namespace) // -> 400
  await requireRight(on.entitlement, identity, 'READ', { collection: 'activations', namespace }) // -> 403
  const { skip, limit, count } = listRange(query, 'activations', on.system.listStd, on.system.listMax) // -> 400
  const docs = booleanParameter(query, 'docs', false) // -> 400
  const filter = nameFilter(query) // -> 400
  const since = epochMs(query, 'since') // -> 400
  const upto = epochMs(query, 'upto') // -> 400
  if (docs && count) throw refusal('BAD_REQUEST', 400, "The parameter 'docs' is not permitted with 'count'.")

  const matching = {
    namespace,
    ...(filter !== undefined && { filter }),
    ...(since !== undefined && { since }),
    ...(upto !== undefined && { upto }),
  }
  if (count) {
    const total = await on.activations.count(matching)
    sendJson(call, 200, JSON.stringify({ activations: Math.max(0, total - skip) }))
    return
  }
  const rows = await on.activations.list({ ...matching, skip, limit, summary: !docs })
  const items = docs
    ? rows.map(({ document }) => document)
    : rows.map(({ document, statusCode }) => JSON.stringify(listedActivation(document, statusCode)))
  sendJson(call, 200, `[${items.join(',')}]`)
}

/** Answers one record, its response or its logs. */
export async function getActivation(
  call: ApiCall,
  route: Extract<Route, { type: 'activation' }>,
  on: ActivationsDeps,
): Promise<void> {
  const namespace = resolveNamespace(route.namespace, call.identity.namespace) // -> 400
  const id = parseActivationId(route.id) // -> 400
  await requireRight(on.entitlement, call.identity, 'READ', { collection: 'activations', namespace, name: id }) // -> 403
  const row = await on.activations.get(namespace, id)
  if (row === undefined) throw notFound()
  switch (route.part) {
    case 'record':
      sendJson(call, 200, row.document)
      break
    case 'result':
      sendJson(call, 200, responseJson(row.document))
      break
    case 'logs':
      sendJson(call, 200, `{"logs":${logsJson(row.document)}}`)
      break
  }
}

/** `A`, or `PKG/A` with the package (or binding) that the action was invoked through. As in all paths of OpenWhisk, empty segments count for nothing. */
function nameFilter(query: string): string | undefined {
  const name = queryValue(query, 'name')
  if (name === undefined || name === '') return undefined
  const segments = name.split('/').filter((segment) => segment !== '')
  if (segments.length === 0 || segments.length > 2 || !segments.every((segment) => isLegalName(segment))) {
    throw malformedQuery('name', `Parameter may be a 'simple' name or 'package-name/simple' name: ${name}`)
  }
  return segments.join('/')
}

function epochMs(query: string, parameter: 'since' | 'upto'): number | undefined {
  const text = queryValue(query, parameter)
  if (text === undefined) return undefined
  const value = parseInteger(text)
  // OpenWhisk's text says seconds; the unit is ms.
  if (value === undefined) {
    throw malformedQuery(parameter, `Parameter is not a valid value for epoch seconds: ${text}`)
  }
  return value
}
