/** `stave package …`: the commands and their options; what they do is in the files named package-*.ts. */

import { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { handler } from '../cli.ts'
import { addList } from './entity-list.ts'
import { addEntityOptions } from './entity-options.ts'

/** Builds the group. */
export function packageCommand(cli: Cli): Command {
  const group = new Command('package').description('work with packages and bindings')
  for (const verb of ['create', 'update'] as const) {
    const description = verb === 'create' ? 'create a package' : 'change a package, or create it'
    addEntityOptions(group.command(`${verb} <name>`).description(description))
      .option('--shared <scope>', 'yes or no: whether everybody may read it and call what is in it')
      .action(
        handler(cli, async (name: string, _: object, command: Command) => {
          const { putPackage } = await import('./package-put.ts')
          return putPackage(cli, command, verb, name)
        }),
      )
  }
  addEntityOptions(
    group
      .command('bind <package> <name>')
      .description(
        "make NAME another name for PACKAGE, with parameters of its own (PACKAGE may be another namespace's)",
      ),
  )
    .option('-o, --overwrite', 'change the binding where it exists')
    .action(
      handler(cli, async (provider: string, name: string, _: object, command: Command) => {
        const { bindPackage } = await import('./package-put.ts')
        return bindPackage(cli, command, provider, name)
      }),
    )
  group
    .command('get <name> [field]')
    .description('print a package with what is in it, or one field of it')
    .option('-s, --summary', 'print what is in it and which parameters that takes')
    .action(
      handler(cli, async (name: string, field: string | undefined, _: object, command: Command) => {
        const { getPackage } = await import('./package-get.ts')
        return getPackage(cli, command, name, field)
      }),
    )
  addList(group, cli, 'packages')
  group
    .command('delete <name>')
    .description('delete a package that is empty')
    .option('-r, --recursive', 'delete the actions in it as well')
    .action(
      handler(cli, async (name: string, _: object, command: Command) => {
        const { deletePackage } = await import('./package-put.ts')
        return deletePackage(cli, command, name)
      }),
    )
  group
    .command('refresh [namespace]')
    .description('ask the server to refresh bindings (deployments of OpenWhisk do not offer it any more)')
    .action(
      handler(cli, async (namespace: string | undefined, _: object, command: Command) => {
        const { refreshPackages } = await import('./package-refresh.ts')
        return refreshPackages(cli, command, namespace)
      }),
    )
  return group
}
