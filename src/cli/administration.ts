/** Opens the administration of a data directory: through the server that runs on it, else directly on its files. */

import type { Command } from 'commander'
import { adminSocketPath } from '../config/runtime-paths.ts'
import type { Config } from '../config/schema.ts'
import type { NamespaceAdministration } from '../management/namespace-administration.ts'
import type { UserAdministration } from '../management/user-administration.ts'
import { systemClock } from '../model/clock.ts'
import { Refusal } from '../model/errors.ts'
import type { Cli } from './cli.ts'
import { CliError, EXIT } from './failure.ts'
import { loadPlatformConfig } from './platform-config.ts'
import type { AdminEndpoint } from './remote-administration.ts'
import { adminCaller, remoteAdministration, serverListens } from './remote-administration.ts'
import { remoteNamespaces } from './remote-namespaces.ts'

/** What operators do, wherever it is done. */
export interface Administration {
  readonly users: UserAdministration
  readonly namespaces: NamespaceAdministration
}

/**
 * Runs `work` on the users, limits and namespaces of the configured data directory (--data-dir). What the administration refuses ends as wskadmin ends: bad input
 * with exit code 2, anything else with 1.
 */
export async function administer(
  cli: Cli,
  command: Command,
  work: (administration: Administration) => Promise<number | void>,
): Promise<number | void> {
  const { config } = await loadPlatformConfig(cli, command)
  try {
    const endpoint = adminEndpoint(config)
    if (!(await serverListens(endpoint))) return await onFiles(config, work)
    const call = adminCaller(endpoint)
    return await work({ users: remoteAdministration(call), namespaces: remoteNamespaces(call) })
  } catch (error) {
    throw error instanceof Refusal ? asCliError(error) : error
  }
}

/** Where a server with this configuration has its admin API. */
export function adminEndpoint({ dataDir, internal }: Config): AdminEndpoint {
  if (internal.listen === 'unix') return { socketPath: adminSocketPath(dataDir) }
  return { address: internal.listen, token: internal.token }
}

/** The failure that a refusal of the administration is on the command line. */
export function asCliError(refused: Refusal): CliError {
  return new CliError(refused.status === 400 ? EXIT.usage : EXIT.general, refused.message, { cause: refused })
}

async function onFiles<Result>(
  config: Config,
  work: (administration: Administration) => Promise<Result>,
): Promise<Result> {
  const [
    { createNamespaceAdministration },
    { createUserAdministration },
    { randomCredentials },
    { openSqliteStores },
    { systemLimits },
  ] = await Promise.all([
    import('../management/namespace-administration.ts'),
    import('../management/user-administration.ts'),
    import('../management/credentials.ts'),
    import('../stores/sqlite/open.ts'),
    import('../config/limits.ts'),
  ])
  const stores = await openSqliteStores({ dataDir: config.dataDir, clock: systemClock, openNow: ['artifacts'] })
  try {
    // Nobody to tell: no server has the files open, and one that starts now reads them first.
    const deps = { store: stores.artifacts, credentials: randomCredentials(), changed: () => undefined }
    return await work({
      users: createUserAdministration(deps),
      namespaces: createNamespaceAdministration({ ...deps, system: systemLimits(config) }),
    })
  } finally {
    await stores.close()
  }
}
