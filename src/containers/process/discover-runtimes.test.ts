/** Discovery on made-up hosts: which binaries count as interpreters, what is left of the manifest, and the files that containers are shown. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { findKind } from '../../model/manifest.ts'
import { prepareNodejsFiles } from './discover-nodejs-files.ts'
import { askVersions, findNodejsBinaries } from './discover-nodejs-interpreters.ts'
import { installedFile } from '../installed-file.ts'
import type { DiscoveredRuntimes, DiscoverRuntimesOptions } from './discover-runtimes.ts'
import { discoverRuntimes } from './discover-runtimes.ts'

const NODE = realpathSync(process.execPath)
const MAJOR = process.versions.node.split('.')[0] ?? ''
const OWN = `nodejs:${MAJOR}`
const LAUNCHER_SOURCE = dirname(installedFile('runtimes/nodejs/launcher.cjs'))

function temporary(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'stave-discover-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Puts a link to the real interpreter, or a program of that text, at `path`. */
function place(path: string, program?: string): string {
  mkdirSync(dirname(path), { recursive: true })
  if (program === undefined) symlinkSync(NODE, path)
  else writeFileSync(path, program, { mode: 0o755 })
  return path
}

async function discover(
  context: TestContext,
  options: Partial<DiscoverRuntimesOptions> = {},
): Promise<DiscoveredRuntimes & { readonly warnings: readonly string[] }> {
  const warnings: string[] = []
  const found = await discoverRuntimes({
    interpreters: {},
    manifest: undefined,
    stemCells: {},
    path: '',
    execPath: process.execPath,
    cacheDir: join(temporary(context), 'cache'),
    home: '/nonexistent',
    log: { warn: (fields, message) => warnings.push(`${message} ${JSON.stringify(fields)}`) },
    ...options,
  })
  return { ...found, warnings }
}

const IMAGE = { name: 'x' }

function manifest(kinds: readonly object[], family = 'nodejs'): string {
  return JSON.stringify({ runtimes: { [family]: kinds.map((kind) => ({ image: IMAGE, ...kind })) } })
}

test('S4-2: binaries are found in PATH and with version managers, shims are not', (context) => {
  const home = temporary(context)
  const bin = join(home, 'bin')
  place(join(bin, 'node'))
  place(join(home, 'shims/node'), '#!/bin/sh\nexec something\n')
  copyFileSync('/bin/true', join(home, 'volta-shim'))
  mkdirSync(join(home, '.volta/bin'), { recursive: true })
  symlinkSync(join(home, 'volta-shim'), join(home, '.volta/bin/node'))
  for (const version of ['v9.1.0', 'v20.1.0', 'v18.2.0']) {
    const binary = join(home, '.nvm/versions/node', version, 'bin/node')
    mkdirSync(dirname(binary), { recursive: true })
    copyFileSync('/bin/true', binary)
  }
  const fnm = join(home, '.local/share/fnm/node-versions/v22.0.0/installation/bin/node')
  mkdirSync(dirname(fnm), { recursive: true })
  copyFileSync('/bin/true', fnm)
  writeFileSync(join(bin, 'nodejs'), 'not executable', { mode: 0o644 })

  const path = [bin, join(home, 'shims'), join(home, '.volta/bin'), '/no/such', 'relative'].join(':')
  const found = findNodejsBinaries('/no/such/node', path, home)
  assert.equal(found[0], NODE)
  assert.deepEqual(
    found.filter((binary) => binary.startsWith(home)).map((binary) => binary.slice(home.length)),
    [
      '/.nvm/versions/node/v20.1.0/bin/node',
      '/.nvm/versions/node/v18.2.0/bin/node',
      '/.nvm/versions/node/v9.1.0/bin/node',
      '/.local/share/fnm/node-versions/v22.0.0/installation/bin/node',
    ],
  )
})

test('S4-2: each binary is asked once and again when it has changed', async (context) => {
  const directory = temporary(context)
  const count = join(directory, 'count')
  const binary = place(join(directory, 'node'), `#!/bin/sh\necho x >> ${count}\necho v19.1.2\n`)
  const asked = (): number => readFileSync(count, 'utf8').split('\n').length - 1
  const cache = join(directory, 'cache')
  for (let round = 0; round < 2; round++) {
    assert.deepEqual((await askVersions([binary], cache)).interpreters, [{ path: binary, version: '19.1.2' }])
  }
  assert.equal(asked(), 1)
  utimesSync(binary, 1, 1)
  await askVersions([binary], cache)
  assert.equal(asked(), 2)
  writeFileSync(join(cache, 'nodejs-interpreters.json'), '{"damaged":')
  await askVersions([binary], cache)
  assert.equal(asked(), 3)
})

test('S4-2: a binary that fails or says something else is no interpreter; a cache that cannot be written is no error', async (context) => {
  const directory = temporary(context)
  const failing = place(join(directory, 'a/node'), '#!/bin/sh\necho broken >&2; exit 3\n')
  const other = place(join(directory, 'b/node'), '#!/bin/sh\necho bun 1.0\n')
  const gone = join(directory, 'c/node')
  const { interpreters, silent } = await askVersions([failing, other, gone], '/dev/null/cache')
  assert.deepEqual(interpreters, [])
  assert.deepEqual(
    silent.map(({ path }) => path),
    [failing, other, gone],
  )
  assert.match(silent[1]?.reason ?? '', /it answered "bun 1\.0\\n" to --version/)
})

test('S4-2: the platform’s own interpreter is a kind, its launcher starts on the host and finds openwhisk', async (context) => {
  const { manifest: left, launchers, absent } = await discover(context, { stemCells: { nodejs: 2, python: 0 } })
  const launcher = launchers.get(OWN)
  assert.ok(launcher !== undefined)
  assert.equal(launcher.interpreter, NODE)
  assert.equal(launcher.version, process.versions.node)
  const kind = findKind(left, 'nodejs:default')
  assert.equal(kind?.kind, OWN)
  assert.deepEqual(kind?.stemCells[0]?.initialCount, 2)
  assert.ok(left.kinds.filter(({ family }) => family === 'python').every(({ stemCells }) => stemCells.length === 0))
  assert.ok(left.kinds.every(({ kind: name }) => launchers.has(name)))
  assert.ok(absent.every(({ kind: name }) => /^(?:nodejs|python):/.test(name)))

  const [command, ...args] = launcher.hostCommand
  const child = spawn(command, args, {
    env: launcher.environment,
    cwd: temporary(context),
    stdio: ['pipe', 'ignore', 'inherit', 'pipe'],
  })
  const code =
    'const ow = require("openwhisk"); let own = "hidden"; try { require("yauzl"); own = "seen" } catch {} main = () => ({ ow: typeof ow, own })'
  let answers = ''
  child.stdio[3]?.on('data', (chunk: Buffer) => {
    answers += chunk.toString('utf8')
    // The run may only be sent when the init is answered.
    if (answers.endsWith('{"ok":true}\n{"ok":true}\n')) child.stdin?.end('{"value":{},"activation_id":"1"}\n')
  })
  child.stdin?.write(`${JSON.stringify({ value: { name: 'a', main: 'main', binary: false, code, env: {} } })}\n`)
  assert.deepEqual(await once(child, 'close'), [0, null])
  assert.equal(answers, '{"ok":true}\n{"ok":true}\n{"ow":"function","own":"hidden"}\n')
})

test('S4-2: an interpreter outside the system’s directories is shown by mounts, one inside needs none', async (context) => {
  const { launchers } = await discover(context)
  for (const launcher of launchers.values()) {
    if (launcher.family !== 'nodejs') continue
    const [command] = launcher.command
    const mount = launcher.mounts.find(({ target }) => target === command)
    if (launcher.interpreter.startsWith('/usr/')) assert.equal(mount, undefined)
    else
      assert.deepEqual(mount, {
        source: launcher.interpreter,
        target: `/runtime/${launcher.kind.replace(':', '-')}/bin/node`,
      })
    assert.ok(launcher.mounts.every(({ source }) => existsSync(source)))
    const shown = launcher.mounts.find(({ target }) => target === '/runtime/nodejs')
    assert.ok(shown !== undefined && existsSync(join(shown.source, 'launcher.cjs')))
    assert.deepEqual(launcher.command.at(-1), '/runtime/nodejs/launcher.cjs')
  }
})

test('S4-2: kinds without interpreter are dropped and reported, the default moves', async (context) => {
  const {
    manifest: left,
    launchers,
    absent,
  } = await discover(context, {
    manifest: manifest([{ kind: 'nodejs:1', default: true }, { kind: OWN }, { kind: 'nodejs:6', deprecated: true }]),
  })
  assert.deepEqual(
    left.kinds.map(({ kind, default: isDefault }) => [kind, isDefault]),
    [
      [OWN, true],
      ['nodejs:6', false],
    ],
  )
  assert.deepEqual([...launchers.keys()], [OWN])
  assert.deepEqual(absent, [
    {
      kind: 'nodejs:1',
      reason: 'no Node.js 1 was found on this host',
      remedy: 'install it, or name it: runtimes.interpreters {"nodejs:1": "/path/to/node"}',
    },
  ])
})

test('S4-2: other languages of the operator’s own manifest are reported', async (context) => {
  const { absent, manifest: left } = await discover(context, { manifest: manifest([{ kind: 'java:8' }], 'java') })
  assert.deepEqual(left.kinds, [])
  assert.deepEqual(
    absent.map(({ kind, remedy }) => [kind, remedy]),
    [['java:8', 'set containers.provider to docker, or take the kind out of the manifest']],
  )
})

test('S4-2: stem cells of the operator’s own manifest win over the counts by family', async (context) => {
  const own = manifest([{ kind: OWN, stemCells: [{ initialCount: 5, memory: '128 MB' }] }])
  const { manifest: left } = await discover(context, { manifest: own, stemCells: { nodejs: 2 } })
  assert.deepEqual(left.kinds[0]?.stemCells, [{ initialCount: 5, memoryMb: 128 }])
})

test('S4-2: a configured interpreter wins; one of another version or that does not work is reported, not replaced', async (context) => {
  const directory = temporary(context)
  const good = join(directory, 'node')
  copyFileSync('/bin/sh', good)
  const cases: readonly (readonly [string, RegExp])[] = [
    ['/no/such/node', /not the absolute path of a program/],
    ['relative/node', /not the absolute path of a program/],
    [place(join(directory, 'script'), '#!/bin/sh\n'), /not the absolute path of a program/],
    [good, /did not answer/],
  ]
  for (const [path, warning] of cases) {
    const { absent, launchers, warnings } = await discover(context, { interpreters: { [OWN]: path } })
    assert.ok(!launchers.has(OWN))
    assert.match(warnings.join('\n'), warning)
    const { reason, remedy } = absent.find(({ kind }) => kind === OWN) ?? {}
    assert.equal(reason, `the configured interpreter ${path} is not a working Node.js ${MAJOR}`)
    assert.match(remedy ?? '', /runtimes\.interpreters/)
  }
  const wrong = await discover(context, { interpreters: { 'nodejs:18': NODE } })
  assert.match(wrong.warnings.join('\n'), /is of another version/)
  const right = await discover(context, { interpreters: { [OWN]: place(join(directory, 'link')) } })
  assert.equal(right.launchers.get(OWN)?.interpreter, NODE)
})

test('S4-2: the files of containers are complete, readable by others, and hold no other package', (context) => {
  const cache = join(temporary(context), 'cache')
  const mask = process.umask(0o077)
  const files = prepareNodejsFiles(LAUNCHER_SOURCE, cache)
  process.umask(mask)
  const packages = readdirSync(files.modules)
  assert.ok(packages.includes('openwhisk') && packages.includes('needle'))
  assert.ok(!packages.includes('yauzl') && !packages.includes('pino') && !packages.includes('valibot'))
  assert.deepEqual(readdirSync(join(files.launcher, 'node_modules')).sort(), ['pend', 'yauzl'])
  assert.ok(!readdirSync(files.launcher).some((name) => name.endsWith('.ts')))
  assert.equal(statSync(files.modules).mode & 0o777, 0o755)
  assert.equal(statSync(join(files.launcher, 'launcher.cjs')).mode & 0o777, 0o644)
})

test('S4-2: the files are made once, made again when damaged, and earlier ones go', (context) => {
  const cache = join(temporary(context), 'cache')
  const first = prepareNodejsFiles(LAUNCHER_SOURCE, cache)
  const launcher = join(first.launcher, 'launcher.cjs')
  const made = statSync(launcher).ino
  assert.deepEqual(prepareNodejsFiles(LAUNCHER_SOURCE, cache), first)
  assert.equal(statSync(launcher).ino, made)

  const content = readFileSync(launcher)
  writeFileSync(launcher, '')
  mkdirSync(join(cache, 'nodejs-0123456789abcdef'))
  mkdirSync(join(cache, 'nodejs-0123456789abcdef.draft'))
  utimesSync(join(cache, 'nodejs-0123456789abcdef.draft'), 1, 1)
  mkdirSync(join(cache, 'nodejs-0123456789abcdef.young'))
  prepareNodejsFiles(LAUNCHER_SOURCE, cache)
  assert.deepEqual(readFileSync(launcher), content)
  const kept = readdirSync(cache).sort()
  assert.deepEqual(kept, ['nodejs-0123456789abcdef.young', dirname(first.launcher).slice(cache.length + 1)].sort())
})

test('S4-2: nested versions of a package keep their place; a missing one is named', (context) => {
  const root = temporary(context)
  const source = join(root, 'runtimes/nodejs')
  const write = (path: string, fields: object): void => {
    mkdirSync(join(root, 'node_modules', path), { recursive: true })
    writeFileSync(join(root, 'node_modules', path, 'package.json'), JSON.stringify({ version: '1.0.0', ...fields }))
  }
  mkdirSync(source, { recursive: true })
  writeFileSync(join(source, 'launcher.cjs'), '')
  write('yauzl', {})
  write('openwhisk', { dependencies: { a: '1', b: '2' }, optionalDependencies: { none: '1' } })
  write('a', { dependencies: { b: '1' } })
  write('b', { version: '2.0.0', dependencies: { a: '1' } })
  write('a/node_modules/b', { version: '1.0.0', dependencies: { '@scope/c': '1' } })
  write('@scope/c', {})
  write('unrelated', {})
  const { modules } = prepareNodejsFiles(source, join(root, 'cache'))
  assert.deepEqual(readdirSync(modules).sort(), ['@scope', 'a', 'b', 'openwhisk'])
  assert.match(readFileSync(join(modules, 'a/node_modules/b/package.json'), 'utf8'), /"1\.0\.0"/)
  assert.match(readFileSync(join(modules, 'b/package.json'), 'utf8'), /"2\.0\.0"/)

  rmSync(join(root, 'node_modules/@scope'), { recursive: true })
  assert.throws(
    () => prepareNodejsFiles(source, join(root, 'cache')),
    /the package @scope\/c is not installed .*run npm ci/,
  )
  chmodSync(join(root, 'cache'), 0o755)
})
