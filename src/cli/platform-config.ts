/** The platform's configuration as the server on this host would load it, with the command line's flags on top. */

import { readFileSync } from 'node:fs'
import { Option } from 'commander'
import type { Command } from 'commander'
import type { LoadedConfig } from '../config/load.ts'
import { FLAGS } from '../config/sources/flags.ts'
import type { Cli } from './cli.ts'
import { optionsOf } from './cli.ts'
import { CliError, EXIT, messageOf } from './failure.ts'

/** Flags that are options of every command already. */
const GLOBAL_FLAGS: ReadonlySet<string> = new Set(['data-dir'])

/** Adds every configuration key as an option of `command`; `hidden` ones are taken but not in its help. */
export function addConfigOptions(command: Command, hidden = false): Command {
  for (const { name, argument, description, common } of FLAGS) {
    if (GLOBAL_FLAGS.has(name)) continue
    const option = new Option(`--${name} ${argument}`, description)
    if (hidden) option.hideHelp()
    command.addOption(option.helpGroup(common ? 'Common options:' : 'Configuration (docs/configuration.md):'))
  }
  return command
}

/**
 * Loads the configuration from file, environment and the flags of `command`; `overrides` win over them. Rejects with a usage error that lists
 * everything that is wrong.
 */
export async function loadPlatformConfig(
  cli: Cli,
  command: Command,
  overrides: Readonly<Record<string, string>> = {},
): Promise<LoadedConfig> {
  const { loadConfig, ConfigError } = await import('../config/load.ts')
  const given = optionsOf<Record<string, string | boolean | undefined>>(command)
  const names = FLAGS.map(({ name }) => ({
    name,
    option: name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
  }))
  const flags = Object.fromEntries(names.map(({ name, option }) => [name, given[option]]))
  try {
    return await loadConfig({
      flags: { ...flags, ...overrides },
      env: cli.shell.env,
      readFile: (path) => readFileSync(path, 'utf8'),
      homedir: cli.shell.homedir,
      cwd: cli.shell.cwd,
    })
  } catch (error) {
    if (error instanceof ConfigError) throw new CliError(EXIT.usage, messageOf(error), { cause: error })
    throw error
  }
}
