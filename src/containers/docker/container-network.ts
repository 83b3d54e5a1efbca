/**
 * The bridge network of the containers: made once, on which they reach neither each other nor this host's ports but the API's. A platform that is itself a
 * container of the engine is either on the network of the engine's host, and then does the same, or on a network of containers that somebody has made for both.
 */

import type { ApiEndpoint } from '../host/network-addresses.ts'
import { findResolvers, withHost } from '../host/network-addresses.ts'
import type { NetworkRules } from '../host/network-rules.ts'
import { iptablesChains, iptablesRules, nftRemoval, nftRules } from '../host/network-rules.ts'
import { findTool } from '../host/find-tool.ts'
import { missingForPacketFilter } from '../host/packet-filter-rights.ts'
import { runTool } from '../host/run-tool.ts'
import type { NetworkInspection } from './engine-answers.ts'
import type { EngineClient } from './engine-client.ts'
import { EngineError } from './engine-transport.ts'
import type { NetworkPlace } from './network-place.ts'
import { bridgeOf, bridgeOptions, outOfReach, placeOf } from './network-place.ts'
import type { DockerLog, DockerNetworkMode } from './settings.ts'
import { INSTANCE_LABEL } from './settings.ts'

export interface ContainerNetwork {
  readonly name: string
  /** This process's address in it, at which the API must listen as well; undefined where the API is on no loopback address, or the engine on another host. */
  readonly apiAddress: string | undefined
  /** Base URL of the API as containers reach it. */
  readonly apiHost: string
  /** Why containers may reach ports of this host that they should not; undefined when a packet filter keeps them from it. */
  readonly unguarded: string | undefined
  /** Puts the packet filter up again: an engine that starts anew puts its own rules in front. */
  guard(): Promise<void>
  /** Removes the filter, and the network where it was made by this. */
  close(): Promise<void>
}

export interface ContainerNetworkOptions {
  readonly client: Pick<EngineClient, 'inspectNetwork' | 'createNetwork' | 'removeNetwork'>
  readonly name: string
  readonly mode: DockerNetworkMode
  readonly instance: string
  readonly api: ApiEndpoint
  /** Containers are reached by their addresses in it: it has to be within reach from here. */
  readonly byAddress: boolean
  readonly log: DockerLog
  /** Finds programs of the host; default: in the system's directories. */
  readonly findTool?: (name: string) => string | undefined
}

const CONFLICT = 409
/** Networks that every engine has. */
const BUILT_IN = new Set(['bridge', 'host', 'none'])

/** Finds or makes the network. Rejects with what to change where one of that name can not be used. */
export async function openContainerNetwork(options: ContainerNetworkOptions): Promise<ContainerNetwork> {
  const { client, mode, instance, api, byAddress, log } = options
  const found = await findUsable(options)
  const { name } = found
  const network = found.network ?? (await create({ ...options, name }))
  const ours = network.labels[INSTANCE_LABEL] === instance
  refuseUnfit(network, mode)
  const place = byAddress ? placeOf(network) : undefined
  if (place !== undefined) {
    const unreachable = outOfReach({ ...network, name: options.name }, place)
    if (unreachable !== undefined) {
      // Made just now, and of no use to anybody.
      if (found.network === undefined) await client.removeNetwork(name).catch(() => undefined)
      throw new Error(unreachable)
    }
  }
  const loopback = api.addresses.length === 0
  const apiAddress = loopback && mode !== 'none' ? addressIn(network, place) : undefined
  const filter = place?.type === 'host' ? hostFilter(network, options) : undefined
  let problem = filter === undefined ? unfiltered(place) : undefined

  const guard = async (): Promise<void> => {
    if (filter === undefined) return
    try {
      await filter.load()
      problem = undefined
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
    }
  }
  await guard()
  if (problem !== undefined) {
    log.warn({ network: name }, `containers may reach what they should not: ${problem}`)
  }

  return {
    name,
    apiAddress,
    apiHost: apiAddress === undefined ? api.url.origin : withHost(api.url, apiAddress),
    get unguarded() {
      return problem
    },
    guard,
    async close() {
      await filter?.remove()
      // Containers of others may be in it; a network that is in use stays.
      if (ours) await client.removeNetwork(name).catch(() => undefined)
    },
  }
}

/**
 * The network of that name, if it is there. One that another platform has made is filtered for that platform's API alone, and goes with it: then it is one of
 * another name.
 */
async function findUsable({ client, name, instance }: ContainerNetworkOptions): Promise<{
  readonly name: string
  readonly network: NetworkInspection | undefined
}> {
  const network = await client.inspectNetwork(name)
  const maker = network?.labels[INSTANCE_LABEL]
  if (maker === undefined || maker === instance) return { name, network }
  const own = `${name}-${instance.slice(0, 12)}`
  return { name: own, network: await client.inspectNetwork(own) }
}

async function create({ client, name, mode, instance }: ContainerNetworkOptions): Promise<NetworkInspection> {
  const body = {
    Name: name,
    Driver: 'bridge',
    CheckDuplicate: true,
    // Internal: no way out and no gateway of its own; the engine still gives the bridge an address.
    Internal: mode === 'none',
    Labels: { [INSTANCE_LABEL]: instance },
    // Interface names have 15 characters.
    Options: bridgeOptions(`stv${instance.slice(0, 12)}`),
  }
  try {
    await client.createNetwork(body)
  } catch (error) {
    if (!(error instanceof EngineError && error.status === CONFLICT)) throw error
  }
  const made = await client.inspectNetwork(name)
  if (made === undefined) throw new Error(`the engine made the network ${name} and does not know it`)
  return made
}

/** A network that somebody else made is taken as it is, but for what would not work or would promise what it does not keep. */
function refuseUnfit(network: NetworkInspection, mode: DockerNetworkMode): void {
  const { name } = network
  const change = 'Name another one with docker.network, or remove it.'
  if (name === 'host' || name === 'none') {
    throw new Error(`containers cannot be reached one by one on the network ${name} of the engine. ${change}`)
  }
  if (BUILT_IN.has(name)) return
  if ((mode === 'none') !== network.internal) {
    const what = network.internal ? 'has no way out' : 'has a way out'
    throw new Error(
      `the network ${name} of the engine ${what}, which is not what containers.network ${mode} asks for. ${change}`,
    )
  }
}

/** This process's own address in the network. */
function addressIn({ gateway }: NetworkInspection, place: NetworkPlace | undefined): string | undefined {
  if (place?.type === 'member') return place.address
  return place?.type === 'host' ? gateway : undefined
}

/** Why there is nothing to filter with. */
function unfiltered(place: NetworkPlace | undefined): string {
  if (place?.type === 'member')
    return 'the platform is a container of their network: they reach each other, and the engine’s host'
  return place?.type === 'host' ? 'the network has no IPv4 bridge' : 'the engine runs on another host'
}

interface HostFilter {
  load(): Promise<void>
  remove(): Promise<void>
}

/** The filter in front of this host's ports. nft where there is one: what its table refuses is refused whatever the engine's own rules say. */
function hostFilter(network: NetworkInspection, options: ContainerNetworkOptions): HostFilter | undefined {
  const { subnet, gateway } = network
  if (subnet === undefined || gateway === undefined) return undefined
  const bridge = bridgeOf(network)
  const name = `stave${options.instance.slice(0, 12)}d`
  const rules: NetworkRules = {
    name,
    bridge,
    subnet,
    gateway,
    resolvers: options.mode === 'none' ? [] : findResolvers().addresses,
    api: options.mode === 'none' ? undefined : options.api,
    forwardNothingElse: false,
    refusePrivate: options.mode === 'isolated',
    masquerade: false,
  }
  const find = options.findTool ?? findTool
  const nft = find('nft')
  const iptables = find('iptables')
  const removeNft = (): Promise<unknown> =>
    nft === undefined ? Promise.resolve() : runTool(nft, ['delete', 'table', 'inet', name]).catch(() => undefined)
  const removeIptables = async (): Promise<void> => {
    if (iptables === undefined || nft !== undefined) return
    const { forward, input } = iptablesChains(name)
    for (const [place, chain] of [
      ['FORWARD', forward],
      ['INPUT', input],
    ] as const) {
      for (const args of [
        ['-D', place, '-j', chain],
        ['-F', chain],
        ['-X', chain],
      ]) {
        await runTool(iptables, args).catch(() => undefined)
      }
    }
  }
  return {
    async load() {
      const missing = missingForPacketFilter(find)
      if (missing !== undefined) throw new Error(missing)
      // In one transaction each: there is no moment without a filter.
      if (nft !== undefined) return void (await runTool(nft, ['-f', '-'], `${nftRemoval(name)}${nftRules(rules)}`))
      const present = await runTool(iptables ?? 'iptables', ['-S'])
      await runTool(`${iptables ?? 'iptables'}-restore`, ['--noflush'], iptablesRules(rules, present))
    },
    async remove() {
      await removeNft()
      await removeIptables()
    },
  }
}
