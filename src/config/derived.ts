/** Values that follow from another key where they are not set themselves. */

import type { Origin } from './setting.ts'
import { DOCKER_HOST } from './sources/docker-client.ts'

/** Fills them in, with the origin of what they follow from. Both maps have every key. */
export function deriveValues(values: Map<string, unknown>, origins: Map<string, Origin>): void {
  const socket = values.get('docker.paths.socket')
  // The Docker client's variable is about this user's shell as a whole: what is said to Stave itself wins.
  if (socket !== '' && (isUnset('docker.host') || nameOf('docker.host') === DOCKER_HOST))
    derive('docker.host', `unix://${String(socket)}`, 'docker.paths.socket')
  // Docker's client trusts any engine as soon as it has certificates of its own; we do so only when told.
  if (values.get('docker.certPath') !== '' && isUnset('docker.tlsVerify'))
    derive('docker.tlsVerify', true, 'docker.certPath')

  function isUnset(key: string): boolean {
    return origins.get(key)?.source === 'default'
  }

  function nameOf(key: string): string | undefined {
    const origin = origins.get(key)
    return origin === undefined || origin.source === 'default' ? undefined : origin.name
  }

  function derive(key: string, value: unknown, from: string): void {
    values.set(key, value)
    origins.set(key, origins.get(from) ?? { source: 'default' })
  }
}
