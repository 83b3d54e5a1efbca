/** `stave activation …`: the commands and their options; what they do is in activation-read.ts and activation-watch.ts. */

import { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { handler } from '../cli.ts'
import { wholeNumber } from '../numbers.ts'

/** Builds the group. */
export function activationCommand(cli: Cli): Command {
  const group = new Command('activation').description('work with activations')
  addList(group, cli)
  const last = '-l, --last'
  const lastText = 'the latest activation, of action NAME where one is given instead of an id'
  group
    .command('get [id] [field]')
    .description('print an activation, or one field of it')
    .option(last, lastText)
    .option('-s, --summary', 'print one line: when, how long, how it ended')
    .option('-g, --logs', 'print only its log lines, without time and stream')
    .action(
      handler(cli, async (id: string | undefined, field: string | undefined, _: object, command: Command) => {
        const { getActivation } = await import('./activation-read.ts')
        return getActivation(cli, command, id, field)
      }),
    )
  group
    .command('logs [id]')
    .description('print the logs of an activation, or follow those of all new ones')
    .option(last, lastText)
    .option('-r, --strip', 'leave out time and stream')
    .option('-f, --follow', 'print the lines of activations as they end, of action ID where one is given')
    .action(
      handler(cli, async (id: string | undefined, options: { readonly follow?: boolean }, command: Command) => {
        if (options.follow === true) return (await import('./activation-watch.ts')).followLogs(cli, command, id)
        return (await import('./activation-read.ts')).printLogs(cli, command, id)
      }),
    )
  group
    .command('result [id]')
    .description('print the result of an activation')
    .option(last, lastText)
    .action(
      handler(cli, async (id: string | undefined, _: object, command: Command) => {
        const { printResult } = await import('./activation-read.ts')
        return printResult(cli, command, id)
      }),
    )
  addPoll(group, cli)
  return group
}

function addList(group: Command, cli: Cli): void {
  group
    .command('list [name]')
    .description('list activations, newest first, of action NAME where one is given')
    .option('-s, --skip <n>', 'leave out the first N', wholeNumber, 0)
    .option('-l, --limit <n>', 'print at most N; 0 is as many as the server allows', wholeNumber, 30)
    .option('-f, --full', 'print whole records as JSON')
    .option('--since <ms>', 'only those that started at or after this time (ms since 1970)', wholeNumber)
    .option('--upto <ms>', 'only those that started at or before this time (ms since 1970)', wholeNumber)
    .action(
      handler(cli, async (name: string | undefined, _: object, command: Command) => {
        const { listActivations } = await import('./activation-read.ts')
        return listActivations(cli, command, name)
      }),
    )
}

function addPoll(group: Command, cli: Cli): void {
  group
    .command('poll [name]')
    .description('print the logs of activations as they end, until interrupted')
    .option('-e, --exit <seconds>', 'stop after this time', wholeNumber, 0)
    .option('--since-seconds <n>', 'begin this long ago', wholeNumber, 0)
    .option('--since-minutes <n>', 'begin this long ago', wholeNumber, 0)
    .option('--since-hours <n>', 'begin this long ago', wholeNumber, 0)
    .option('--since-days <n>', 'begin this long ago', wholeNumber, 0)
    .action(
      handler(cli, async (name: string | undefined, _: object, command: Command) => {
        const { pollActivations } = await import('./activation-watch.ts')
        return pollActivations(cli, command, name)
      }),
    )
}
