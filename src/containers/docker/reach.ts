/** How the platform reaches containers: by their address on the bridge, or by a port of the engine's host. */

import type { EngineAddress } from './engine-address.ts'
import type { EngineInfo } from './engine-answers.ts'

export type Reach = { readonly type: 'address' } | { readonly type: 'published'; readonly host: string }

/** On Linux the bridge is at hand; an engine elsewhere, in a virtual machine as on macOS or in a network namespace of its own, is reached by the ports that it publishes. */
export function reachOf(
  address: EngineAddress,
  { securityOptions, operatingSystem }: Pick<EngineInfo, 'securityOptions' | 'operatingSystem'>,
): Reach {
  if (address.type === 'tcp') return { type: 'published', host: address.host }
  const rootless = securityOptions.some((option) => option.startsWith('name=rootless'))
  return process.platform === 'linux' && !rootless && !operatingSystem.startsWith('Docker Desktop')
    ? { type: 'address' }
    : { type: 'published', host: '127.0.0.1' }
}
