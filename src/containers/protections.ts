/** Which protections hold for containers on this host, why others do not, and what would bring them: for the start-up line and for `stave doctor`. */

/** How containers are kept apart: a level of the process provider, by the Docker Engine, or as each invoker says of its own node. */
export type IsolationLevel = 'bubblewrap' | 'unshare' | 'none' | 'docker' | 'invokers'

export interface Protection {
  /** Short name such as `seccomp`. */
  readonly name: string
  readonly on: boolean
  /** What was seen, or why it is off. */
  readonly detail: string
  /** How to get it; absent when it is on or cannot be had. */
  readonly remedy?: string
}

/** A better level that was tried, and why it does not work here. */
export interface RejectedLevel {
  readonly level: IsolationLevel
  readonly reason: string
  readonly remedy?: string
}

export interface Protections {
  readonly level: IsolationLevel
  readonly root: boolean
  readonly network: 'host' | 'isolated' | 'none'
  readonly protections: readonly Protection[]
  readonly rejected: readonly RejectedLevel[]
}

/** One line: `sandbox bubblewrap as root, network host; on: …; off: seccomp (no perl, …)`. */
export function protectionsLine(found: Protections): string {
  const on = found.protections.filter((entry) => entry.on).map((entry) => entry.name)
  const off = found.protections.filter((entry) => !entry.on).map((entry) => `${entry.name} (${entry.detail})`)
  return [
    `sandbox ${found.level} as ${found.root ? 'root' : 'an ordinary user'}, network ${found.network}`,
    ...(on.length === 0 ? [] : [`on: ${on.join(', ')}`]),
    ...(off.length === 0 ? [] : [`off: ${off.join(', ')}`]),
  ].join('; ')
}
