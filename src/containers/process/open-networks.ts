/** Chooses how containers get their network. */

import type { ContainerNetworks } from './container-networks.ts'
import { unpreparedNetworks } from './container-networks.ts'
import type { HostTools } from './host-tools.ts'
import type { ProcessFactorySettings } from './settings.ts'

export interface NetworkOptions {
  readonly settings: Pick<ProcessFactorySettings, 'network' | 'apiHost'>
  readonly tools: HostTools
  readonly root: boolean
  /** Name that is unique to the data directory. */
  readonly group: string
  readonly runDir: string
}

/** Opens the configured networks. Rejects, with what to install, when an isolated network cannot be had. */
export async function openNetworks({ settings }: NetworkOptions): Promise<ContainerNetworks> {
  if (settings.network === 'isolated') throw new Error('isolated networks are not prepared yet')
  return unpreparedNetworks(settings.network, settings.apiHost)
}
