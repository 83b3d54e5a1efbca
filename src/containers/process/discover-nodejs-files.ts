/**
 * The files that Node.js containers are shown: the launcher with what it needs itself, and the modules that every action may require. They are copied out
 * of the installation once, so that a container sees these packages and none of the platform's others.
 */

import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import * as v from 'valibot'

/** What actions find without bringing it, as in OpenWhisk's images. */
const FOR_ACTIONS = ['openwhisk']
/** What the launcher unpacks archives with, out of the actions' sight. */
const FOR_LAUNCHER = ['yauzl']
const INDEX = 'index.json'
/** Changes when the layout of the directory does. */
const FORMAT = 1
const DRAFT_MS = 3_600_000

const packageSchema = v.object({
  dependencies: v.optional(v.record(v.string(), v.string()), {}),
  optionalDependencies: v.optional(v.record(v.string(), v.string()), {}),
})
const indexSchema = v.record(v.string(), v.string())
/** Path in the directory -> SHA-256. */
type Index = Record<string, string>

export interface NodejsFiles {
  /** Directory of `launcher.cjs`. */
  readonly launcher: string
  /** A node_modules directory. */
  readonly modules: string
}

/**
 * Prepares `<cacheDir>/nodejs-<digest>` from the launcher in `source` and the packages that are found from it, and returns its two parts. A directory
 * that an earlier start made is used when every file still has its digest, else made anew. Throws when a package is not installed or the disk refuses.
 */
export function prepareNodejsFiles(source: string, cacheDir: string): NodejsFiles {
  const files = new Map<string, string>()
  for (const name of readdirSync(source)) if (name.endsWith('.cjs')) files.set(`launcher/${name}`, join(source, name))
  addPackages(files, 'launcher/node_modules', FOR_LAUNCHER, source)
  addPackages(files, 'node_modules', FOR_ACTIONS, source)

  const contents = new Map([...files].map(([name, from]) => [name, readFileSync(from)]))
  const index: Index = {}
  for (const [name, content] of contents) index[name] = sha256(content)
  const digest = sha256(JSON.stringify([FORMAT, index])).slice(0, 16)
  const directory = join(cacheDir, `nodejs-${digest}`)
  if (!isComplete(directory, index)) {
    rmSync(directory, { recursive: true, force: true })
    write(directory, contents, index)
    removeOthers(cacheDir, `nodejs-${digest}`)
  }
  return { launcher: join(directory, 'launcher'), modules: join(directory, 'node_modules') }
}

/** Adds the packages and all that they depend upon, nested as they are installed. */
function addPackages(files: Map<string, string>, target: string, names: readonly string[], from: string): void {
  /** Directory of a package that was added -> its path below `target`. */
  const places = new Map<string, string>()
  const add = (name: string, parent: string, optional: boolean): void => {
    const holder = holderOf(name, parent)
    if (holder === undefined) {
      if (optional) return
      throw new Error(`the package ${name} is not installed (looked for from ${parent}); run npm ci`)
    }
    const directory = join(holder, 'node_modules', name)
    if (places.has(directory)) return
    const outer = places.get(holder)
    const place = outer === undefined ? name : `${outer}/node_modules/${name}`
    places.set(directory, place)
    for (const file of filesOf(directory)) {
      files.set(`${target}/${place}/${file.split(sep).join('/')}`, join(directory, file))
    }
    const text = readFileSync(join(directory, 'package.json'), 'utf8')
    const { dependencies, optionalDependencies } = v.parse(packageSchema, JSON.parse(text))
    for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
      add(dependency, directory, dependency in optionalDependencies)
    }
  }
  for (const name of names) add(name, from, false)
}

/** The directory whose node_modules has the package, as `require` looks for it from `from`. */
function holderOf(name: string, from: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    if (existsSync(join(at, 'node_modules', name, 'package.json'))) return at
    if (at === dirname(at)) return undefined
  }
}

/** Files of a package, without the packages nested in it: those come by themselves where they are needed. */
function filesOf(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((name) => !name.split(sep).includes('node_modules'))
    .sort()
}

function isComplete(directory: string, expected: Index): boolean {
  try {
    const index = v.parse(indexSchema, JSON.parse(readFileSync(join(directory, INDEX), 'utf8')))
    if (JSON.stringify(index) !== JSON.stringify(expected)) return false
    return Object.entries(index).every(([name, digest]) => sha256(readFileSync(join(directory, name))) === digest)
  } catch {
    // Never made, cut off, or with files missing.
    return false
  }
}

/** Written beside its place and moved there whole: another process that starts now sees all of it or nothing. */
function write(directory: string, contents: ReadonlyMap<string, Buffer>, index: Index): void {
  const draft = `${directory}.${randomBytes(6).toString('hex')}`
  try {
    for (const [name, content] of contents) {
      makeReadable(draft, dirname(name))
      writeFileSync(join(draft, name), content)
      // Containers run as users of their own, whatever the platform's umask is.
      chmodSync(join(draft, name), 0o644)
    }
    writeFileSync(join(draft, INDEX), JSON.stringify(index))
    renameSync(draft, directory)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (!isComplete(directory, index)) throw error
  }
}

function makeReadable(root: string, path: string): void {
  if (existsSync(join(root, path))) return
  if (path !== '.') makeReadable(root, dirname(path))
  mkdirSync(join(root, path), { recursive: true })
  chmodSync(join(root, path), 0o755)
}

/** Copies of earlier versions, and drafts that were cut off: containers of an earlier process, which may have had them mounted, end with it. */
function removeOthers(cacheDir: string, current: string): void {
  for (const name of readdirSync(cacheDir)) {
    const isDraft = /^nodejs-[0-9a-f]{16}\./.test(name)
    if ((!isDraft && !/^nodejs-[0-9a-f]{16}$/.test(name)) || name === current) continue
    const path = join(cacheDir, name)
    // A young draft may be another process's that starts at the same time.
    if (isDraft && Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < DRAFT_MS) continue
    rmSync(path, { recursive: true, force: true })
  }
}

function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex')
}
