/**
 * Isolated networks as root: a bridge, and a network namespace with a virtual cable to it for each container. Namespaces are made ahead and used again
 * when their container has ended (nothing of a network outlives its processes): making one takes ten times as long as entering it.
 */

import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import type { ContainerNetworks } from './container-networks.ts'
import type { ApiEndpoint, Resolvers } from '../host/network-addresses.ts'
import { withHost } from '../host/network-addresses.ts'
import type { NetworkRules } from '../host/network-rules.ts'
import { iptablesChains, iptablesRules, nftRules } from '../host/network-rules.ts'
import { runTool } from '../host/run-tool.ts'

export interface BridgeTools {
  readonly ip: string
  readonly nsenter: string
  /** Absolute paths; at least one is there. iptables is preferred: see `iptablesRules`. */
  readonly iptables: string | undefined
  readonly nft: string | undefined
}

export interface BridgeOptions {
  readonly tools: BridgeTools
  /** `stave-` and twelve hexadecimal digits, unique to the data directory. */
  readonly group: string
  readonly api: ApiEndpoint
  readonly resolvers: Resolvers
  readonly files: Readonly<Record<string, string>>
}

/** Unused namespaces that are kept. */
const KEPT = 16
/** Containers of one bridge: a /20 less network, gateway and broadcast. */
const ADDRESSES = 4093
const NAMESPACES = '/run/netns'
const FORWARDING = '/proc/sys/net/ipv4/ip_forward'

/** Prepares the bridge; removes what an earlier process left of it. Rejects when the host refuses; nothing is left then. */
export async function openBridgedNetworks(options: BridgeOptions): Promise<ContainerNetworks> {
  const { tools, group, api } = options
  const id = group.slice(group.indexOf('-') + 1)
  const bridge = `stv${id}`
  const name = `stave${id}`
  await removeAll(tools, group, bridge, name)
  const network = freeNetwork(Number.parseInt(id.slice(0, 4), 16))
  const forwarding = readFileSync(FORWARDING, 'utf8').trim() === '1'
  const rules: NetworkRules = {
    name,
    bridge,
    subnet: `${network}.0.0/20`,
    gateway: `${network}.0.1`,
    resolvers: options.resolvers.addresses,
    api,
    forwardNothingElse: !forwarding,
    refusePrivate: true,
    masquerade: true,
  }
  try {
    await runTool(
      tools.ip,
      ['-batch', '-'],
      `link add ${bridge} type bridge\naddr add ${rules.gateway}/20 dev ${bridge}\nlink set ${bridge} up\n`,
    )
    // The filter stands before the first container and before anything is forwarded.
    disableIpv6(bridge)
    if (tools.iptables === undefined) await runTool(tools.nft ?? 'nft', ['-f', '-'], nftRules(rules))
    else await runTool(`${tools.iptables}-restore`, ['--noflush'], iptablesRules(rules))
    if (!forwarding) writeFileSync(FORWARDING, '1')
  } catch (error) {
    await removeAll(tools, group, bridge, name)
    throw error
  }

  const spare: string[] = []
  let made = 0
  let closed = false
  const make = async (): Promise<string> => {
    const number = made++
    if (number >= ADDRESSES) throw new Error(`all ${ADDRESSES} addresses of isolated networks are taken`)
    const namespace = `${group}-${number}`
    await makeNamespace(tools.ip, { namespace, number, bridge, network, gateway: rules.gateway })
    return namespace
  }
  const provide = (): void => {
    if (spare.length > 0 || closed) return
    make().then(
      (namespace) => spare.push(namespace),
      // The next lease tries again and tells why it fails.
      () => undefined,
    )
  }
  provide()
  const loopback = api.addresses.length === 0
  return {
    mode: 'isolated',
    apiHost: loopback ? withHost(api.url, rules.gateway) : api.url.origin,
    apiAddress: rules.gateway,
    files: options.files,
    async lease() {
      const namespace = spare.pop() ?? (await make())
      provide()
      const path = `${NAMESPACES}/${namespace}`
      return {
        namespace: path,
        command: [tools.nsenter, `--net=${path}`, '--'],
        async release() {
          if (!closed && spare.length < KEPT) spare.push(namespace)
          else await runTool(tools.ip, ['netns', 'del', namespace])
        },
      }
    },
    async close() {
      if (closed) return
      closed = true
      await removeAll(tools, group, bridge, name)
      if (!forwarding) writeFileSync(FORWARDING, '0')
    },
  }
}

async function makeNamespace(
  ip: string,
  of: {
    readonly namespace: string
    readonly number: number
    readonly bridge: string
    readonly network: string
    readonly gateway: string
  },
): Promise<void> {
  const { namespace, bridge } = of
  // Interface names have 15 characters: the number is enough, with the bridge's first digits.
  const cable = `${bridge.slice(0, 9)}${of.number.toString(16)}`
  const host = of.number + 2
  const address = `${of.network}.${host >> 8}.${host & 255}`
  await runTool(
    ip,
    ['-batch', '-'],
    [
      `netns add ${namespace}`,
      `link add ${cable} type veth peer name eth0 netns ${namespace}`,
      `link set ${cable} master ${bridge}`,
      // Containers reach the bridge, not each other.
      `link set ${cable} type bridge_slave isolated on`,
      `link set ${cable} up`,
      '',
    ].join('\n'),
  )
  await runTool(
    ip,
    ['-n', namespace, '-batch', '-'],
    [
      'link set lo up',
      `addr add ${address}/20 dev eth0`,
      'link set eth0 up',
      `route add default via ${of.gateway}`,
      '',
    ].join('\n'),
  )
}

/** Removes namespaces, bridge and filter, as far as they are there. */
async function removeAll(tools: BridgeTools, group: string, bridge: string, name: string): Promise<void> {
  for (const namespace of namespacesOf(group)) await attempt(tools.ip, ['netns', 'del', namespace])
  await attempt(tools.ip, ['link', 'del', bridge])
  if (tools.nft !== undefined) await attempt(tools.nft, ['delete', 'table', 'inet', name])
  if (tools.iptables !== undefined) {
    const { forward, input, nat } = iptablesChains(name)
    const places = [
      ['filter', 'FORWARD', forward],
      ['filter', 'INPUT', input],
      ['nat', 'POSTROUTING', nat],
    ] as const
    for (const [table, place, chain] of places) {
      await attempt(tools.iptables, ['-t', table, '-D', place, '-j', chain])
      await attempt(tools.iptables, ['-t', table, '-F', chain])
      await attempt(tools.iptables, ['-t', table, '-X', chain])
    }
  }
}

/** For removals: what is not there need not be removed, and what is there and stays fails the start that follows. */
function attempt(file: string, args: readonly string[]): Promise<string> {
  return runTool(file, args).catch(() => '')
}

function namespacesOf(group: string): readonly string[] {
  try {
    return readdirSync(NAMESPACES).filter((name) => name.startsWith(`${group}-`))
  } catch {
    return []
  }
}

/** First two numbers of a network 10.X.0.0/20 that no route of the host touches, searched from a place that differs between data directories. */
function freeNetwork(seed: number): string {
  // /proc/net/route has destinations as little-endian hexadecimal: the last two digits are the first number.
  const taken = new Set(
    readFileSync('/proc/net/route', 'utf8')
      .split('\n')
      .flatMap((line) => {
        const destination = line.split('\\t')[1] ?? ''
        return destination.endsWith('0A') ? [Number.parseInt(destination.slice(4, 6), 16)] : []
      }),
  )
  for (let tried = 0; tried < 100; tried++) {
    const second = 130 + ((seed + tried) % 100)
    if (!taken.has(second)) return `10.${second}`
  }
  throw new Error('no free network 10.130.0.0/16 to 10.229.0.0/16 for containers')
}

/** Over IPv6 the host's own services would be reached by the bridge's link-local address. */
function disableIpv6(bridge: string): void {
  try {
    writeFileSync(`/proc/sys/net/ipv6/conf/${bridge}/disable_ipv6`, '1')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    // A kernel without IPv6.
  }
}
