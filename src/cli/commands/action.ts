/** `stave action …`: the commands and their options; what they do is in the files named action-*.ts. */

import { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { handler } from '../cli.ts'
import { wholeNumber } from '../numbers.ts'

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
  group
    .command('invoke <name>')
    .description('run an action')
    .option('-p, --param <key value>', 'parameter; the value is JSON or text (may be repeated)')
    .option('-P, --param-file <file>', 'JSON file with an object of parameters')
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
  group
    .command('list [scope]')
    .description('list the actions of /NAMESPACE or PACKAGE')
    .option('-s, --skip <n>', 'leave out the first N', wholeNumber, 0)
    .option('-l, --limit <n>', 'print at most N; 0 is as many as the server allows', wholeNumber, 30)
    .option('-n, --name-sort', 'sort by name instead of newest first')
    .action(
      handler(cli, async (scope: string | undefined, _: object, command: Command) => {
        const { listActions } = await import('./action-list.ts')
        return listActions(cli, command, scope)
      }),
    )
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
  return group
    .command(`${verb} <name> [file]`)
    .description(description)
    .option('--kind <kind>', 'runtime, for example nodejs:24 (default: from the name of FILE)')
    .option('--main <name>', 'function to call (default: main)')
    .option('-m, --memory <mb>', 'memory limit in MB', wholeNumber)
    .option('-t, --timeout <ms>', 'time limit in ms', wholeNumber)
    .option('-l, --logsize <mb>', 'log limit in MB', wholeNumber)
    .option('-c, --concurrency <n>', 'runs at once in one container', wholeNumber)
    .option('-p, --param <key value>', 'default parameter; the value is JSON or text (may be repeated)')
    .option('-P, --param-file <file>', 'JSON file with an object of parameters')
    .option('-a, --annotation <key value>', 'annotation; the value is JSON or text (may be repeated)')
    .option('-A, --annotation-file <file>', 'JSON file with an object of annotations')
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
