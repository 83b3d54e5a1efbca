/** `stave package create`, `update`, `bind` and `delete`. */

import type { Command } from 'commander'
import type { ApiAnswer, ApiClient } from '../api-client.ts'
import { attempt, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import type { EntityName } from '../entity-name.ts'
import { parseTopName } from '../entity-name.ts'
import { readFileFrom } from '../read-file.ts'
import { usageError } from '../failure.ts'
import { toEntries } from '../key-values.ts'
import { bold, printJsonText, printOk } from '../output.ts'
import { deleteEntity } from './entity-delete.ts'

/** Creates or updates a package. */
export async function putPackage(cli: Cli, command: Command, verb: 'create' | 'update', typed: string): Promise<void> {
  const { shared, json } = optionsOf<{ readonly shared?: string }>(command)
  const api = openApi(cli, command)
  const target = parseTopName(typed, api.connection.namespace, 'package')
  const publish = shared === undefined ? {} : { publish: parseShared(shared) }
  const what = verb === 'create' ? `Unable to create package '${typed}'` : 'Package update failed'
  await attempt(what, api, async () => {
    const answer = await put(api, target, verb === 'update', { ...entriesOf(cli), ...publish })
    if (json === true) printJsonText(cli.shell.out, answer.text)
    else printOk(cli, `${verb}d package ${bold(cli, target.name)}`)
  })
}

/** Creates a binding, or points an existing one elsewhere. */
export async function bindPackage(cli: Cli, command: Command, provider: string, typed: string): Promise<void> {
  const { overwrite, json } = optionsOf<{ readonly overwrite?: boolean }>(command)
  const api = openApi(cli, command)
  const bound = parseTopName(provider, api.connection.namespace, 'package')
  const target = parseTopName(typed, api.connection.namespace, 'package')
  const binding = { namespace: bound.namespace, name: bound.name }
  await attempt('Binding creation failed', api, async () => {
    const answer = await put(api, target, overwrite === true, { ...entriesOf(cli), binding })
    if (json === true) printJsonText(cli.shell.out, answer.text)
    else printOk(cli, `created binding ${bold(cli, target.name)}`)
  })
}

/** Deletes a package, with what is in it where that was asked for. */
export function deletePackage(cli: Cli, command: Command, typed: string): Promise<void> {
  const { recursive } = optionsOf<{ readonly recursive?: boolean }>(command)
  const api = openApi(cli, command)
  const target = parseTopName(typed, api.connection.namespace, 'package')
  const query = recursive === true ? { query: { force: true } } : {}
  return deleteEntity(cli, command, api, { kind: 'package', target, typed, ...query })
}

function put(api: ApiClient, target: EntityName, overwrite: boolean, body: object): Promise<ApiAnswer> {
  return api.call({
    method: 'PUT',
    namespace: target.namespace,
    path: ['packages', target.name],
    query: { overwrite },
    body: JSON.stringify({ namespace: target.namespace, name: target.name, ...body }),
  })
}

/** Only what was given: an update leaves the rest as it is. */
function entriesOf(cli: Cli): object {
  const readFile = readFileFrom(cli.shell.cwd)
  const parameters = toEntries(cli.keyValues, 'parameter', readFile)
  const annotations = toEntries(cli.keyValues, 'annotation', readFile)
  return { ...(parameters !== undefined && { parameters }), ...(annotations !== undefined && { annotations }) }
}

function parseShared(scope: string): boolean {
  switch (scope.toLowerCase()) {
    case 'yes':
      return true
    case 'no':
      return false
    default:
      throw usageError(`Cannot use value '${scope}' for shared. It is yes or no.`)
  }
}
