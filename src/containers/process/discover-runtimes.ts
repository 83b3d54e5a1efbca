/** What this host can run: the manifest's kinds, less those that no interpreter was found for. */

import { homedir } from 'node:os'
import type { RuntimeKind, RuntimesManifest } from '../../model/manifest.ts'
import { readManifest, withDefaults, withStemCells } from '../read-manifest.ts'
import { discoverNodejs } from './discover-nodejs.ts'
import { discoverPython } from './discover-python.ts'
import type { RuntimeLauncher } from './runtime-launcher.ts'

export interface DiscoverRuntimesOptions {
  /** Interpreter path per kind, as configured. */
  readonly interpreters: Readonly<Record<string, string>>
  /** JSON text of a manifest, or the path of a file with one; undefined: the built-in one. */
  readonly manifest: string | undefined
  /** Family -> stem cells of its default kind, for families that the operator's own manifest gives none. */
  readonly stemCells: Readonly<Record<string, number>>
  /** PATH of the platform. */
  readonly path: string
  /** The interpreter that runs the platform. */
  readonly execPath: string
  readonly cacheDir: string
  readonly log: { warn(fields: Readonly<Record<string, unknown>>, message: string): void }
  /** Home directory whose version managers are searched; default: the user's. */
  readonly home?: string
}

/** A kind of the manifest that cannot be run here. */
export interface AbsentKind {
  readonly kind: string
  readonly reason: string
  readonly remedy: string
}

export interface DiscoveredRuntimes {
  /** Without the absent kinds. Deprecated kinds stay: they can be read and deleted. Each family that has kinds left has one default. */
  readonly manifest: RuntimesManifest
  /** By kind. */
  readonly launchers: ReadonlyMap<string, RuntimeLauncher>
  readonly absent: readonly AbsentKind[]
}

/** Families that processes of the host are run for. */
const LANGUAGES: Readonly<Record<string, string>> = { nodejs: 'Node.js', python: 'Python' }

/**
 * Reads the manifest and looks for an interpreter for each of its kinds. Rejects when the manifest cannot be read or is wrong, or when the files of the
 * Node.js runtime cannot be prepared; an interpreter that is missing or broken is no error.
 */
export async function discoverRuntimes(options: DiscoverRuntimesOptions): Promise<DiscoveredRuntimes> {
  const wanted = readManifest(options.manifest)
  const search = { ...options, home: options.home ?? homedir() }
  const [nodejs, python] = await Promise.all([discoverNodejs(search), discoverPython(search)])
  const found = [...nodejs, ...python]
  const launchers = new Map<string, RuntimeLauncher>()
  for (const { kind, launcher } of found) {
    if (wanted.kinds.some((entry) => entry.kind === kind && !entry.deprecated)) launchers.set(kind, launcher)
  }

  const kept = wanted.kinds.filter(({ kind, deprecated }) => deprecated || launchers.has(kind))
  const kinds = withDefaults(kept, [...launchers.keys()])
  const absent = wanted.kinds
    .filter((kind) => !kept.includes(kind))
    // Of the built-in manifest's other languages nobody asked for any on a host without container engine.
    .filter(({ family }) => options.manifest !== undefined || family in LANGUAGES)
    .map((kind) => absentKind(kind, options.interpreters[kind.kind]))
  return { manifest: { ...wanted, kinds: withStemCells(kinds, options.stemCells) }, launchers, absent }
}

function absentKind({ kind, family }: RuntimeKind, configured: string | undefined): AbsentKind {
  const language = LANGUAGES[family]
  if (language === undefined) {
    return {
      kind,
      reason: 'processes of this host can be Node.js and Python only',
      remedy: 'set containers.provider to docker, or take the kind out of the manifest',
    }
  }
  const version = kind.slice(family.length + 1)
  if (configured !== undefined) {
    return {
      kind,
      reason: `the configured interpreter ${configured} is not a working ${language} ${version}`,
      remedy: `mend or remove runtimes.interpreters ${JSON.stringify({ [kind]: configured })}`,
    }
  }
  return {
    kind,
    reason: `no ${language} ${version} was found on this host`,
    remedy: `install it, or name it: runtimes.interpreters {"${kind}": "/path/to/${family === 'nodejs' ? 'node' : 'python3'}"}`,
  }
}
