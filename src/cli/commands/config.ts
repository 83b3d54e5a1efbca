/** `stave config`: the configuration that a server started here would have. */

import { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { handler, optionsOf } from '../cli.ts'
import { usageError } from '../failure.ts'
import { formatTable, printJson } from '../output.ts'
import { addConfigOptions, loadPlatformConfig } from '../platform-config.ts'

/** Builds the command. */
export function configCommand(cli: Cli): Command {
  const command = new Command('config')
    .description('print the effective configuration and where each value comes from; secrets are masked')
    .argument('[prefix]', 'print only keys that begin with this, for example limits')
    .option('--changed', 'print only values that are not the default')
    .action(handler(cli, printConfig))
  return addConfigOptions(command)

  async function printConfig(prefix: string | undefined, _: object, self: Command): Promise<void> {
    const options = optionsOf<{ readonly changed?: boolean }>(self)
    const { configJson, configRows } = await import('../../config/print.ts')
    const loaded = await loadPlatformConfig(cli, self)
    const rows = configRows(loaded).filter(
      ({ key, source }) =>
        (prefix === undefined || isBelow(key, prefix)) && (options.changed !== true || source !== 'default'),
    )
    if (prefix !== undefined && !configRows(loaded).some(({ key }) => isBelow(key, prefix))) {
      throw usageError(`There is no configuration key '${prefix}'; \`stave config\` prints them all.`)
    }
    for (const warning of loaded.warnings) cli.shell.err(`warning: ${warning}\n`)
    if (options.json === true) {
      const all = configJson(loaded)
      return printJson(cli, Object.fromEntries(rows.map(({ key }) => [key, all[key]])))
    }
    const cells = rows.map(({ key, value, unit, origin }) => [key, unit === '' ? value : `${value} ${unit}`, origin])
    return cli.shell.out(formatTable(cli, ['KEY', 'VALUE', 'FROM'], cells))
  }
}

function isBelow(key: string, prefix: string): boolean {
  return key === prefix || key.startsWith(`${prefix}.`)
}
