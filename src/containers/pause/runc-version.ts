/** Whether the host's runc is the one that the engine starts containers with: each version reads only its own state files for certain. */

/** What `runc --version` prints, and what the engine tells of its runc. */
export interface RuncVersion {
  readonly version: string | undefined
  readonly commit: string | undefined
}

/** Reads the output of `runc --version`. */
export function parseRuncVersion(output: string): RuncVersion {
  return {
    version: /^runc version (\S+)/m.exec(output)?.[1],
    commit: /^commit: (\S+)/m.exec(output)?.[1],
  }
}

/**
 * Undefined when they are the same; otherwise why not, or why that cannot be known. Commits decide where both are known: distributions build several
 * packages of one version. Engines shorten them.
 */
export function runcMismatch(host: RuncVersion, engine: RuncVersion): string | undefined {
  const told = (one: RuncVersion): string => `${one.version ?? 'unknown'} (commit ${one.commit ?? 'unknown'})`
  const differ = `the runc of this host is ${told(host)}, that of the engine ${told(engine)}`
  if (host.commit !== undefined && known(engine.commit)) {
    return sameCommit(host.commit, engine.commit) ? undefined : differ
  }
  if (host.version !== undefined && known(engine.version)) return host.version === engine.version ? undefined : differ
  return `it cannot be told whether they are the same: ${differ}`
}

function known(text: string | undefined): text is string {
  return text !== undefined && text !== '' && text !== 'N/A' && text !== 'unknown'
}

/** `v1.1.12-0-g51d5e94` is what git describes, `51d5e946…` the commit itself, `51d5e94` the same shortened. */
function sameCommit(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => /-g([0-9a-f]{7,40})$/.exec(text)?.[1] ?? text)
  if (a === undefined || b === undefined) return false
  return (
    a === b || (Math.min(a.length, b.length) >= 7 && /^[0-9a-f]+$/.test(a + b) && (a.startsWith(b) || b.startsWith(a)))
  )
}
