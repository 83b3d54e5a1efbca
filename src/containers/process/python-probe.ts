/** Asks a Python interpreter what it is, once: the answer is kept beside its path and time of change. */

import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as v from 'valibot'

/** What an interpreter says about itself. */
export interface PythonFacts {
  /** `cpython` for the one that counts. */
  readonly implementation: string
  readonly major: number
  readonly minor: number
  /** For example `3.12.1`. */
  readonly version: string
  /** Installation directories: of the environment and of what it is based upon. */
  readonly prefix: string
  readonly basePrefix: string
  /** Existing directories of the standard library. */
  readonly libraries: readonly string[]
  /** Directory of the shared library that the interpreter is in; empty when it is a program of its own. */
  readonly libraryDirectory: string
  /** Where OpenSSL looks for certificates unless told otherwise; each empty where there is nothing. */
  readonly certificates: { readonly file: string; readonly directory: string }
  /** True when the modules that the zygote needs are there: ctypes is an optional part of CPython. */
  readonly canFork: boolean
}

const PROBE_MS = 10_000
const PROBE = `
import json, os, sys
try:
    import ctypes, fcntl, resource
    fork = sys.platform == 'linux'
except ImportError:
    fork = False
library = ''
try:
    with open('/proc/self/maps') as maps:
        for line in maps:
            if '/libpython' in line:
                library = os.path.dirname(line.split(None, 5)[5])
except OSError:
    pass
try:
    import _ssl
    _, file, _, directory = _ssl.get_default_verify_paths()
except ImportError:
    file = directory = ''
i = sys.version_info
dirs = [os.path.dirname(os.__file__)] + [p for p in sys.path if p.endswith('lib-dynload')]
print(json.dumps({'implementation': sys.implementation.name, 'major': i[0], 'minor': i[1], 'version': '%d.%d.%d' % i[:3],
  'prefix': sys.prefix, 'basePrefix': getattr(sys, 'base_prefix', sys.prefix),
  'libraries': [d for d in dirs if os.path.isdir(d)], 'libraryDirectory': library,
  'certificates': {'file': file if os.path.isfile(file) else '', 'directory': directory if os.path.isdir(directory) else ''},
  'canFork': fork}))
`

const factsSchema = v.object({
  implementation: v.string(),
  major: v.number(),
  minor: v.number(),
  version: v.string(),
  prefix: v.string(),
  basePrefix: v.string(),
  libraries: v.array(v.string()),
  libraryDirectory: v.string(),
  certificates: v.object({ file: v.string(), directory: v.string() }),
  canFork: v.boolean(),
})
const cacheSchema = v.record(v.string(), v.object({ stamp: v.string(), facts: factsSchema }))
type Cache = Record<string, { stamp: string; facts: PythonFacts }>

/**
 * Asks each interpreter, two at a time and at most 10 s each; answers are kept in `cacheDir` and asked again only when the file has changed.
 * Those that do not answer are absent from the result and reported through `onFailure`.
 */
export async function probePythons(
  paths: readonly string[],
  cacheDir: string,
  onFailure: (path: string, reason: string) => void,
): Promise<ReadonlyMap<string, PythonFacts>> {
  const file = join(cacheDir, 'python-interpreters.json')
  const known = readCache(file)
  const next: Cache = {}
  const waiting = [...paths]
  const work = async (): Promise<void> => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      const stamp = stampOf(path)
      const cached = known[path]
      if (cached !== undefined && cached.stamp === stamp) {
        next[path] = cached
        continue
      }
      try {
        next[path] = { stamp, facts: await ask(path) }
      } catch (error) {
        onFailure(path, error instanceof Error ? error.message : String(error))
      }
    }
  }
  await Promise.all([work(), work()])
  writeCache(file, cacheDir, known, next)
  return new Map(Object.entries(next).map(([path, { facts }]) => [path, facts]))
}

async function ask(path: string): Promise<PythonFacts> {
  const { stdout } = await promisify(execFile)(path, ['-I', '-S', '-c', PROBE], {
    timeout: PROBE_MS,
    maxBuffer: 65536,
    env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
  })
  return v.parse(factsSchema, JSON.parse(stdout))
}

function stampOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path)
    return `${mtimeMs}:${size}:${ino}`
  } catch {
    return 'gone'
  }
}

function readCache(file: string): Cache {
  try {
    const parsed = v.safeParse(cacheSchema, JSON.parse(readFileSync(file, 'utf8')))
    return parsed.success ? parsed.output : {}
  } catch {
    // No cache yet, or an unreadable one: everything is asked again.
    return {}
  }
}

function writeCache(file: string, cacheDir: string, known: Cache, next: Cache): void {
  if (JSON.stringify(known) === JSON.stringify(next)) return
  try {
    mkdirSync(cacheDir, { recursive: true, mode: 0o700 })
    const temporary = `${file}.${process.pid}`
    writeFileSync(temporary, JSON.stringify(next), { mode: 0o600 })
    renameSync(temporary, file)
  } catch {
    // A cache that cannot be written only costs the next start its 20 ms an interpreter.
  }
}
