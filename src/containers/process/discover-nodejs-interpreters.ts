/** Which Node.js interpreters a host has and what version each is: real binaries only, each asked once. */

import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import * as v from 'valibot'
import { realBinary } from './python-candidates.ts'

export interface NodejsInterpreter {
  /** Absolute path, links resolved. */
  readonly path: string
  /** For example `24.21.0`. */
  readonly version: string
}

/** A binary that did not tell a version. */
export interface SilentInterpreter {
  readonly path: string
  readonly reason: string
}

/** `node --version` takes some 5 ms; a busy host may take its time. */
const PROBE_MS = 10_000
/** A host with more interpreters than this has them for another purpose than ours. */
const MAX_CANDIDATES = 64
const NAME = /^(?:node|nodejs)(?:-?\d+)?$/
const SYSTEM_DIRECTORIES = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin', '/snap/node/current/bin']
/** Where version managers keep a directory a version, below the home, and the way from there to the binaries. */
const MANAGED: readonly (readonly [string, string])[] = [
  ['.nvm/versions/node', 'bin'],
  ['.config/nvm/versions/node', 'bin'],
  ['.local/share/fnm/node-versions', 'installation/bin'],
  ['.fnm/node-versions', 'installation/bin'],
  ['.volta/tools/image/node', 'bin'],
  ['.asdf/installs/nodejs', 'bin'],
  ['.local/share/mise/installs/node', 'bin'],
  ['.nodenv/versions', 'bin'],
  ['.nodebrew/node', 'bin'],
  ['n/n/versions/node', 'bin'],
]

const cacheSchema = v.record(v.string(), v.object({ stamp: v.string(), version: v.string() }))
type Cache = Record<string, { stamp: string; version: string }>

/**
 * Paths of binaries that may be Node.js, in order of preference: `execPath`, those of `path`, the system's, those of version managers (newest first).
 * Shims are passed over: scripts by their first bytes, Volta's by the name of the file that they link to. Nothing is executed.
 */
export function findNodejsBinaries(execPath: string, path: string, home: string | undefined): readonly string[] {
  const directories = [
    ...path.split(':').filter((entry) => entry.startsWith('/')),
    ...SYSTEM_DIRECTORIES,
    ...(home === undefined ? [] : MANAGED.flatMap(([base, bin]) => versionsBelow(join(home, base), bin))),
    ...versionsBelow('/usr/local/n/versions/node', 'bin'),
  ]
  const candidates = directories.flatMap((directory) => namesIn(directory).map((name) => join(directory, name)))
  const found = new Set<string>()
  for (const candidate of [execPath, ...candidates]) {
    const real = realBinary(candidate)
    if (real !== undefined && NAME.test(basename(real)) && found.size < MAX_CANDIDATES) found.add(real)
  }
  return [...found]
}

/**
 * Asks each binary for its version, one after the other and at most 10 s each; the answers are kept in `cacheDir` and asked for again when a file has
 * changed. Never rejects: those that give no version are in `silent`, and without a writable `cacheDir` all are asked each time.
 */
export async function askVersions(
  paths: readonly string[],
  cacheDir: string,
): Promise<{ readonly interpreters: readonly NodejsInterpreter[]; readonly silent: readonly SilentInterpreter[] }> {
  const file = join(cacheDir, 'nodejs-interpreters.json')
  const known = readCache(file)
  const next: Cache = {}
  const interpreters: NodejsInterpreter[] = []
  const silent: SilentInterpreter[] = []
  for (const path of paths) {
    try {
      const stamp = stampOf(path)
      const cached = known[path]
      const version = cached?.stamp === stamp ? cached.version : await askVersion(path)
      next[path] = { stamp, version }
      interpreters.push({ path, version })
    } catch (error) {
      silent.push({ path, reason: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) })
    }
  }
  if (JSON.stringify(next) !== JSON.stringify(known)) writeCache(cacheDir, file, next)
  return { interpreters, silent }
}

async function askVersion(path: string): Promise<string> {
  const { stdout } = await promisify(execFile)(path, ['--version'], {
    env: {},
    timeout: PROBE_MS,
    killSignal: 'SIGKILL',
    maxBuffer: 4096,
    encoding: 'utf8',
  })
  const version = /^v(\d+\.\d+\.\d+)\s*$/.exec(stdout)?.[1]
  if (version === undefined) throw new Error(`it answered ${JSON.stringify(stdout.slice(0, 80))} to --version`)
  return version
}

/** Changes when the file does: an update in place keeps the path. */
function stampOf(path: string): string {
  const { mtimeMs, size, ino } = statSync(path)
  return `${mtimeMs}-${size}-${ino}`
}

function readCache(file: string): Cache {
  try {
    return v.parse(cacheSchema, JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    // Not there yet, or of another form: everything is asked anew.
    return {}
  }
}

function writeCache(directory: string, file: string, cache: Cache): void {
  try {
    mkdirSync(directory, { recursive: true })
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(cache))
    renameSync(`${file}.${process.pid}`, file)
  } catch {
    // A cache that cannot be written costs some milliseconds at the next start; that the data directory is writable is checked elsewhere.
  }
}

function namesIn(directory: string): readonly string[] {
  return entries(directory)
    .filter((name) => NAME.test(name))
    .sort()
}

function versionsBelow(directory: string, bin: string): readonly string[] {
  return entries(directory)
    .sort((one, other) => other.localeCompare(one, 'en', { numeric: true }))
    .map((name) => join(directory, name, bin))
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    // Most of these directories do not exist on any one host.
    return []
  }
}
