/** From FILE and the options around it to the `exec` of an action. */

import { isUtf8 } from 'node:buffer'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isArchive, isBinaryFile, kindOfFile } from './action-kinds.ts'
import { messageOf, systemCodeOf, usageError } from './failure.ts'
import { zipDirectory } from './zip-directory.ts'

/** The image that runs any executable, which `--native` stands for. */
const NATIVE_IMAGE = 'openwhisk/dockerskeleton'

export interface CodeOptions {
  readonly kind?: string
  readonly main?: string
  readonly docker?: string
  readonly native?: boolean
  readonly sequence?: boolean
}

/** `exec` as the API takes it. */
export interface ExecBody {
  readonly kind: string
  readonly code?: string
  readonly image?: string
  readonly main?: string
  readonly components?: readonly string[]
}

/**
 * The `exec` for `file`, or undefined when neither file nor image was given (an update that leaves the code alone). `cwd` is what relative paths start
 * from; `namespace` qualifies the components of a sequence. Throws usage errors.
 */
export async function readExec(
  file: string | undefined,
  options: CodeOptions,
  cwd: string,
  namespace: string,
): Promise<ExecBody | undefined> {
  const main = options.main === undefined ? {} : { main: options.main }
  if (options.sequence === true) return { kind: 'sequence', components: componentsOf(file, namespace) }
  const image = options.docker ?? (options.native === true ? NATIVE_IMAGE : undefined)
  if (file === undefined) return image === undefined ? undefined : { kind: 'blackbox', image, ...main }
  const path = resolve(cwd, file)
  const code = await readCode(file, path)
  if (image !== undefined) return { kind: 'blackbox', image, code, ...main }
  const kind = options.kind ?? guessKind(file, path)
  if (kind.startsWith('java:') && options.main === undefined) {
    throw usageError('Java actions require --main to specify the fully-qualified name of the main class.')
  }
  return { kind, code, ...main }
}

function componentsOf(list: string | undefined, namespace: string): readonly string[] {
  const names = (list ?? '').split(',').map((name) => name.trim())
  if (names.includes(''))
    throw usageError('A sequence takes the names of its actions, separated by commas: first,second.')
  return names.map((name) => (name.startsWith('/') ? name : `/${namespace}/${name}`))
}

async function readCode(file: string, path: string): Promise<string> {
  try {
    if (statSync(path).isDirectory()) return (await zipDirectory(path)).toString('base64')
    const bytes = readFileSync(path)
    return bytes.toString(isBinaryFile(path) || !isUtf8(bytes) ? 'base64' : 'utf8')
  } catch (error) {
    const code = systemCodeOf(error)
    if (code === 'ENOENT') throw usageError(`File '${file}' is not a valid file or it does not exist.`)
    if (code !== undefined) throw usageError(`Cannot read '${file}': ${messageOf(error)}.`)
    throw error
  }
}

function guessKind(file: string, path: string): string {
  if (isArchive(path)) {
    const type = path.endsWith('.zip') ? '.zip' : 'tar.gz'
    throw usageError(
      `creating an action from a ${type} artifact requires specifying the action kind explicitly (--kind nodejs:default)`,
    )
  }
  const kind = statSync(path).isDirectory() ? kindOfDirectory(path) : kindOfFile(path)
  if (kind !== undefined) return kind
  throw usageError(
    `The name of '${file}' does not tell the action's kind; give it with --kind, for example --kind nodejs:default.`,
  )
}

function kindOfDirectory(path: string): string | undefined {
  if (existsSync(join(path, 'package.json')) || existsSync(join(path, 'index.js'))) return 'nodejs:default'
  return existsSync(join(path, '__main__.py')) ? 'python:default' : undefined
}
