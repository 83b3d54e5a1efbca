/** Options that every command takes, before or after its name. */

import type { Command } from 'commander'

export interface GlobalOptions {
  readonly apihost?: string
  readonly auth?: string
  readonly insecure?: boolean
  readonly json?: boolean
  readonly verbose?: boolean
  readonly dataDir?: string
}

/** Those of them that are followed by a value: needed to find the command's name in the arguments. */
export const GLOBAL_OPTIONS_WITH_VALUE: readonly string[] = ['--apihost', '--auth', '-u', '--data-dir']

/** Adds the options to the program. */
export function addGlobalOptions(program: Command): void {
  program
    .option('--apihost <url>', 'API host, for example http://127.0.0.1:3233 (https where no scheme is given)')
    .option('-u, --auth <uuid:key>', 'credentials')
    .option('-i, --insecure', 'accept any TLS certificate')
    .option('--json', 'print JSON instead of text')
    .option('-v, --verbose', 'print requests and answers on standard error')
    .option('--data-dir <path>', 'data directory of the platform')
}
