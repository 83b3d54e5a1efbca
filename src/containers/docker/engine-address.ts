/** Where a Docker Engine listens, in the forms that `DOCKER_HOST` takes: `unix:///path`, `tcp://host:port`, `http://…`, `https://…`. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface EngineTls {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  /** False: the engine's certificate is not checked against `ca`. */
  readonly verify: boolean
}

export type EngineAddress =
  | { readonly type: 'socket'; readonly path: string }
  | { readonly type: 'tcp'; readonly origin: string; readonly host: string; readonly tls: EngineTls | undefined }

/** Ports of the Engine API by convention, without and with TLS. */
const PLAIN_PORT = 2375
const TLS_PORT = 2376

/**
 * Reads an address. `certPath` is a directory with `ca.pem`, `cert.pem` and `key.pem`, as the Docker command line has it; with one, or with `tlsVerify`, a
 * `tcp://` address is spoken to with TLS. Throws with what is wrong and what would be right.
 */
export function parseEngineAddress(text: string, certPath: string, tlsVerify: boolean): EngineAddress {
  const path = /^unix:\/\/(\/.+)$/.exec(text)?.[1]
  if (path !== undefined) return { type: 'socket', path }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^(tcp|https?):$/.test(url.protocol) || url.hostname === '') {
    throw new Error(
      `${text} is not the address of a Docker Engine: use unix:///var/run/docker.sock, tcp://HOST:PORT or https://HOST:PORT (docker.host)`,
    )
  }
  const secure = url.protocol === 'https:' || (url.protocol === 'tcp:' && (certPath !== '' || tlsVerify))
  const port = url.port === '' ? (secure ? TLS_PORT : PLAIN_PORT) : Number(url.port)
  return {
    type: 'tcp',
    origin: `${secure ? 'https' : 'http'}://${url.hostname}:${port}`,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    tls: secure ? readTls(certPath, tlsVerify) : undefined,
  }
}

/** The address as people name it, for messages. */
export function describeAddress(address: EngineAddress): string {
  return address.type === 'socket' ? `unix://${address.path}` : address.origin
}

function readTls(certPath: string, verify: boolean): EngineTls {
  const file = (name: string): string | undefined => {
    if (certPath === '') return undefined
    const path = join(certPath, name)
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw new Error(`${path} cannot be read (docker.certPath): ${String(error)}`, { cause: error })
    }
  }
  return { ca: file('ca.pem'), cert: file('cert.pem'), key: file('key.pem'), verify }
}
