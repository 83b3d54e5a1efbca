/** Where hosts keep what an engine makes: defaults by the kind of host, each place settable. */

import { existsSync, readFileSync } from 'node:fs'
import type { Config } from '../../config/schema.ts'

/** A kind of host. */
export type HostProfile = Exclude<Config['docker']['hostProfile'], 'auto'>

/** The places. Every one is a path on the host as the platform sees it. */
export interface HostPaths {
  /** Where control groups are mounted. */
  readonly cgroup: string
  /** The `--root` of the engine's runc. */
  readonly runc: string
  /** Where the engine keeps the files of containers. */
  readonly containers: string
  /** The engine's socket. */
  readonly socket: string
  /** Where its runc may be, the likeliest first. */
  readonly runcBinaries: readonly string[]
}

/** What the engine of Docker's own packages has everywhere. */
const USUAL: HostPaths = {
  cgroup: '/sys/fs/cgroup',
  runc: '/run/docker/runtime-runc/moby',
  containers: '/var/lib/docker/containers',
  socket: '/var/run/docker.sock',
  runcBinaries: ['/usr/bin/runc', '/usr/sbin/runc', '/usr/local/bin/runc', '/usr/local/sbin/runc'],
}

/** Only what differs; no place is below /usr/lib: hosts whose /usr cannot be written have nothing of ours there, and nothing is mounted there. */
export const PROFILES: Readonly<Record<HostProfile, HostPaths>> = {
  ubuntu: USUAL,
  'ubuntu-snap': {
    ...USUAL,
    runc: '/run/snap.docker/runtime-runc/moby',
    containers: '/var/snap/docker/common/var-lib-docker/containers',
    runcBinaries: ['/snap/docker/current/bin/runc'],
  },
  // Debian's package has it in sbin; that of Docker in bin comes first where both are there, as it does for the engine.
  debian: USUAL,
  // Container-Optimized OS: read-only root, everything in its usual place.
  cos: USUAL,
  // Flatcar has Docker as an extension image; CoreOS had it unpacked by torcx.
  flatcar: {
    ...USUAL,
    runcBinaries: [...USUAL.runcBinaries, '/run/torcx/unpack/docker/bin/runc'],
  },
  // Bottlerocket runs containerd alone: the engine is one of the operator's, in a container, with its own runc.
  bottlerocket: USUAL,
  al2023: {
    ...USUAL,
    runcBinaries: ['/usr/sbin/runc', ...USUAL.runcBinaries.filter((path) => path !== '/usr/sbin/runc')],
  },
  // A node of kind is a container with containerd; an engine inside has been installed there, in sbin as kind does with runc.
  kind: {
    ...USUAL,
    runcBinaries: ['/usr/local/sbin/runc', ...USUAL.runcBinaries.filter((path) => path !== '/usr/local/sbin/runc')],
  },
}

/** The kind of host by the text of its os-release(5) and whether Docker is there as a snap; `debian` where nothing is recognised: the usual places. */
export function detectProfile(osRelease: string, has: (path: string) => boolean): HostProfile {
  const field = (name: string): string =>
    new RegExp(`^${name}=["']?([^"'\\n]*)`, 'm').exec(osRelease)?.[1]?.trim().toLowerCase() ?? ''
  const ids = new Set([field('ID'), ...field('ID_LIKE').split(/\s+/)])
  if (has('/kind/product_name') || has('/kind/version')) return 'kind'
  if (ids.has('ubuntu')) return has('/snap/docker/current') && !has('/usr/bin/dockerd') ? 'ubuntu-snap' : 'ubuntu'
  if (ids.has('cos')) return 'cos'
  if (ids.has('flatcar') || ids.has('coreos')) return 'flatcar'
  if (ids.has('bottlerocket')) return 'bottlerocket'
  if (ids.has('amzn')) return 'al2023'
  return 'debian'
}

/** The places of the configuration: what it sets, and the profile's for the rest. */
export interface ResolvedPaths {
  readonly profile: HostProfile
  readonly cgroup: string
  readonly runc: string
  readonly containers: string
  /** Undefined where the engine is reached over TCP. */
  readonly socket: string | undefined
  /** Undefined when none was found. */
  readonly runcBinary: string | undefined
}

/** What of the host is looked at; tests pass a made-up one. */
export interface HostFiles {
  /** Undefined when it cannot be read. */
  readonly read: (path: string) => string | undefined
  readonly has: (path: string) => boolean
}

export const thisHost: HostFiles = {
  read(path) {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return undefined
    }
  },
  has: existsSync,
}

/** The places on this host. */
export function resolvePaths(docker: Config['docker'], host: HostFiles = thisHost): ResolvedPaths {
  const { paths } = docker
  const osRelease = host.read('/etc/os-release') ?? host.read('/usr/lib/os-release') ?? ''
  const profile = docker.hostProfile === 'auto' ? detectProfile(osRelease, host.has) : docker.hostProfile
  const preset = PROFILES[profile]
  return {
    profile,
    cgroup: paths.cgroup || preset.cgroup,
    runc: paths.runc || preset.runc,
    containers: paths.containers || preset.containers,
    socket: /^unix:\/\/(\/.*)$/.exec(docker.host)?.[1],
    runcBinary: paths.runcBinary === '' ? preset.runcBinaries.find(host.has) : paths.runcBinary,
  }
}
