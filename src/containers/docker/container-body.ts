/** The Engine API's create body of a container: what bounds it, what it may do, what it sees. */

import type { ContainerSpec } from '../container-factory.ts'
import type { CreateBody, HostConfigBody } from './create-body.ts'
import { merge } from './extra-arguments.ts'
import type { DockerFactorySettings } from './settings.ts'
import { CONCURRENT_LABEL, ID_LABEL, INSTANCE_LABEL, POOL_LABELS } from './settings.ts'

export const RUNTIME_PORT = '8080/tcp'

export interface ContainerPlace {
  readonly image: string
  /** The image says that it can do with a read-only root file system. */
  readonly readOnlyRoot: boolean
  readonly networkName: string
  /** The engine has an init, and it is wanted. */
  readonly init: boolean
  /** Address of the engine's host that the runtime's port is published on, empty for all of them; undefined where the container's own address is used. */
  readonly publishedOn: string | undefined
  readonly apiHost: string
  /** Memory and processors that all containers share. */
  readonly capacity: { readonly memoryMb: number; readonly cpuMilli: number }
}

const MB = 1024 * 1024
/** Output that the engine keeps of a container, twice: it is read as it comes, and the longest log of an activation is 10 MB. */
const LOG_FILE_MB = 16

/** The body for `POST /containers/create`, with `extra` laid over it; what tells whose the container is stays. */
export function containerBody(spec: ContainerSpec, place: ContainerPlace, settings: DockerFactorySettings): CreateBody {
  const env = [
    ...settings.extraEnv,
    `__OW_API_HOST=${place.apiHost}`,
    ...(spec.concurrent ? ['__OW_ALLOW_CONCURRENT=true'] : []),
  ]
  const labels = {
    [INSTANCE_LABEL]: settings.instance,
    [ID_LABEL]: spec.id,
    [POOL_LABELS]: JSON.stringify(spec.labels),
    ...(spec.concurrent && { [CONCURRENT_LABEL]: 'true' }),
  }
  const body: CreateBody = {
    Image: place.image,
    OpenStdin: false,
    Tty: false,
    Env: env,
    ...(place.publishedOn !== undefined && { ExposedPorts: { [RUNTIME_PORT]: {} } }),
    HostConfig: hostConfig(spec, place, settings),
  }
  return merge(merge(body, settings.extra), { Labels: labels })
}

function hostConfig(spec: ContainerSpec, place: ContainerPlace, settings: DockerFactorySettings): HostConfigBody {
  const bytes = spec.memoryMb * MB
  return {
    NetworkMode: place.networkName,
    Memory: bytes,
    // Equal: no swap.
    MemorySwap: bytes,
    ...processorTime(spec, place.capacity, settings.cpuLimit),
    PidsLimit: settings.processes,
    Ulimits: [{ Name: 'nofile', Soft: settings.openFiles, Hard: settings.openFiles }],
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    ...(place.readOnlyRoot && {
      ReadonlyRootfs: true,
      Tmpfs: { '/tmp': `rw,exec,nosuid,nodev,mode=1777,size=${settings.tmpMb}m` },
    }),
    LogConfig: { Type: 'json-file', Config: { 'max-size': `${LOG_FILE_MB}m`, 'max-file': '2' } },
    RestartPolicy: { Name: 'no' },
    ...(place.init && { Init: true }),
    ...dns(settings),
    ...(place.publishedOn !== undefined && {
      PortBindings: { [RUNTIME_PORT]: [{ HostIp: place.publishedOn, HostPort: '' }] },
    }),
  }
}

/** As OpenWhisk has it: the share of the memory decides, where the action asks for no processor time of its own. */
function processorTime(
  spec: ContainerSpec,
  capacity: ContainerPlace['capacity'],
  limit: DockerFactorySettings['cpuLimit'],
): HostConfigBody {
  const milli = spec.cpuMilli > 0 ? spec.cpuMilli : (spec.memoryMb / capacity.memoryMb) * capacity.cpuMilli
  if (limit === 'quota') return { NanoCpus: Math.max(10, Math.round(milli)) * 1_000_000 }
  return { CpuShares: Math.max(2, Math.round((1024 * milli) / capacity.cpuMilli)) }
}

/**
 * Of documentation (RFC 5737): nobody answers there. Without a server of the container's own the engine asks the host's resolver for it, on the host's
 * network where that is a loopback address, and so by names lets out what has no way out (CVE-2024-29018).
 */
const NO_RESOLVER = '192.0.2.1'

function dns({ network, dns, dnsSearch, dnsOptions }: DockerFactorySettings): HostConfigBody {
  const servers = network === 'none' && dns.length === 0 ? [NO_RESOLVER] : dns
  return {
    ...(servers.length > 0 && { Dns: servers }),
    ...(dnsSearch.length > 0 && { DnsSearch: dnsSearch }),
    ...(dnsOptions.length > 0 && { DnsOptions: dnsOptions }),
  }
}

const LONGEST_NAME = 128

/**
 * `PREFIX_INSTANCE_COUNTER_(prewarm_)KIND`: for people who look at a list; nothing reads it. OpenWhisk's names have namespace and action in them; on a network
 * of one's own the engine's name server tells the name of any neighbour's address, so here they are only on the label.
 */
export function containerName(settings: DockerFactorySettings, counter: string, spec: ContainerSpec): string {
  const purpose = spec.labels['stave-action-key'] === undefined ? `prewarm_${spec.kind}` : spec.kind
  return `${settings.namePrefix}_${settings.instance.slice(0, 8)}_${counter}_${purpose}`
    .replaceAll(/[^a-zA-Z0-9_.-]/g, '_')
    .slice(0, LONGEST_NAME)
}
