/** `stave rule …`: the commands and their options; what they do is in the files named rule-*.ts. */

import { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { handler } from '../cli.ts'
import { addList } from './entity-list.ts'

/** Builds the group. */
export function ruleCommand(cli: Cli): Command {
  const group = new Command('rule').description('work with rules')
  for (const verb of ['create', 'update'] as const) {
    group
      .command(`${verb} <name> <trigger> <action>`)
      .description(verb === 'create' ? 'start ACTION whenever TRIGGER fires' : 'change a rule, or create it')
      .action(
        handler(cli, async (name: string, trigger: string, action: string, _: object, command: Command) => {
          const { putRule } = await import('./rule-put.ts')
          return putRule(cli, command, verb, { name, trigger, action })
        }),
      )
  }
  for (const verb of ['enable', 'disable'] as const) {
    group
      .command(`${verb} <name>`)
      .description(verb === 'enable' ? 'let a rule start its action again' : 'keep a rule from starting its action')
      .action(
        handler(cli, async (name: string, _: object, command: Command) => {
          const { switchRule } = await import('./rule-state.ts')
          return switchRule(cli, command, verb, name)
        }),
      )
  }
  group
    .command('status <name>')
    .description('print whether a rule is active')
    .action(
      handler(cli, async (name: string, _: object, command: Command) => {
        const { printStatus } = await import('./rule-state.ts')
        return printStatus(cli, command, name)
      }),
    )
  group
    .command('get <name> [field]')
    .description('print a rule, or one field of it')
    .option('-s, --summary', 'print its name and status')
    .action(
      handler(cli, async (name: string, field: string | undefined, _: object, command: Command) => {
        const { getRule } = await import('./rule-state.ts')
        return getRule(cli, command, name, field)
      }),
    )
  addList(group, cli, 'rules')
  group
    .command('delete <name>')
    .description('delete a rule')
    .option('--disable', 'disable it first')
    .action(
      handler(cli, async (name: string, _: object, command: Command) => {
        const { deleteRule } = await import('./rule-put.ts')
        return deleteRule(cli, command, name)
      }),
    )
  return group
}
