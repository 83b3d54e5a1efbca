/** What operators do with namespaces as a whole: `stave namespace all`, `inspect` and `delete`. */

import type { Command } from 'commander'
import { administer } from '../administration.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import { formatTable, printJson } from '../output.ts'

/** Lists all namespaces with the users that have keys for them. */
export function listAllNamespaces(cli: Cli, command: Command): Promise<number | void> {
  return administer(cli, command, async ({ namespaces }) => {
    const all = await namespaces.listNamespaces()
    if (optionsOf(command).json === true) return printJson(cli, all)
    const rows = all.map(({ namespace, subjects }) => [namespace, subjects.join(', ')])
    return cli.shell.out(formatTable(cli, ['NAMESPACE', 'USERS'], rows))
  })
}

/** Prints who may act in a namespace, what it holds and what limits it has; never a secret. */
export function inspectNamespace(cli: Cli, command: Command, namespace: string): Promise<number | void> {
  return administer(cli, command, async ({ namespaces }) => {
    const details = await namespaces.getNamespace(namespace)
    if (optionsOf(command).json === true) return printJson(cli, details)
    const users = details.subjects.map(
      ({ subject, uuid, blocked }) => `user: ${subject} ${uuid}${blocked ? ' (blocked)' : ''}\n`,
    )
    const held = Object.entries(details.entities).map(([type, count]) => `${type}s: ${count}\n`)
    const limits = Object.entries(details.limits).map(([name, value]) => `${name} = ${String(value)}\n`)
    return cli.shell.out(`namespace: ${details.namespace}\n${[...users, ...held, ...limits].join('')}`)
  })
}

/** Deletes a namespace: keys, entities, limits. */
export function deleteNamespace(cli: Cli, command: Command, namespace: string): Promise<number | void> {
  const { force, json } = optionsOf<{ readonly force?: boolean }>(command)
  return administer(cli, command, async ({ namespaces }) => {
    const gone = await namespaces.deleteNamespace(namespace, force === true)
    if (json === true) printJson(cli, { deleted: true, ...gone })
    else cli.shell.out('Namespace deleted\n')
  })
}
