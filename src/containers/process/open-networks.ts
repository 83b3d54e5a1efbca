/** Chooses how containers get their network. */

import { accessSync, constants, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBridgedNetworks } from './bridged-networks.ts'
import type { ContainerNetworks } from './container-networks.ts'
import { unpreparedNetworks } from './container-networks.ts'
import type { HostTools } from './host-tools.ts'
import { findApi, findResolvers } from '../host/network-addresses.ts'
import { pastaNetworks } from './pasta-networks.ts'
import { asReadableFiles } from './root-directory.ts'
import type { ProcessFactorySettings } from './settings.ts'

export interface NetworkOptions {
  readonly settings: Pick<ProcessFactorySettings, 'network' | 'apiHost'>
  readonly tools: HostTools
  readonly root: boolean
  /** Name that is unique to the data directory. */
  readonly group: string
  readonly runDir: string
}

const HOSTS = '127.0.0.1 localhost\n'
const TUN = '/dev/net/tun'

/** Opens the configured networks. Rejects, with what to install, when an isolated network cannot be had. */
export async function openNetworks({
  settings,
  tools,
  root,
  group,
  runDir,
}: NetworkOptions): Promise<ContainerNetworks> {
  const { network, apiHost } = settings
  if (network !== 'isolated') return unpreparedNetworks(network, apiHost)
  const { sh, ip, nsenter, iptables, nft, pasta } = tools
  const resolvers = findResolvers()
  const api = await findApi(apiHost)
  const files = { '/etc/resolv.conf': join(runDir, 'resolv.conf'), '/etc/hosts': join(runDir, 'hosts') }
  const write = (): void => {
    asReadableFiles(() => {
      writeFileSync(files['/etc/resolv.conf'], resolvers.file)
      writeFileSync(files['/etc/hosts'], HOSTS)
    })
  }
  if (root) {
    if (ip === undefined || nsenter === undefined || (iptables === undefined && nft === undefined)) {
      const missing = Object.entries({ ip, nsenter, 'iptables or nft': iptables ?? nft })
      throw cannot(
        missing.flatMap(([name, path]) => (path === undefined ? [`${name} is missing`] : [])),
        'Install iproute2, util-linux and nftables, or set containers.network to host or none.',
      )
    }
    write()
    return openBridgedNetworks({ tools: { ip, nsenter, iptables, nft }, group, api, resolvers, files })
  }
  if (pasta === undefined || ip === undefined || sh === undefined) {
    const missing = [
      ...(pasta === undefined ? ['pasta is missing'] : []),
      ...(ip === undefined ? ['ip is missing'] : []),
    ]
    throw cannot(
      missing,
      'Install passt and iproute2, run the platform as root, or set containers.network to host or none.',
    )
  }
  if (!canOpen(TUN)) {
    throw cannot(
      [`${TUN} may not be opened`],
      `Allow it (chmod 0666 ${TUN}), or set containers.network to host or none.`,
    )
  }
  write()
  return pastaNetworks({ pasta, sh, ip, api, resolvers, files })
}

function cannot(missing: readonly string[], remedy: string): Error {
  return new Error(`containers.network isolated cannot be had on this host: ${missing.join(', ')}. ${remedy}`)
}

function canOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}
