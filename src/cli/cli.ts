/** The command line's state for one run: the shell, the options that were given, and the exit code that came of it. */

import type { Command } from 'commander'
import type { GlobalOptions } from './global-options.ts'
import type { KeyValueArgument } from './key-values.ts'
import type { Shell } from './shell.ts'

export interface Cli {
  readonly shell: Shell
  /** `-p`, `-P`, `-a` and `-A` of the command line in their order. */
  readonly keyValues: readonly KeyValueArgument[]
  /** Set by the command that ran. */
  exitCode: number
}

/** A command's own and the global options, typed as `Options`. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- commander knows options at run time only; each command states its own
export function optionsOf<Options extends object>(command: Command): Options & GlobalOptions {
  return command.optsWithGlobals<Options & GlobalOptions>()
}

/** A group of commands, loaded only when it is called or its help is asked for. */
export interface CommandGroup {
  readonly name: string
  readonly summary: string
  readonly load: (cli: Cli) => Promise<Command>
}

/** An action handler that keeps the exit code the command returns. */
export function handler<Args extends readonly unknown[]>(
  cli: Cli,
  run: (...args: Args) => Promise<number | void>,
): (...args: Args) => Promise<void> {
  return async (...args) => {
    cli.exitCode = (await run(...args)) ?? 0
  }
}
