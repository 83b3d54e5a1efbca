/** Where CPython interpreters are found on a host: real binaries in the order in which they are preferred. Nothing is executed here. */

import { closeSync, openSync, readdirSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** An interpreter that may be one; what it is only its own answer tells. */
export interface PythonCandidate {
  /** Absolute path, links resolved: a link may be turned to another version while the platform runs. */
  readonly path: string
  /** True for the `python3` that a user of this PATH gets. */
  readonly isDefault: boolean
}

const NAME = /^python(?:3(?:\.\d+)?)?$/
const SYSTEM_DIRECTORIES = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin']
/** Minor versions that no kind exists for are not even asked. */
const TOO_OLD = /python(?:2|3\.[0-8]$)/
/** A host with more interpreters than this has them for another purpose than ours. */
const MAX_CANDIDATES = 64

/**
 * Real interpreters in order of preference: those of `path`, the system's, then what version managers have installed (newest first).
 * A pyenv shim in `path` stands for the version that pyenv's own `version` file selects; other shims, being scripts, are passed over: they cost 100 ms a start.
 */
export function findPythonCandidates(path: string, home: string | undefined): readonly PythonCandidate[] {
  const found = new Map<string, PythonCandidate>()
  let hasDefault = false
  const add = (candidate: string, inPath: boolean): void => {
    const real = realBinary(candidate)
    if (real === undefined || TOO_OLD.test(real) || found.size >= MAX_CANDIDATES) return
    const isDefault = inPath && !hasDefault && candidate.endsWith('/python3')
    if (isDefault) hasDefault = true
    const earlier = found.get(real)
    if (earlier === undefined) found.set(real, { path: real, isDefault })
    else if (isDefault) found.set(real, { path: real, isDefault })
  }
  for (const directory of path.split(':').filter((entry) => entry.startsWith('/'))) {
    for (const name of pythonNames(directory))
      add(selectedByPyenv(join(directory, name)) ?? join(directory, name), true)
  }
  const bins = [...SYSTEM_DIRECTORIES, ...(home === undefined ? [] : managedDirectories(home))]
  for (const directory of bins) {
    for (const name of pythonNames(directory)) add(join(directory, name), false)
  }
  return [...found.values()]
}

/** `python3` before `python3.12` before `python`: the first of a version counts. */
function pythonNames(directory: string): readonly string[] {
  return entries(directory)
    .filter((name) => NAME.test(name))
    .sort((one, other) => Number(other === 'python3') - Number(one === 'python3') || other.localeCompare(one))
}

/** `bin` directories of pyenv, uv, asdf, mise and conda installations, newest version first. */
function managedDirectories(home: string): readonly string[] {
  const managers = [
    '.pyenv/versions',
    '.local/share/uv/python',
    '.asdf/installs/python',
    '.local/share/mise/installs/python',
  ]
  const condas = ['miniconda3', 'anaconda3', 'miniforge3', 'mambaforge'].map((name) => join(home, name))
  return [
    ...managers.flatMap((directory) => binsBelow(join(home, directory))),
    ...[...condas, '/opt/conda'].map((directory) => join(directory, 'bin')),
    ...[...condas, '/opt/conda'].flatMap((directory) => binsBelow(join(directory, 'envs'))),
    ...binsBelow('/opt/python'),
  ]
}

/** The `bin` of each directory in `directory`, newest version first. */
function binsBelow(directory: string): readonly string[] {
  return entries(directory)
    .sort((one, other) => other.localeCompare(one, 'en', { numeric: true }))
    .map((name) => join(directory, name, 'bin'))
}

/** The interpreter that a pyenv shim would start outside any project, or undefined when `path` is no such shim. */
function selectedByPyenv(path: string): string | undefined {
  const match = /^(.*)\/shims\/(python3)$/.exec(path)
  if (match === null) return undefined
  const root = match[1] ?? ''
  const wanted = readText(join(root, 'version'))
    ?.split(/\s+/)
    .find((version) => /^3\.\d+/.test(version))
  if (wanted === undefined) return undefined
  const exact = entries(join(root, 'versions')).filter((name) => name === wanted || name.startsWith(`${wanted}.`))
  const name = exact.sort((one, other) => other.localeCompare(one, 'en', { numeric: true }))[0]
  return name === undefined ? undefined : join(root, 'versions', name, 'bin/python3')
}

/** The file behind `path` when it is an executable program and no script. */
export function realBinary(path: string): string | undefined {
  try {
    const real = realpathSync(path)
    const stats = statSync(real)
    if (!stats.isFile() || (stats.mode & 0o111) === 0) return undefined
    const file = openSync(real, 'r')
    try {
      const magic = Buffer.alloc(2)
      readSync(file, magic, 0, 2, 0)
      return magic.toString('latin1') === '#!' ? undefined : real
    } finally {
      closeSync(file)
    }
  } catch {
    // Not there, or not ours to read: no candidate.
    return undefined
  }
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    // Most of these directories do not exist on any one host.
    return []
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
