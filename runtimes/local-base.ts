/**
 * Root file systems of base images, made of what this host has: an interpreter, the shared libraries that it names, certificates, and the few files in /etc that
 * the C library reads. No distribution, no shell. For hosts without an image registry; with one, the public images are the base.
 */

import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Changes when something else than before is put into a root. */
export const BASE_FORMAT = 1

const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'
const TIME_ZONES = '/usr/share/zoneinfo'
/** The loader's own directories: what is elsewhere (an interpreter's library in a home directory) is moved beside the C library. */
const LIBRARY_DIRECTORY = /^\/(?:usr\/)?lib(?:64)?\//
/** Loaded by name when the first host name is looked up, so that `ldd` does not know of them. */
const NAME_SERVICES = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2']
/** Of the standard library: what no action needs, and what another interpreter installed. */
const PYTHON_LEFT_OUT =
  /\/(?:test|tests|idlelib|tkinter|turtledemo|ensurepip|lib2to3|pydoc_data|site-packages|dist-packages|config-[^/]+)$/

export interface Interpreter {
  readonly family: 'nodejs' | 'python'
  /** The file itself, no link to it. */
  readonly path: string
  /** As kinds write it: `24`, `3.11`. */
  readonly version: string
  /** Directory of Python's standard library. */
  readonly library?: string
}

/** Asks the program at `path` what it is. Throws with the reason when it is no Node.js or Python, or does not run. */
export function examine(family: Interpreter['family'], path: string): Interpreter {
  const [script, flag] =
    family === 'nodejs'
      ? ['console.log(JSON.stringify([process.versions.node.split(".")[0], process.execPath, ""]))', '-e']
      : [
          'import json,os,sys,sysconfig; print(json.dumps(["%d.%d" % sys.version_info[:2], os.path.realpath(sys.executable), sysconfig.get_path("stdlib")]))',
          '-c',
        ]
  const { status, stdout, error } = spawnSync(path, [flag, script], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${path} does not run: ${error?.message ?? `status ${status}`}`)
  const [version = '', file = '', library = ''] = JSON.parse(stdout) as readonly string[]
  return { family, path: realpathSync(file), version, ...(library !== '' && { library: realpathSync(library) }) }
}

/** Writes the root file system to the empty directory `root`. Throws when something that it needs is not on this host, saying what. */
export function layOutBase(interpreter: Interpreter, root: string): void {
  for (const directory of ['etc/ssl/certs', 'tmp', 'usr/local/bin', 'usr/local/lib', 'bin']) {
    mkdirSync(join(root, directory), { recursive: true })
  }
  chmodSync(join(root, 'tmp'), 0o1777)
  writeFileSync(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/:/sbin/nologin\naction:x:65532:65532:action:/tmp:/sbin/nologin\n',
  )
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\naction:x:65532:\n')
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n')
  copyCertificates(root)
  const name = interpreter.family === 'nodejs' ? 'node' : `python${interpreter.version}`
  const program = join(root, 'usr/local/bin', name)
  copyFileSync(interpreter.path, program)
  const needy = [interpreter.path]
  if (interpreter.library !== undefined) needy.push(...layOutPython(interpreter, interpreter.library, root))
  copyLibraries(needy, root)
  strip([program, ...globSync(`${root}/**/*.so*`)])
}

function copyCertificates(root: string): void {
  if (!existsSync(CERTIFICATES)) throw new Error(`${CERTIFICATES} is missing: apt-get install ca-certificates`)
  copyFileSync(CERTIFICATES, join(root, CERTIFICATES))
}

/** Standard library, compiled caches included, and time zones; returns the modules that need shared libraries of their own. */
function layOutPython({ version }: Interpreter, library: string, root: string): readonly string[] {
  const target = join(root, `usr/local/lib/python${version}`)
  cpSync(library, target, {
    recursive: true,
    dereference: true,
    // Caches are taken for stale where their source is younger.
    preserveTimestamps: true,
    filter: (source) => !PYTHON_LEFT_OUT.test(source),
  })
  symlinkSync(`python${version}`, join(root, 'usr/local/bin/python3'))
  if (existsSync(TIME_ZONES)) {
    cpSync(TIME_ZONES, join(root, TIME_ZONES), {
      recursive: true,
      dereference: true,
      filter: (source) => !/\/(?:right|posix)$/.test(source),
    })
  }
  return globSync(`${library}/lib-dynload/*.so`)
}

function copyLibraries(programs: readonly string[], root: string): void {
  const listing = spawnSync('ldd', programs, { encoding: 'utf8' }).stdout ?? ''
  const absent = [...listing.matchAll(/^\s*(\S+) => not found/gm)].map(([, name]) => name)
  if (absent.length > 0) throw new Error(`${programs[0]} needs libraries that are not here: ${absent.join(', ')}`)
  const found = new Set([...listing.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, path = '']) => path))
  const libc = [...found].find((path) => basename(path) === 'libc.so.6')
  if (libc === undefined) throw new Error(`${programs[0]} is not linked with the GNU C library`)
  const home = dirname(libc)
  for (const path of [...found, ...NAME_SERVICES.map((name) => join(home, name))]) {
    if (!existsSync(path)) continue
    const target = join(root, LIBRARY_DIRECTORY.test(path) ? path : join(home, basename(path)))
    mkdirSync(dirname(target), { recursive: true })
    copyFileSync(path, target)
  }
}

/** Takes symbols for debuggers away, where the host has the tool for it: a sixth of Node.js. */
function strip(files: readonly string[]): void {
  for (const file of files) if (!statSync(file).isFile()) throw new Error(`${file} is no file`)
  spawnSync('strip', ['--strip-all', ...files], { stdio: 'ignore' })
}

/** What an image of this interpreter is made from, in a few characters: the same text, the same image. */
export function describeBase({ path, version, library = '' }: Interpreter): string {
  const { size, mtimeMs } = statSync(path)
  const certificates = existsSync(CERTIFICATES) ? readFileSync(CERTIFICATES).length : 0
  return [BASE_FORMAT, path, version, size, Math.round(mtimeMs), library, certificates].join(' ')
}
