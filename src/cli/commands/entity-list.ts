/** `list` of actions, packages, triggers and rules. */

import type { Command } from 'commander'
import { attempt, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { handler, optionsOf } from '../cli.ts'
import type { Collection, ListRange } from '../entity-list.ts'
import { formatList, listEntities, sortedByName } from '../entity-list.ts'
import { parseListScope, parseNamespaceScope } from '../entity-name.ts'
import { wholeNumber } from '../numbers.ts'
import { printJson } from '../output.ts'

interface ListOptions extends ListRange {
  readonly nameSort?: boolean
}

/** Adds `list` to the group of a collection. */
export function addList(group: Command, cli: Cli, collection: Collection): void {
  const [argument, of] =
    collection === 'actions' ? ['[scope]', '/NAMESPACE or PACKAGE'] : ['[namespace]', 'the namespace, or of /NAMESPACE']
  group
    .command(`list ${argument}`)
    .description(`list the ${collection} of ${of}`)
    .option('-s, --skip <n>', 'leave out the first N', wholeNumber, 0)
    .option('-l, --limit <n>', 'print at most N; 0 is as many as the server allows', wholeNumber, 30)
    .option('-n, --name-sort', 'sort by name instead of newest first')
    .action(
      handler(cli, (scope: string | undefined, _: object, command: Command) =>
        printList(cli, command, collection, scope),
      ),
    )
}

async function printList(
  cli: Cli,
  command: Command,
  collection: Collection,
  argument: string | undefined,
): Promise<void> {
  const options = optionsOf<ListOptions>(command)
  const api = openApi(cli, command)
  const own = api.connection.namespace
  const scope =
    collection === 'actions' ? parseListScope(argument, own) : { namespace: parseNamespaceScope(argument, own) }
  await attempt(`Unable to obtain the list of ${collection} for namespace '${scope.namespace}'`, api, async () => {
    const packageName = 'package' in scope ? scope.package : undefined
    const found = await listEntities(api, collection, { namespace: scope.namespace, packageName }, options)
    const entities = options.nameSort === true ? sortedByName(found) : found
    if (options.json === true) printJson(cli, entities)
    else cli.shell.out(formatList(cli, collection, entities))
  })
}
