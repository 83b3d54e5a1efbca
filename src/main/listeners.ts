/** Where a server can be reached: TCP addresses for the public, a unix socket (or TCP with a token) for operators. */

import { createHash, timingSafeEqual } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { invalidCredentials, unauthenticated } from '../api/rejections.ts'
import { sendError } from '../api/respond.ts'
import { transactionIdOf } from '../api/transaction-id.ts'
import { Refusal } from '../model/errors.ts'
import type { IdSource } from '../model/ids.ts'

/** Listens on a TCP address; resolves with the port, which the system chooses when `port` is 0. Rejects with what to do about it. */
export function listenOnTcp(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => reject(explain(error, host, port))
    server.once('error', refused)
    server.listen({ host, port, backlog: 4096 }, () => {
      server.off('error', refused)
      const address = server.address() as AddressInfo
      resolve(address.port)
    })
  })
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} of ${host} is in use: stop what listens there, or choose another with --port (OW002)`,
    EACCES: `port ${port} may not be listened on by this user: choose one above 1023 with --port (OW002)`,
    EADDRNOTAVAIL: `${host} is not an address of this host: choose another with --host (OW002)`,
    ENOTFOUND: `${host} cannot be resolved: give an address with --host (OW002)`,
  }
  return new Error(reasons[error.code ?? ''] ?? `cannot listen on ${host}:${port}: ${error.message}`, { cause: error })
}

/** Listens on a unix socket that only this user can open. A socket file that a killed process left behind is replaced. */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  const directory = dirname(path)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const { uid, mode } = lstatSync(directory)
  if (uid !== process.getuid?.())
    throw new Error(`${directory} belongs to another user: remove it or choose another --data-dir (OW001)`)
  if ((mode & 0o077) !== 0) chmodSync(directory, 0o700)
  rmSync(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
  chmodSync(path, 0o600)
}

/** A request listener behind a token: `Authorization: Bearer TOKEN`, anything else is 401. */
export function behindToken(
  token: string,
  ids: Pick<IdSource, 'transactionId'>,
  handle: (req: IncomingMessage, res: ServerResponse) => void,
): (req: IncomingMessage, res: ServerResponse) => void {
  return (req, res) => {
    if (hasToken(req, token)) return handle(req, res)
    const refused = req.headers.authorization === undefined ? unauthenticated() : invalidCredentials()
    // No parsing of what strangers send: the body, if any, goes with the connection.
    const headers = { 'WWW-Authenticate': 'Bearer', Connection: 'close' }
    const error = new Refusal(refused.code, 401, refused.message, { headers, atRouting: true })
    sendError({ req, res, tid: transactionIdOf(req, ids) }, error)
  }
}

/** Whether a request has the token, which is never empty. How long the comparison takes says nothing about it. */
export function hasToken({ headers }: IncomingMessage, token: string): boolean {
  const given = headers.authorization
  return token !== '' && given !== undefined && timingSafeEqual(digest(given), digest(`Bearer ${token}`))
}

/** `HOST:PORT` in two. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1)) }
}

/** Of one length, whatever is compared. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** True when only this host can connect to that address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

/** True for an address that stands for all of this host's: what listens there listens at each of them. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** Stops accepting connections and closes those that carry no request. Resolves when the last one has ended, or at once when none ever came. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve()
    server.close(() => resolve())
    server.closeIdleConnections()
  })
}
