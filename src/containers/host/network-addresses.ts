/** Which addresses containers with an isolated network reach: the Internet, the resolvers and the API; nothing private, nothing of this host. */

import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'

/**
 * Refused: "this" network, private use, carrier NAT, loopback, link-local (with the clouds' metadata services), benchmarking, multicast and reserved
 * (RFC 6890). IPv6 is off in these networks.
 */
export const REFUSED_NETWORKS: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
]

/** The API as the platform knows it and as containers are to reach it. */
export interface ApiEndpoint {
  readonly url: URL
  readonly port: number
  /** Addresses that the URL's name stands for; empty for the host's loopback, which nobody else can reach. */
  readonly addresses: readonly string[]
}

/** Takes the API's URL apart and resolves its name. Rejects when the name cannot be resolved. */
export async function findApi(apiHost: string): Promise<ApiEndpoint> {
  const url = new URL(apiHost)
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  const name = url.hostname.replace(/^\[|\]$/g, '')
  if (name === 'localhost' || name === '::1' || name === '0.0.0.0' || name === '::' || name.startsWith('127.')) {
    return { url, port, addresses: [] }
  }
  const found = isIPv4(name) ? [name] : (await lookup(name, { all: true, family: 4 })).map(({ address }) => address)
  return { url, port, addresses: found }
}

/** The URL with another host, without the slash that URL adds. */
export function withHost(url: URL, host: string): string {
  const changed = new URL(url)
  changed.hostname = host
  return changed.origin
}

export interface Resolvers {
  /** IPv4 addresses of name servers that can be reached from another network than the host's loopback. */
  readonly addresses: readonly string[]
  /** Text of a resolv.conf with these. */
  readonly file: string
}

/** Where systemd-resolved, whose stub listens on loopback, names the servers that it asks. */
const SOURCES = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf', '/run/NetworkManager/no-stub-resolv.conf']

/** The host's name servers as containers can use them. */
export function findResolvers(sources: readonly string[] = SOURCES): Resolvers {
  for (const source of sources) {
    const lines = readLines(source)
    const addresses = lines.flatMap((line) => {
      const address = /^nameserver\s+(\S+)/.exec(line)?.[1]
      return address !== undefined && isIPv4(address) && !address.startsWith('127.') ? [address] : []
    })
    if (addresses.length === 0) continue
    const rest = lines.filter((line) => /^(search|domain|options)\s/.test(line))
    const file = [...addresses.map((address) => `nameserver ${address}`), ...rest].join('\n')
    return { addresses, file: `${file}\n` }
  }
  return { addresses: [], file: '# The host has no name server that can be reached from here.\n' }
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch {
    return []
  }
}
