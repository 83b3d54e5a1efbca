/** `stave invoker`: the containers of this node for a control plane elsewhere, until it is told to stop. */

import { Command } from 'commander'
import { systemClock } from '../../model/clock.ts'
import type { RunningInvoker } from '../../main/invoker.ts'
import { protectionsLine } from '../../containers/protections.ts'
import { adminEndpoint } from '../administration.ts'
import type { Cli } from '../cli.ts'
import { handler, optionsOf } from '../cli.ts'
import { generalError, messageOf } from '../failure.ts'
import { addConfigOptions, loadPlatformConfig } from '../platform-config.ts'
import { serverListens } from '../remote-administration.ts'
import { watchSignals } from '../signals.ts'
import { VERSION } from '../version.ts'

/** Builds the command: every key of the configuration is an option of it. */
export function invokerCommand(cli: Cli): Command {
  const command = new Command('invoker')
    .description('run the containers of this node for the control plane at --invokers-url')
    .action(handler(cli, (_: object, self: Command) => serve(cli, self)))
  return addConfigOptions(command)
}

async function serve(cli: Cli, command: Command): Promise<number> {
  const loaded = await loadPlatformConfig(cli, command)
  const { config } = loaded
  if (await serverListens(adminEndpoint(config)))
    throw generalError(`${config.dataDir} is in use: choose another directory with --data-dir. (OW001)`)
  const { level, format } = config.log
  const { createLogger } = await import('../../telemetry/pino-logger.ts')
  const log = await createLogger({ level, format, terminal: cli.shell.isTerminal, clock: systemClock })
  for (const warning of loaded.warnings) log.warn({}, warning)
  const interruption = watchSignals(cli.shell)
  try {
    const { startInvoker } = await import('../../main/invoker.ts')
    const invoker = await startInvoker({ loaded, log, path: cli.shell.env['PATH'] ?? '' })
    const isJson = optionsOf(command).json === true
    cli.shell.out(isJson ? `${JSON.stringify(factsOf(invoker))}\n` : bannerOf(invoker, config.invokers.url))
    const reason = await Promise.race([interruption.first, invoker.replaced])
    await invoker.stop(reason)
    return 0
  } catch (error) {
    throw generalError(`The invoker could not start: ${messageOf(error)}`, error)
  } finally {
    log.flush()
    interruption.dispose()
  }
}

function bannerOf({ node, dataDir, protections, kinds }: RunningInvoker, url: string): string {
  return [
    `Stave ${VERSION}, invoker ${node} for ${url}`,
    `  data     ${dataDir}`,
    `  sandbox  ${protectionsLine(protections)}`,
    `  kinds    ${kinds.join(', ') || 'none'}`,
    '',
  ].join('\n')
}

function factsOf({ node, adminSocket, dataDir, protections, kinds, absent }: RunningInvoker): object {
  return { version: VERSION, node, adminSocket, dataDir, protections, kinds, absent }
}
