/**
 * Isolated networks for an ordinary user: `pasta` makes a network namespace and carries its connections out by sockets of the host. It has no filter;
 * routes that prohibit, set before the container gives up its privileges, do the same by address.
 */

import { networkInterfaces } from 'node:os'
import type { ContainerNetworks } from './container-networks.ts'
import type { ApiEndpoint, Resolvers } from '../host/network-addresses.ts'
import { REFUSED_NETWORKS } from '../host/network-addresses.ts'

export interface PastaOptions {
  readonly pasta: string
  readonly sh: string
  readonly ip: string
  readonly api: ApiEndpoint
  readonly resolvers: Resolvers
  readonly files: Readonly<Record<string, string>>
}

/** A point-to-point network that nobody else uses: the container's address and that of its gateway. */
const ADDRESS = '10.255.255.254'
const GATEWAY = '10.255.255.253'

/** Sets the routes, then goes on to the command. Arguments: ip, gateway, addresses that are let through, `--`, networks that are not, `--`, command. */
const ROUTES_SCRIPT = `
ip=$1 gateway=$2; shift 2
while [ "$1" != -- ]; do "$ip" route replace "$1" via "$gateway" || exit 125; shift; done; shift
while [ "$1" != -- ]; do "$ip" route add prohibit "$1" || exit 125; shift; done; shift
exec "$@"
`

/** Networks by pasta. Nothing is prepared: each container's network comes and goes with its process. */
export function pastaNetworks(options: PastaOptions): ContainerNetworks {
  const { api } = options
  const loopback = api.addresses.length === 0
  const own = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ family, address, internal }) => (family === 'IPv4' && !internal ? [address] : [])),
  )
  const allowed = [...new Set([...options.resolvers.addresses, ...api.addresses])]
  // Through pasta the host's own addresses lead back to its services.
  const refused = [...REFUSED_NETWORKS, ...own.filter((address) => !allowed.includes(address))]
  const command = [
    options.pasta,
    ...['--config-net', '--no-map-gw', '--quiet', '--foreground', '--ipv4-only'],
    ...['--address', ADDRESS, '--netmask', '255.255.255.252', '--gateway', GATEWAY],
    // The container's loopback leads to the host's for the API's port, and for nothing else in either direction.
    ...['--tcp-ports', 'none', '--udp-ports', 'none', '--udp-ns', 'none'],
    ...['--tcp-ns', loopback ? String(api.port) : 'none', '--'],
    ...[options.sh, '-c', ROUTES_SCRIPT, 'stave-routes', options.ip, GATEWAY],
    ...[...allowed, '--', ...refused, '--'],
  ]
  return {
    mode: 'isolated',
    apiHost: loopback ? api.url.origin : options.api.url.origin,
    apiAddress: undefined,
    files: options.files,
    lease: () => Promise.resolve({ command, release: () => Promise.resolve() }),
    close: () => Promise.resolve(),
  }
}
