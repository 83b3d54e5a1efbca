/**
 * Node's compile cache for the platform's own sources. Stripping types takes 40 MB and 40 ms on a cold start and nothing once the result is cached.
 * A cache is code that will be run, so it only ever lies where nobody but its owner can write.
 */

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, globSync, lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import module from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const PRIME_TIMEOUT_MS = 60_000

/**
 * Enables the cache below the first directory that can be had; returns that directory, or undefined where none is writable.
 * The environment variable is for worker threads, which do not inherit the setting otherwise.
 */
export function enableCache(root, env, home) {
  if (env.NODE_DISABLE_COMPILE_CACHE !== undefined) return undefined
  const directory = env.NODE_COMPILE_CACHE || cacheDirectory(root, env, home)
  if (directory === undefined) return undefined
  const { status } = module.enableCompileCache(directory)
  const { ENABLED, ALREADY_ENABLED } = module.constants.compileCacheStatus
  if (status !== ENABLED && status !== ALREADY_ENABLED) return undefined
  env.NODE_COMPILE_CACHE = directory
  return directory
}

function cacheDirectory(root, env, home) {
  const candidates = [
    ...(isWritable(join(root, 'node_modules')) ? [join(root, 'node_modules', '.cache', 'stave')] : []),
    join(env.XDG_CACHE_HOME || join(home, '.cache'), 'stave', 'compile'),
    join(tmpdir(), `stave-compile-${process.getuid?.() ?? 'user'}`),
  ]
  return candidates.find((directory) => isPrivateDirectory(directory))
}

function isWritable(path) {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function isPrivateDirectory(directory) {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    accessSync(directory, constants.W_OK)
    const { uid, mode } = lstatSync(directory)
    // Somebody else's directory in /tmp, or a link to one, would let them choose what we run.
    const ours = process.getuid === undefined || uid === process.getuid()
    return ours && statSync(directory).isDirectory() && (mode & 0o170000) === 0o040000 && (mode & 0o022) === 0
  } catch {
    return false
  }
}

/**
 * Fills the cache in a short-lived process when the sources have changed since that was last done. Failure costs memory, not function, so it is
 * not reported: the sources are then stripped in this process.
 */
export function primeCache(root, directory) {
  const stamp = join(directory, `primed-${process.version}-${process.arch}`)
  const fingerprint = fingerprintOf(root)
  if (readText(stamp) === fingerprint) return
  const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), root], {
    env: { ...process.env, NODE_COMPILE_CACHE: directory },
    stdio: 'ignore',
    timeout: PRIME_TIMEOUT_MS,
  })
  if (status === 0) writeFileSync(stamp, fingerprint)
}

function sourcesOf(root) {
  return globSync('src/**/*.ts', { cwd: root, exclude: (path) => path.endsWith('.test.ts') }).sort()
}

function fingerprintOf(root) {
  const hash = createHash('sha256')
  for (const source of sourcesOf(root)) {
    const { mtimeMs, size } = statSync(join(root, source))
    hash.update(`${source} ${mtimeMs} ${size}\n`)
  }
  return hash.digest('hex')
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/**
 * Compiles every source without running any: each graph begins with an import that throws when evaluation begins, and by then all of it has been
 * loaded, stripped and compiled. One graph a source, so that one that cannot be loaded leaves the others alone.
 */
async function compileAll(root) {
  const stop = 'data:text/javascript,throw new Error("compiled")'
  const graphs = sourcesOf(root).map((source) => [stop, pathToFileURL(join(root, source)).href])
  await Promise.allSettled(graphs.map((graph) => load(graph)))
  module.flushCompileCache()
}

function load(graph) {
  const text = graph.map((url) => `import ${JSON.stringify(url)}`).join('\n')
  return import(`data:text/javascript,${encodeURIComponent(text)}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await compileAll(process.argv[2])
