/**
 * Where a sandbox shows a Python installation: at its own path, where an interpreter finds its library and what was compiled into it, or below /runtime
 * where its own path would tell of somebody's home directory.
 */

import { realBinary } from './python-candidates.ts'
import type { PythonFacts } from './python-probe.ts'
import type { RuntimeMount } from './runtime-launcher.ts'

export interface ShownInstallation {
  /** The interpreter on the host, links resolved where that makes no difference to it. */
  readonly host: string
  /** The interpreter inside the sandbox. */
  readonly inside: string
  readonly mounts: readonly RuntimeMount[]
  /** What the interpreter needs at its other place; empty where it has none. */
  readonly environment: Readonly<Record<string, string>>
}

/** Directories that every sandbox shows anyway. */
const ALWAYS_VISIBLE = /^\/(?:usr|lib|lib64|bin|sbin)(?:\/|$)/
const HOMES = /^\/(?:root|home\/[^/]+|Users\/[^/]+)(?:\/|$)/

/** True for what every sandbox shows at the same path, whatever is mounted. */
export function isAlwaysVisible(path: string): boolean {
  return ALWAYS_VISIBLE.test(path)
}

/** How containers of `kind` see the interpreter with these `facts`. `home` is the home directory of the platform's user. */
export function showInstallation(
  kind: string,
  interpreter: string,
  facts: PythonFacts,
  home: string,
): ShownInstallation {
  const { basePrefix, prefix } = facts
  const binary = realBinary(interpreter) ?? interpreter
  // An installation finds its library relative to its binary. A script before it and a virtual environment name it by its path: those stay.
  const canMove = isBelow(binary, basePrefix) && prefix === basePrefix
  if (!canMove || isAlwaysVisible(basePrefix) || !(HOMES.test(basePrefix) || isBelow(basePrefix, home))) {
    const mounts = mountedPaths(interpreter, facts, home).map((path) => ({ source: path, target: path }))
    return { host: interpreter, inside: interpreter, mounts, environment: {} }
  }
  const place = `/runtime/${kind.replace(':', '-')}`
  const inside = (path: string): string => place + path.slice(basePrefix.length)
  return {
    host: binary,
    inside: inside(binary),
    mounts: mountedPaths(binary, facts, home).map((source) => ({ source, target: inside(source) })),
    environment: relocation(facts, inside),
  }
}

/** An installation that is spread over a whole tree (`/opt`, a home) shows only its library. */
function mountedPaths(interpreter: string, { basePrefix, prefix, libraries }: PythonFacts, home: string): string[] {
  const trees = [basePrefix, prefix].filter((path) => path.split('/').length > 2 && path !== home)
  const wanted = [...new Set([...trees, interpreter, ...libraries])].filter((path) => !isAlwaysVisible(path))
  return wanted.filter((path) => !wanted.some((other) => path.startsWith(`${other}/`)))
}

/** Paths that were compiled into libraries of the installation, for those who have such. */
function relocation(
  { basePrefix, libraryDirectory, certificates }: PythonFacts,
  inside: (path: string) => string,
): Readonly<Record<string, string>> {
  const { file, directory } = certificates
  const own = (path: string): boolean => isBelow(path, basePrefix)
  return {
    ...(own(libraryDirectory) && { LD_LIBRARY_PATH: inside(libraryDirectory) }),
    ...(own(file) && { SSL_CERT_FILE: inside(file) }),
    ...(own(directory) && { SSL_CERT_DIR: inside(directory) }),
  }
}

function isBelow(path: string, directory: string): boolean {
  return directory.length > 1 && (path === directory || path.startsWith(`${directory}/`))
}
