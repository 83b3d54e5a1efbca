/** `stave namespace …` and `stave list`: what users see of namespaces; what operators do with them is in namespace-admin.ts. */

import { Command } from 'commander'
import { attempt, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { handler, optionsOf } from '../cli.ts'
import type { Collection } from '../entity-list.ts'
import { formatList, listEntities, sortedByName } from '../entity-list.ts'
import { parseNamespaceScope } from '../entity-name.ts'
import { bold, printJson } from '../output.ts'

/** In the order in which they are printed. */
const COLLECTIONS: readonly Collection[] = ['packages', 'actions', 'triggers', 'rules']

/** Builds the group. */
export function namespaceCommand(cli: Cli): Command {
  const group = new Command('namespace').description('work with namespaces, and administer them')
  group
    .command('list')
    .description('list the namespaces of these credentials')
    .action(handler(cli, (_: object, command: Command) => listNamespaces(cli, command)))
  addContents(group, cli, 'get')
  group
    .command('all')
    .description('administration: list all namespaces and who has keys for them')
    .action(
      handler(cli, async (_: object, command: Command) => {
        const { listAllNamespaces } = await import('./namespace-admin.ts')
        return listAllNamespaces(cli, command)
      }),
    )
  group
    .command('inspect <namespace>')
    .description('administration: print who has keys for a namespace, what it holds, and its limits')
    .action(
      handler(cli, async (namespace: string, _: object, command: Command) => {
        const { inspectNamespace } = await import('./namespace-admin.ts')
        return inspectNamespace(cli, command, namespace)
      }),
    )
  group
    .command('delete <namespace>')
    .description('administration: delete a namespace with its keys and limits; its records stay until they are too old')
    .option('-f, --force', 'delete what it holds as well')
    .action(
      handler(cli, async (namespace: string, _: object, command: Command) => {
        const { deleteNamespace } = await import('./namespace-admin.ts')
        return deleteNamespace(cli, command, namespace)
      }),
    )
  return group
}

/** Builds `stave list`, which is `stave namespace get`. */
export function listCommand(cli: Cli): Command {
  return addContents(new Command(), cli, 'list')
}

function addContents(group: Command, cli: Cli, name: string): Command {
  return group
    .command(`${name} [namespace]`)
    .description('list the packages, actions, triggers and rules of a namespace')
    .option('-n, --name-sort', 'sort by name instead of newest first')
    .action(
      handler(cli, (namespace: string | undefined, _: object, command: Command) =>
        printContents(cli, command, namespace),
      ),
    )
}

async function listNamespaces(cli: Cli, command: Command): Promise<void> {
  const api = openApi(cli, command)
  await attempt('Unable to obtain the list of available namespaces', api, async () => {
    const { json } = await api.call({ method: 'GET', path: [] })
    const names = Array.isArray(json) ? json.filter((name: unknown) => typeof name === 'string') : []
    if (optionsOf(command).json === true) printJson(cli, names)
    else cli.shell.out(`${bold(cli, 'namespaces')}\n${names.map((name) => `${name}\n`).join('')}`)
  })
}

async function printContents(cli: Cli, command: Command, argument: string | undefined): Promise<void> {
  const { nameSort, json } = optionsOf<{ readonly nameSort?: boolean }>(command)
  const api = openApi(cli, command)
  const namespace = parseNamespaceScope(argument, api.connection.namespace)
  await attempt(`Unable to obtain the list of entities for namespace '${namespace}'`, api, async () => {
    const lists = await Promise.all(
      COLLECTIONS.map(async (collection) => {
        const found = await listEntities(api, collection, { namespace }, { skip: 0, limit: 0 })
        return [collection, nameSort === true ? sortedByName(found) : found] as const
      }),
    )
    if (json === true) return printJson(cli, Object.fromEntries(lists))
    const text = lists.map(([collection, entities]) => formatList(cli, collection, entities))
    return cli.shell.out(`Entities in namespace: ${bold(cli, namespace)}\n${text.join('')}`)
  })
}
