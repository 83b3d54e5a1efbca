/** The internal listener of a role: probes, metrics and the admin API, on a unix socket of its data directory or, with a token, on TCP. */

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createHttpServer } from '../api/http-server.ts'
import { adminSocketPath } from '../config/runtime-paths.ts'
import type { Config } from '../config/schema.ts'
import type { IdSource } from '../model/ids.ts'
import { behindToken, listenOnSocket, listenOnTcp, splitAddress } from './listeners.ts'

/** Opens it and adds it to `servers`; resolves with the socket's path, or undefined on TCP. */
export async function listenForOperators(
  config: Pick<Config, 'internal' | 'dataDir'>,
  servers: Server[],
  ids: IdSource,
  handle: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<string | undefined> {
  const { listen, token } = config.internal
  if (listen === 'unix') {
    const path = adminSocketPath(config.dataDir)
    const server = createHttpServer(handle)
    await listenOnSocket(server, path)
    servers.push(server)
    return path
  }
  const server = createHttpServer(behindToken(token, ids, handle))
  const { host, port } = splitAddress(listen)
  await listenOnTcp(server, host, port)
  servers.push(server)
  return undefined
}
