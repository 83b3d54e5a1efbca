/** Options that the commands which write an entity have in common. Their values are taken out of the arguments before (key-values.ts): here is what help says. */

import type { Command } from 'commander'

/** Adds `-p`, `-P`, `-a` and `-A`. */
export function addEntityOptions(command: Command): Command {
  return addParameterOptions(command, 'default parameter')
    .option('-a, --annotation <key value>', 'annotation; the value is JSON or text (may be repeated)')
    .option('-A, --annotation-file <file>', 'JSON file with an object of annotations')
}

/** Adds `-p` and `-P`; `what` says what a parameter is to this command. */
export function addParameterOptions(command: Command, what: string): Command {
  return command
    .option('-p, --param <key value>', `${what}; the value is JSON or text (may be repeated)`)
    .option('-P, --param-file <file>', 'JSON file with an object of parameters')
}
