/** Lists of entities: how they are read from the API, and the rows that `wsk` prints of them. */

import type { JsonObject } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'
import type { ApiClient } from './api-client.ts'
import { attempt } from './api-client.ts'
import type { Cli } from './cli.ts'
import { annotationOf, objectsOf, textOf } from './fields.ts'
import { bold } from './output.ts'

export type Collection = 'actions' | 'packages' | 'triggers' | 'rules'

export interface ListRange {
  readonly skip: number
  /** 0 is as many as the server allows. */
  readonly limit: number
}

/** The API lists rules without their status: it is asked for each, this many at a time. */
const STATUSES_AT_ONCE = 8

/** A page of a collection, newest first. `packageName` restricts it to the actions of one package. Rejects as `ApiClient.call`. */
export async function listEntities(
  api: ApiClient,
  collection: Collection,
  { namespace, packageName }: { readonly namespace: string; readonly packageName?: string | undefined },
  { skip, limit }: ListRange,
): Promise<readonly JsonObject[]> {
  // The trailing slash is what tells a package from an action.
  const path = packageName === undefined ? [collection] : [collection, packageName, '']
  const { json } = await api.call({ method: 'GET', namespace, path, query: { skip, limit } })
  const entities = objectsOf(json)
  return collection === 'rules' ? withStatus(api, namespace, entities) : entities
}

async function withStatus(
  api: ApiClient,
  namespace: string,
  rules: readonly JsonObject[],
): Promise<readonly JsonObject[]> {
  const found: JsonObject[] = []
  for (let at = 0; at < rules.length; at += STATUSES_AT_ONCE) {
    const batch = rules.slice(at, at + STATUSES_AT_ONCE)
    found.push(...(await Promise.all(batch.map((rule) => ruleWithStatus(api, namespace, rule)))))
  }
  return found
}

function ruleWithStatus(api: ApiClient, namespace: string, rule: JsonObject): Promise<JsonObject> {
  const name = textOf(rule.name)
  return attempt(`Unable to get status of rule '${name}'`, api, async () => {
    const { json } = await api.call({ method: 'GET', namespace, path: ['rules', name] })
    return { ...rule, status: isJsonObject(json) ? textOf(json.status) : '' }
  })
}

/** By their full names, as `--name-sort` has it. */
export function sortedByName(entities: readonly JsonObject[]): readonly JsonObject[] {
  return entities.toSorted((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1))
}

/** The header and one row an entity. */
export function formatList(cli: Cli, collection: Collection, entities: readonly JsonObject[]): string {
  return `${bold(cli, collection)}\n${entities.map((entity) => rowOf(collection, entity)).join('')}`
}

function pathOf(entity: JsonObject): string {
  return `/${textOf(entity.namespace)}/${textOf(entity.name)}`
}

function rowOf(collection: Collection, entity: JsonObject): string {
  const visibility = entity.publish === true ? 'shared' : 'private'
  const name = pathOf(entity).padEnd(70)
  if (collection === 'rules') return `${name} ${visibility.padEnd(20)} ${textOf(entity.status)}\n`
  const kind = collection === 'actions' ? annotationOf(entity, 'exec') : undefined
  return `${name} ${visibility}${typeof kind === 'string' ? ` ${kind}` : ''}\n`
}
