/** `stave action …`: the commands and their options; what they do is in the files named action-*.ts. */

import { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { handler } from '../cli.ts'
import { wholeNumber } from '../numbers.ts'
import { addList } from './entity-list.ts'
import { addEntityOptions, addParameterOptions } from './entity-options.ts'

/** Builds the group. */
export function actionCommand(cli: Cli): Command {
  const group = new Command('action').description('work with actions')
  addPut(group, cli, 'create', 'create an action from FILE (source text, archive or directory)')
  addPut(group, cli, 'update', 'change an action, or create it').option(
    '--del-annotation <key>',
    'remove an annotation (may be repeated)',
    collect,
    [],
  )
  addParameterOptions(group.command('invoke <name>').description('run an action'), 'parameter')
    .option('-b, --blocking', 'wait for the activation and print it')
    .option('-r, --result', 'wait for the result and print only that')
    .action(
      handler(cli, async (name: string, _: object, command: Command) => {
        const { invokeAction } = await import('./action-invoke.ts')
        return invokeAction(cli, command, name)
      }),
    )
  group
    .command('get <name> [field]')
    .description('print an action, or one field of it')
    .option('-s, --summary', 'print what it is and which parameters it takes')
    .option('-r, --url', 'print the URL that invokes it')
    .option('--save', 'save its code to a file of its name')
    .option('--save-as <file>', 'save its code to FILE')
    .action(
      handler(cli, async (name: string, field: string | undefined, _: object, command: Command) => {
        const { getAction } = await import('./action-get.ts')
        return getAction(cli, command, name, field)
      }),
    )
  addList(group, cli, 'actions')
  group
    .command('delete <name>')
    .description('delete an action')
    .action(
      handler(cli, async (name: string, _: object, command: Command) => {
        const { deleteAction } = await import('./action-put.ts')
        return deleteAction(cli, command, name)
      }),
    )
  return group
}

function addPut(group: Command, cli: Cli, verb: 'create' | 'update', description: string): Command {
  return addEntityOptions(group.command(`${verb} <name> [file]`).description(description))
    .option('--kind <kind>', 'runtime, for example nodejs:24 (default: from the name of FILE)')
    .option('--main <name>', 'function to call (default: main)')
    .option('-m, --memory <mb>', 'memory limit in MB', wholeNumber)
    .option('-t, --timeout <ms>', 'time limit in ms', wholeNumber)
    .option('-l, --logsize <mb>', 'log limit in MB', wholeNumber)
    .option('-c, --concurrency <n>', 'runs at once in one container', wholeNumber)
    .option('--web <mode>', 'yes, no or raw: whether the action is a web action')
    .option('--web-secure <secret>', 'true, false or a secret that callers of the web action must send')
    .option('--docker <image>', 'run this image; FILE is optional')
    .option('--native', 'FILE is an executable, or an archive with one called exec')
    .option('--sequence', 'FILE is the names of actions, separated by commas')
    .option('--copy', 'FILE is the name of an action to copy')
    .action(
      handler(cli, async (entity: string, file: string | undefined, _: object, command: Command) => {
        const { putAction } = await import('./action-put.ts')
        return putAction(cli, command, verb, entity, file)
      }),
    )
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value]
}
