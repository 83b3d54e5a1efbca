/**
 * The directory that becomes the containers' root: empty mount points, links, and the few files of /etc that are made up. It is made once at start
 * and shown read-only to every container, so that starting one creates no file at all.
 */

import { lstatSync, mkdirSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { RuntimeLauncher } from './runtime-launcher.ts'
import type { SandboxMount } from './sandbox-plan.ts'

/** Directories of the system that are shown as they are; links among them (a merged /usr) stay links. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/nix/store', '/gnu/store']

/** Files of /etc that programs need to resolve names, verify certificates, load libraries and tell the time. */
const ETC = [
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/alternatives',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
  '/etc/pki/tls/certs',
  '/etc/pki/ca-trust',
  '/etc/ca-certificates',
  '/etc/localtime',
  '/etc/timezone',
  '/etc/mime.types',
  '/etc/services',
  '/etc/protocols',
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/gai.conf',
]

const DEVICES = ['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom', '/dev/tty']

const NSSWITCH = 'passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n'

/** The container's working directory and home. */
export const WORKING_DIRECTORY = '/home/action'

export interface RootDirectory {
  readonly path: string
  /** Mounts that every container has, in order. */
  readonly mounts: readonly SandboxMount[]
}

/**
 * Makes the root directory at `path`, replacing what is there, for containers of all `launchers`; returns it with the mounts that fill it.
 * `uids` are given the name `action` in /etc/passwd: programs that look up their user (python's getpass, ssh) fail without one.
 */
export function makeRootDirectory(
  path: string,
  launchers: readonly RuntimeLauncher[],
  uids: readonly number[],
  sources: Readonly<Record<string, string>> = {},
): RootDirectory {
  return asReadableFiles(() => build(path, launchers, uids, sources))
}

/** Runs `make`, whose files and directories every user may read whatever the platform's umask is: users of containers are others. */
export function asReadableFiles<Made>(make: () => Made): Made {
  const umask = process.umask(0o022)
  try {
    return make()
  } finally {
    process.umask(umask)
  }
}

function build(
  path: string,
  launchers: readonly RuntimeLauncher[],
  uids: readonly number[],
  sources: Readonly<Record<string, string>>,
): RootDirectory {
  rmSync(path, { recursive: true, force: true })
  const directories = ['proc', 'sys', 'dev', 'dev/shm', 'tmp', 'run', 'etc', 'var', 'home', '.old', WORKING_DIRECTORY]
  for (const name of directories) mkdirSync(join(path, name), { recursive: true, mode: 0o755 })
  symlinkSync('/tmp', join(path, 'var/tmp'))
  for (const [name, target] of Object.entries({ fd: 'fd', stdin: 'fd/0', stdout: 'fd/1', stderr: 'fd/2' })) {
    symlinkSync(`/proc/self/${target}`, join(path, 'dev', name))
  }
  symlinkSync('/proc/self/mounts', join(path, 'etc/mtab'))
  writeFileSync(join(path, 'etc/nsswitch.conf'), NSSWITCH)
  writeFileSync(join(path, 'etc/passwd'), passwd(uids))
  writeFileSync(join(path, 'etc/group'), `root:x:0:\n${uids.map((uid) => `action${uid}:x:${uid}:\n`).join('')}`)
  const mounts: SandboxMount[] = []
  for (const target of [...SYSTEM, ...ETC]) {
    const source = sources[target] ?? target
    if (source === target && showLink(path, target)) continue
    if (makeMountPoint(path, source, target)) mounts.push({ type: 'bind', source, target })
  }
  const shown = new Set(mounts.map(({ target }) => target))
  for (const { source, target } of launchers.flatMap((launcher) => launcher.mounts)) {
    // What lies in a directory that is shown anyway needs no mount, and its mount point could not be made there.
    if (shown.has(target) || (source === target && isBelowAny(target, shown))) continue
    if (makeMountPoint(path, source, target)) mounts.push({ type: 'bind', source, target })
    shown.add(target)
  }
  for (const device of DEVICES) {
    if (makeMountPoint(path, device, device)) mounts.push({ type: 'device', source: device, target: device })
  }
  return { path, mounts }
}

function isBelowAny(path: string, directories: ReadonlySet<string>): boolean {
  return [...directories].some((directory) => path.startsWith(`${directory}/`))
}

/** Repeats a relative or absolute link of the system's top level (/bin -> usr/bin). Deeper links (resolv.conf) are followed when they are mounted. */
function showLink(path: string, target: string): boolean {
  if (dirname(target) !== '/' || !lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink()) return false
  symlinkSync(readlinkSync(target), join(path, target))
  return true
}

/** Makes the file or directory that `source` is mounted over. False: the host has no such source. */
function makeMountPoint(root: string, source: string, target: string): boolean {
  const stats = statOf(source)
  if (stats === undefined) return false
  const at = join(root, target)
  if (stats === 'directory') {
    mkdirSync(at, { recursive: true, mode: 0o755 })
  } else {
    mkdirSync(dirname(at), { recursive: true, mode: 0o755 })
    writeFileSync(at, '')
  }
  return true
}

function statOf(path: string): 'directory' | 'file' | undefined {
  try {
    return statSync(path).isDirectory() ? 'directory' : 'file'
  } catch {
    // Missing, or out of this user's reach: it cannot be shown then.
    return undefined
  }
}

function passwd(uids: readonly number[]): string {
  const lines = uids.map((uid) => `action:x:${uid}:${uid}:action:${WORKING_DIRECTORY}:/bin/sh\n`)
  return `root:x:0:0:root:${WORKING_DIRECTORY}:/bin/sh\n${lines.join('')}`
}
