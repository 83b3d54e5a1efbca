/** The command line: finds the command, runs it, and turns what happened into an exit code. */

import { Command, CommanderError } from 'commander'
import type { Cli, CommandGroup } from './cli.ts'
import { COMMAND_GROUPS } from './command-groups.ts'
import { CliError, EXIT, messageOf } from './failure.ts'
import { addGlobalOptions, GLOBAL_OPTIONS_WITH_VALUE } from './global-options.ts'
import { keyValuesOf, takeKeyValues } from './key-values.ts'
import { printError } from './output.ts'
import type { Shell } from './shell.ts'
import { VERSION } from './version.ts'

const USAGE_POINTER = `Run 'stave --help' for usage.`

/** Runs `stave ARGS` and resolves with its exit code: 0, 1 general, 2 usage, 3 network, else an HTTP status as a byte. Never rejects. */
export async function main(args: readonly string[], shell: Shell): Promise<number> {
  const words = commandWords(args)
  const cli = { shell, keyValues: [], exitCode: EXIT.ok } satisfies Cli
  try {
    const { rest, keyValues } = takeKeyValues(args, keyValuesOf(words))
    const program = await buildProgram(Object.assign(cli, { keyValues }), words[0])
    await program.parseAsync(words[0] === 'user' ? rest.map((word) => longForm(word)) : rest, { from: 'user' })
    return cli.exitCode
  } catch (error) {
    return report(cli, error, args)
  }
}

/**
 * The program with the group named `wanted` loaded; the others are only names for the help. `'*'` loads all of them.
 */
export async function buildProgram(cli: Cli, wanted: string | undefined): Promise<Command> {
  const program = new Command('stave')
    .description("Functions as a service with OpenWhisk's API, from a laptop to a cluster.")
    .version(`stave ${VERSION}`, '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: cli.shell.out,
      writeErr: cli.shell.err,
      getOutHelpWidth: () => cli.shell.columns ?? 100,
    })
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError(USAGE_POINTER)
    .helpCommand(false)
  addGlobalOptions(program)
  for (const group of COMMAND_GROUPS) {
    if (wanted === '*' || wanted === group.name) program.addCommand(adopt(program, await group.load(cli)))
    else program.addCommand(placeholder(group))
  }
  return program
}

function placeholder({ name, summary }: CommandGroup): Command {
  return new Command(name).description(summary)
}

/** Gives a command that was built apart the program's output and error handling, all the way down. */
function adopt(parent: Command, command: Command): Command {
  command.copyInheritedSettings(parent)
  if (command.commands.length > 0) command.helpCommand(false)
  for (const child of command.commands) adopt(command, child)
  return command
}

/** The first two words of `args` that are neither options nor their values: the command's name. */
function commandWords(args: readonly string[]): readonly string[] {
  const words: string[] = []
  for (let index = 0; index < args.length && words.length < 2; index++) {
    const word = args[index] ?? ''
    if (GLOBAL_OPTIONS_WITH_VALUE.includes(word)) index += 1
    else if (!word.startsWith('-')) words.push(word)
  }
  return words
}

/** wskadmin's short form of --namespace has two letters, which option parsers take for two options. */
function longForm(word: string): string {
  return word === '-ns' ? '--namespace' : word
}

function report(cli: Cli, error: unknown, args: readonly string[]): number {
  if (error instanceof CommanderError) {
    // Commander has printed its message; asking for help or version is no error, leaving out a subcommand is one.
    if (error.exitCode === 0) return EXIT.ok
    return EXIT.usage
  }
  printError(cli, messageOf(error))
  if (error instanceof CliError) {
    if (error.exitCode === EXIT.usage) cli.shell.err(`${USAGE_POINTER}\n`)
    return error.exitCode
  }
  const verbose = args.includes('-v') || args.includes('--verbose')
  if (verbose && error instanceof Error && error.stack !== undefined) cli.shell.err(`${error.stack}\n`)
  return EXIT.general
}
