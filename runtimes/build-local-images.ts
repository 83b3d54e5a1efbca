/**
 * `npm run images:local`: builds the runtime images on the engine at DOCKER_HOST without any image registry, and writes the manifest that names them to
 * runtimes/local-images.json; then the platform's own image, of this installation. `--node PATH` and `--python PATH`, each as often as wanted, choose the
 * interpreters of the runtimes; default: the Node.js of this installation and the host's Python. What is there already is not built again.
 */

import { createHash } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { prepareNodejsFiles } from '../src/containers/process/discover-nodejs-files.ts'
import { copyPlatform, DOCKERFILE, PLATFORM_IMAGE, VERSION } from '../deploy/docker/local-context.ts'
import type { Interpreter } from './local-base.ts'
import { describeBase, examine, layOutBase } from './local-base.ts'

const RUNTIMES = fileURLToPath(new URL('.', import.meta.url))
const MANIFEST = join(RUNTIMES, 'local-images.json')
/** On a base image: what it was made from. */
const LABEL = 'org.stave.base'
const ENVIRONMENT = [
  'PATH=/usr/local/bin:/usr/bin:/bin',
  'LANG=C.UTF-8',
  'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt',
]
const FILES: Readonly<Record<Interpreter['family'], readonly string[]>> = {
  nodejs: ['Dockerfile', 'package.json', 'package-lock.json', '*.cjs'],
  python: ['Dockerfile', '*.py'],
}

function main(): void {
  const { values } = parseArgs({
    options: { node: { type: 'string', multiple: true }, python: { type: 'string', multiple: true } },
  })
  docker(['version'], 'DOCKER_HOST must name a Docker Engine, and its command line be there (docker-cli, or docker.io)')
  const interpreters = [
    ...(values.node ?? [process.execPath]).map((path) => examine('nodejs', path)),
    ...(values.python ?? [hostPython()]).map((path) => examine('python', path)),
  ]
  const own = examine('nodejs', process.execPath)
  const directory = mkdtempSync(join(tmpdir(), 'stave-images-'))
  try {
    for (const interpreter of interpreters) {
      buildBase(interpreter, directory)
      buildAction(interpreter, directory)
    }
    writeManifest(interpreters)
    if (!interpreters.some(({ path }) => path === own.path)) buildBase(own, directory)
    buildPlatform(own, directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
  say(`to use them: --runtimes-manifest ${MANIFEST}`)
}

/** That of the distribution, if any: version managers have others in PATH. */
function hostPython(): string {
  return existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'
}

/** The image of nothing but the interpreter; test images are built on it too. */
function buildBase(interpreter: Interpreter, directory: string): void {
  const name = baseName(interpreter)
  const origin = createHash('sha256').update(describeBase(interpreter)).digest('hex').slice(0, 16)
  const known = spawnSync('docker', ['image', 'inspect', '-f', `{{index .Config.Labels "${LABEL}"}}`, name])
  if (known.stdout.toString().trim() === origin) return say(`${name} is there`)
  const started = performance.now()
  const root = join(directory, 'root')
  mkdirSync(root)
  layOutBase(interpreter, root)
  const archive = `${root}.tar`
  need('tar', ['--create', '--numeric-owner', '--owner=0', '--group=0', '--file', archive, '--directory', root, '.'])
  const changes = [`LABEL ${LABEL}=${origin}`, ...ENVIRONMENT.map((variable) => `ENV ${variable}`)]
  docker(['import', ...changes.flatMap((change) => ['--change', change]), archive, name])
  rmSync(root, { recursive: true })
  rmSync(archive)
  report(name, started)
}

/** The runtime's own image, from its Dockerfile as it is. */
function buildAction(interpreter: Interpreter, directory: string): void {
  const name = actionName(interpreter)
  const started = performance.now()
  const context = join(directory, 'context')
  mkdirSync(context)
  const source = join(RUNTIMES, interpreter.family)
  const files = globSync(FILES[interpreter.family].map((pattern) => join(source, pattern)))
  for (const file of files) cpSync(file, join(context, basename(file)))
  if (interpreter.family === 'nodejs') copyModules(source, directory, context)
  docker(['build', '--quiet', '--build-arg', `BASE=${baseName(interpreter)}`, '--tag', name, context])
  rmSync(context, { recursive: true })
  report(name, started)
}

/** The modules of package.json, as this installation has them: without npm and a registry nothing else could bring them. */
function copyModules(source: string, directory: string, context: string): void {
  const cache = join(directory, 'cache')
  mkdirSync(cache, { recursive: true })
  const { launcher, modules } = prepareNodejsFiles(source, cache)
  for (const from of [modules, join(launcher, 'node_modules')]) {
    cpSync(from, join(context, 'node_modules'), { recursive: true, preserveTimestamps: true })
  }
}

/** The platform's image, which has the manifest of the runtimes' in it. */
function buildPlatform(own: Interpreter, directory: string): void {
  const started = performance.now()
  const context = join(directory, 'context')
  copyPlatform(context)
  const built = [`BASE=${baseName(own)}`, `VERSION=${VERSION}`].flatMap((text) => ['--build-arg', text])
  docker(['build', '--quiet', '--file', join(context, DOCKERFILE), ...built, '--tag', PLATFORM_IMAGE, context])
  rmSync(context, { recursive: true })
  report(PLATFORM_IMAGE, started)
}

function baseName({ family, version }: Interpreter): string {
  return `stave/base-${family}-v${version}:local`
}

function actionName({ family, version }: Interpreter): string {
  return `stave/action-${family}-v${version}:local`
}

/** OpenWhisk's `runtimes.json` for these images; the first version of a language is its default. */
function writeManifest(interpreters: readonly Interpreter[]): void {
  const runtimes: Record<string, unknown[]> = {}
  for (const interpreter of interpreters) {
    const { family, version } = interpreter
    const kinds = (runtimes[family] ??= [])
    kinds.push({
      kind: `${family}:${version}`,
      default: kinds.length === 0,
      image: { prefix: 'stave', name: `action-${family}-v${version}`, tag: 'local' },
      attached: { attachmentName: 'codefile', attachmentType: 'text/plain' },
      ...(kinds.length === 0 && { stemCells: [{ initialCount: family === 'nodejs' ? 2 : 1, memory: '256 MB' }] }),
    })
  }
  const description = ['Made by npm run images:local: the images that it has built.']
  const draft = `${MANIFEST}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify({ description, runtimes, blackboxes: [] }, null, 2)}\n`)
  renameSync(draft, MANIFEST)
}

function report(name: string, started: number): void {
  const size = Number(docker(['image', 'inspect', '--format', '{{.Size}}', name]))
  say(`${name}: ${(size / 1e6).toFixed(1)} MB in ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

/** Runs the Docker command line, which knows every form of DOCKER_HOST, and returns what it prints. */
function docker(parameters: readonly string[], remedy?: string): string {
  return need('docker', parameters, remedy)
}

function need(command: string, parameters: readonly string[], remedy?: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, parameters, {
    encoding: 'utf8',
    // The engine's own builder, which every engine has and which looks for images nowhere but in the engine first.
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
  })
  if (status === 0) return stdout
  const reason = error?.message ?? stderr.trim()
  throw new Error(
    `${command} ${parameters.slice(0, 2).join(' ')}: ${reason}${remedy === undefined ? '' : `\n${remedy}`}`,
  )
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

try {
  main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
