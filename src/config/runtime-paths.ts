/** Where a running platform keeps its unix sockets: server and command line compute the same path from the data directory. */

import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** The kernel takes 107 bytes on Linux and 103 on macOS; a longer path fails with a message that does not say so. */
const MAX_SOCKET_PATH_BYTES = 100
const ADMIN_SOCKET = 'admin.sock'

/**
 * The directory for sockets: `<dataDir>/run`, or, where socket paths in it would be too long, one below the temporary directory named after the
 * data directory. Whoever listens there creates it with mode 0700 and checks that it is its own.
 */
export function runDirectory(dataDir: string, temporary: string = tmpdir()): string {
  const wanted = join(resolve(dataDir), 'run')
  if (Buffer.byteLength(join(wanted, ADMIN_SOCKET)) <= MAX_SOCKET_PATH_BYTES) return wanted
  const name = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 16)
  return join(temporary, `stave-${name}`)
}

/** The socket that the admin API listens on. */
export function adminSocketPath(dataDir: string, temporary: string = tmpdir()): string {
  return join(runDirectory(dataDir, temporary), ADMIN_SOCKET)
}
