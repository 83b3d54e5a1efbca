/** Where this process stands towards a bridge network of the engine: beside it on the engine's host, in it as a container, or neither. */

import { readFileSync } from 'node:fs'
import { BlockList } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { NetworkInspection } from './engine-answers.ts'

export type NetworkPlace =
  /** The bridge is an interface here. */
  | { readonly type: 'host' }
  /** This process is in a container of that network, at that address. */
  | { readonly type: 'member'; readonly address: string }
  | { readonly type: 'outside' }

/** What this process sees of its own network namespace. */
export interface OwnInterfaces {
  readonly names: readonly string[]
  /** IPv4. */
  readonly addresses: readonly string[]
}

const BRIDGE_NAME = 'com.docker.network.bridge.name'
const ICC = 'com.docker.network.bridge.enable_icc'

/** Options of a bridge with an interface of that name, on which containers do not reach each other. */
export function bridgeOptions(bridge: string): Readonly<Record<string, string>> {
  return { [ICC]: 'false', [BRIDGE_NAME]: bridge }
}

/** Name of its interface on the engine's host. */
export function bridgeOf({ name, networkId, options }: NetworkInspection): string {
  return options[BRIDGE_NAME] ?? (name === 'bridge' ? 'docker0' : `br-${networkId.slice(0, 12)}`)
}

export function placeOf(network: NetworkInspection, own: OwnInterfaces = ownInterfaces()): NetworkPlace {
  if (own.names.includes(bridgeOf(network))) return { type: 'host' }
  const [base = '', bits = ''] = network.subnet?.split('/') ?? []
  if (base === '') return { type: 'outside' }
  const subnet = new BlockList()
  subnet.addSubnet(base, Number(bits))
  const address = own.addresses.find((candidate) => subnet.check(candidate))
  return address === undefined ? { type: 'outside' } : { type: 'member', address }
}

/** Why this process reaches no container on the network, with what to do about it; undefined: it does. */
export function outOfReach(
  { name, options }: Pick<NetworkInspection, 'name' | 'options'>,
  place: NetworkPlace,
): string | undefined {
  const instead = 'or give it the network of the engine’s host (docker run --network host)'
  if (place.type === 'outside')
    return `containers on the network ${name} cannot be reached from here. A platform that runs in a container has to be on it (docker network create ${name}, docker run --network ${name}), ${instead}`
  if (place.type === 'member' && options[ICC] === 'false')
    return `the network ${name} keeps its containers from each other, and this platform, which runs in one of them, from all of them. Put it on one that does not (docker network create NAME, docker.network), ${instead}`
  return undefined
}

function ownInterfaces(): OwnInterfaces {
  return {
    // Node lists no interface without a carrier, such as a bridge that no container is on yet.
    names: [...readInterfaces().matchAll(/^\s*([^\s:]+):/gm)].map(([, name = '']) => name),
    addresses: Object.values(networkInterfaces()).flatMap((entries = []) =>
      entries.flatMap(({ family, address, internal }) => (family === 'IPv4' && !internal ? [address] : [])),
    ),
  }
}

/** Empty where there is no such file: on macOS, whose engines run in a virtual machine. */
function readInterfaces(): string {
  try {
    return readFileSync('/proc/self/net/dev', 'utf8')
  } catch {
    return ''
  }
}
