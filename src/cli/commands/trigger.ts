/** `stave trigger …`: the commands and their options; what they do is in the files named trigger-*.ts. */

import { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { handler } from '../cli.ts'
import { addList } from './entity-list.ts'
import { addEntityOptions, addParameterOptions } from './entity-options.ts'

/** Builds the group. */
export function triggerCommand(cli: Cli): Command {
  const group = new Command('trigger').description('work with triggers')
  addTriggerOptions(group.command('create <name>').description('create a trigger, which FEED fires where one is given'))
    .option('-f, --feed <action>', 'feed action that fires the trigger; it gets the parameters of -p or -F')
    .action(
      handler(cli, async (name: string, _: object, command: Command) => {
        const { createTrigger } = await import('./trigger-put.ts')
        return createTrigger(cli, command, name)
      }),
    )
  addTriggerOptions(group.command('update <name>').description('change a trigger and its feed, or create it')).action(
    handler(cli, async (name: string, _: object, command: Command) => {
      const { updateTrigger } = await import('./trigger-put.ts')
      return updateTrigger(cli, command, name)
    }),
  )
  addParameterOptions(
    group.command('fire <name>').description('fire a trigger: start the actions of its rules'),
    'field of the event',
  ).action(
    handler(cli, async (name: string, _: object, command: Command) => {
      const { fireTrigger } = await import('./trigger-fire.ts')
      return fireTrigger(cli, command, name)
    }),
  )
  group
    .command('get <name> [field]')
    .description('print a trigger, or one field of it; of a trigger with a feed, what the feed knows of it')
    .option('-s, --summary', 'print what it is and which parameters it has')
    .action(
      handler(cli, async (name: string, field: string | undefined, _: object, command: Command) => {
        const { getTrigger } = await import('./trigger-get.ts')
        return getTrigger(cli, command, name, field)
      }),
    )
  addList(group, cli, 'triggers')
  group
    .command('delete <name>')
    .description('delete a trigger and tell its feed')
    .action(
      handler(cli, async (name: string, _: object, command: Command) => {
        const { deleteTrigger } = await import('./trigger-get.ts')
        return deleteTrigger(cli, command, name)
      }),
    )
  return group
}

function addTriggerOptions(command: Command): Command {
  return addEntityOptions(command)
    .option('-F, --feed-param <key value>', 'parameter of the feed alone (may be repeated)')
    .option('-T, --trigger-param <key value>', 'parameter of the trigger alone (may be repeated)')
}
