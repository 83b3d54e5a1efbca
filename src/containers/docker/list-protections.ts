/** What keeps containers of the engine apart from its host and from each other, and what does not, for the start-up lines and `stave doctor`. */

import type { Protection, Protections } from '../protections.ts'
import type { EngineFacts } from './docker-container-factory.ts'

export interface DockerProtectionFacts {
  readonly facts: EngineFacts
  readonly network: Protections['network']
  /** Why containers may reach ports of the host; undefined when they cannot. */
  readonly unguarded: string | undefined
  readonly readOnlyRoot: boolean
  /** How containers are suspended; undefined: not at all. */
  readonly suspension: { readonly chosen: string; readonly warning?: string | undefined } | undefined
}

export function dockerProtections(of: DockerProtectionFacts): Protections {
  const { facts, network, unguarded, readOnlyRoot, suspension } = of
  const { info } = facts
  const has = (name: string): boolean => info.securityOptions.some((option) => option.startsWith(`name=${name}`))
  const option = (name: string, detail: string, off: string, remedy: string): Protection =>
    has(name) ? { name, on: true, detail } : { name, on: false, detail: off, remedy }
  const confined = has('apparmor') ? 'apparmor' : has('selinux') ? 'selinux' : undefined
  return {
    level: 'docker',
    root: !has('rootless'),
    network,
    rejected: [],
    protections: [
      { name: 'capabilities', on: true, detail: 'none, and none can be gained' },
      option('seccomp', 'the engine’s list', 'the engine has none', 'use an engine with seccomp'),
      ...(confined === undefined ? [] : [{ name: confined, on: true, detail: 'the engine’s profile' }]),
      has('userns') || has('rootless')
        ? { name: 'user namespace', on: true, detail: 'root in a container is nobody on the host' }
        : {
            name: 'user namespace',
            on: false,
            detail: 'root in a user’s image is root on the host, without capabilities',
            remedy: 'start the engine with userns-remap',
          },
      { name: 'limits', on: true, detail: `memory, processes, files, CPU; control groups v${info.cgroupVersion}` },
      readOnlyRoot
        ? { name: 'read-only root', on: true, detail: 'for images that allow it' }
        : { name: 'read-only root', on: false, detail: 'switched off', remedy: 'set docker.readOnlyRoot' },
      unguarded === undefined
        ? { name: 'host ports', on: true, detail: 'only the API is reached from containers' }
        : {
            name: 'host ports',
            on: false,
            detail: unguarded,
            remedy: 'a packet filter needs the network of the engine’s host, root, NET_ADMIN, and nftables or iptables',
          },
      suspension === undefined || suspension.chosen === 'none'
        ? {
            name: 'suspension',
            on: false,
            detail: suspension?.warning ?? 'switched off',
            remedy: 'set docker.pause to auto',
          }
        : { name: 'suspension', on: true, detail: `by ${suspension.chosen}` },
    ],
  }
}
