/** `stave action list`. */

import type { Command } from 'commander'
import type { JsonObject } from '../../model/json.ts'
import { describeFailure, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import { parseListScope } from '../entity-name.ts'
import { annotationOf, objectsOf, textOf } from '../fields.ts'
import { bold, printJson } from '../output.ts'

interface ListOptions {
  readonly skip: number
  readonly limit: number
  readonly nameSort?: boolean
}

/** Lists actions: name, visibility and kind, as `wsk` does. */
export async function listActions(cli: Cli, command: Command, scope: string | undefined): Promise<void> {
  const options = optionsOf<ListOptions>(command)
  const api = openApi(cli, command)
  const { namespace, package: pkg } = parseListScope(scope, api.connection.namespace)
  try {
    // The trailing slash is what tells a package from an action.
    const path = pkg === undefined ? ['actions'] : ['actions', pkg, '']
    const { json } = await api.call({
      method: 'GET',
      namespace,
      path,
      query: { skip: options.skip, limit: options.limit },
    })
    const actions = objectsOf(json)
    const shown = options.nameSort === true ? actions.toSorted((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1)) : actions
    if (options.json === true) printJson(cli, shown)
    else cli.shell.out(`${bold(cli, 'actions')}\n${shown.map((action) => rowOf(action)).join('')}`)
  } catch (error) {
    throw describeFailure(`Unable to obtain the list of actions for namespace '${namespace}'`, error, api.connection)
  }
}

function pathOf(action: JsonObject): string {
  return `/${textOf(action.namespace)}/${textOf(action.name)}`
}

function rowOf(action: JsonObject): string {
  const kind = annotationOf(action, 'exec')
  const visibility = action.publish === true ? 'shared' : 'private'
  return `${pathOf(action).padEnd(70)} ${visibility}${typeof kind === 'string' ? ` ${kind}` : ''}\n`
}
