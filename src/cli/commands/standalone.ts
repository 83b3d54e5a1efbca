/** `stave standalone`: the whole platform in this process until it is told to stop. */

import { Command } from 'commander'
import type { Config } from '../../config/schema.ts'
import { systemClock } from '../../model/clock.ts'
import { adminEndpoint } from '../administration.ts'
import type { BannerFacts } from '../banner.ts'
import { bannerText } from '../banner.ts'
import type { Cli } from '../cli.ts'
import { handler, optionsOf } from '../cli.ts'
import { generalError, messageOf } from '../failure.ts'
import { addConfigOptions, loadPlatformConfig } from '../platform-config.ts'
import { adminCaller, remoteAdministration, serverListens } from '../remote-administration.ts'
import { watchSignals } from '../signals.ts'
import { INSTALLED_AT, VERSION } from '../version.ts'

/** Builds the command: every key of the configuration is an option of it. */
export function standaloneCommand(cli: Cli): Command {
  const command = new Command('standalone')
    .description('run the whole platform in one process, over one data directory')
    .action(handler(cli, (_: object, self: Command) => serve(cli, self)))
  return addConfigOptions(command)
}

async function serve(cli: Cli, command: Command): Promise<number> {
  const loaded = await loadPlatformConfig(cli, command)
  await refuseSecondServer(loaded.config)
  const { level, format } = loaded.config.log
  const { createLogger } = await import('../../telemetry/pino-logger.ts')
  const log = await createLogger({ level, format, terminal: cli.shell.isTerminal, clock: systemClock })
  for (const warning of loaded.warnings) log.warn({}, warning)
  const interruption = watchSignals(cli.shell)
  try {
    const { startStandalone } = await import('../../main/standalone.ts')
    const path = cli.shell.env['PATH'] ?? ''
    const server = await startStandalone({ loaded, log, version: VERSION, installedAt: INSTALLED_AT, path })
    const facts = { ...server, version: VERSION, guestKey: await guestKeyOf(server.adminSocket) }
    if (optionsOf(command).json === true) cli.shell.out(`${JSON.stringify(factsJson(facts))}\n`)
    else if (format === 'pretty' || (format === 'auto' && cli.shell.isTerminal)) cli.shell.out(bannerText(facts))
    else {
      // Log lines for machines have standard output to themselves.
      log.info({ url: server.url, dataDir: server.dataDir, kinds: server.kinds }, 'listening')
      cli.shell.err(bannerText(facts))
    }
    await server.stop(await interruption.first)
    return 0
  } catch (error) {
    throw generalError(`The server could not start: ${messageOf(error)}`, error)
  } finally {
    log.flush()
    interruption.dispose()
  }
}

/** The stores would refuse it too, but only after they have waited for the other one to end. */
async function refuseSecondServer(config: Config): Promise<void> {
  if (!(await serverListens(adminEndpoint(config)))) return
  const { dataDir } = config
  throw generalError(
    `A server already runs on ${dataDir}: stop it, or choose another directory with --data-dir. (OW001)`,
  )
}

/** The key of the user guest, asked of the server itself: it may have been changed or removed since the first start. */
async function guestKeyOf(adminSocket: string | undefined): Promise<string | undefined> {
  if (adminSocket === undefined) return undefined
  try {
    const { uuid, key } = await remoteAdministration(adminCaller({ socketPath: adminSocket })).getKey('guest')
    return `${uuid}:${key}`
  } catch {
    // Only the banner needs it, and it says how to make one.
    return undefined
  }
}

function factsJson(facts: BannerFacts): object {
  const { version, url, dataDir, adminSocket, protections, kinds, absent, newKeys } = facts
  return { version, url, dataDir, adminSocket, protections, kinds, absent, newKeys }
}
