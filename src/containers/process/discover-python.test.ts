/** Which interpreters are found, which of them is the default, and that nobody is asked twice. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { discoverPython } from './discover-python.ts'
import { findPythonCandidates, realBinary } from './python-candidates.ts'

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'stave-discover-')))
after(() => rmSync(directory, { recursive: true, force: true }))
const system = existsSync('/usr/bin/python3') ? realpathSync('/usr/bin/python3') : undefined
const skip = system === undefined && 'no /usr/bin/python3'
const warnings: string[] = []
const log = { warn: (fields: object, message: string) => void warnings.push(`${message} ${JSON.stringify(fields)}`) }
let caches = 0
const options = (more: object = {}): Parameters<typeof discoverPython>[0] => ({
  interpreters: {},
  path: '/usr/bin',
  cacheDir: join(directory, `cache${++caches}`),
  log,
  home: join(directory, 'nobody'),
  ...more,
})

function folder(...names: string[]): string {
  const path = join(directory, ...names)
  mkdirSync(path, { recursive: true })
  return path
}

function script(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o755 })
}

describe('candidates', () => {
  test('shims, other names and old versions are none; a link counts as what it leads to', { skip }, () => {
    const bin = folder('bin')
    script(join(bin, 'python3'), '#!/bin/sh\nexit 1\n')
    script(join(bin, 'python3-config'), 'x')
    symlinkSync(system ?? '', join(bin, 'python3.11'))
    symlinkSync(system ?? '', join(bin, 'python2'))
    symlinkSync('/no/such/file', join(bin, 'python3.12'))
    const found = findPythonCandidates(`${bin}:relative`, undefined)
    assert.ok(found.some(({ path }) => path === system))
    assert.ok(found.every(({ path }) => !path.startsWith(bin)))
    assert.equal(new Set(found.map(({ path }) => path)).size, found.length)
    assert.equal(realBinary(join(bin, 'python3')), undefined)
  })

  test('the default is the first python3 of PATH; a pyenv shim stands for what its version file selects', () => {
    const home = folder('home')
    const root = folder('home', '.pyenv')
    for (const version of ['3.10.4', '3.10.13', '3.12.1', '2.7.18', '3.8.1']) {
      const bin = folder('home', '.pyenv', 'versions', version, 'bin')
      const name = `python${version.split('.').slice(0, 2).join('.')}`
      script(join(bin, name), 'a binary')
      symlinkSync(join(bin, name), join(bin, 'python3'))
    }
    const shims = folder('home', '.pyenv', 'shims')
    script(join(shims, 'python3'), '#!/usr/bin/env bash\n')
    writeFileSync(join(root, 'version'), 'system\n3.10\n')
    const found = findPythonCandidates(shims, home)
    const managed = found.filter(({ path }) => path.startsWith(root)).map(({ path }) => path.split('/').at(-3))
    assert.deepEqual(managed, ['3.10.13', '3.12.1', '3.10.4'])
    assert.deepEqual(
      found.filter(({ isDefault }) => isDefault).map(({ path }) => path.split('/').at(-3)),
      ['3.10.13'],
    )
  })
})

describe('discovery', { skip }, () => {
  const version =
    skip === false
      ? execFileSync(system ?? '', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], {
          encoding: 'utf8',
        }).trim()
      : ''
  const kind = `python:${version}`

  test('an interpreter of the system needs no mounts but the launcher, and says its version', async () => {
    const [first] = await discoverPython(options())
    assert.equal(first?.kind, kind)
    const { launcher } = first
    assert.equal(launcher.interpreter, system)
    assert.ok(launcher.version.startsWith(`${version}.`))
    assert.deepEqual(
      launcher.mounts.map(({ target }) => target),
      ['launcher.py', 'action_code.py', 'action_output.py', 'action_runs.py', 'action_archive.py'].map(
        (name) => `/runtime/python/${name}`,
      ),
    )
    assert.ok(launcher.mounts.every(({ source }) => existsSync(source)))
    assert.equal(launcher.command.at(-1), '/runtime/python/launcher.py')
    assert.ok(existsSync(launcher.hostCommand.at(-1) ?? ''))
    assert.ok(existsSync(launcher.zygote?.command.at(-1) ?? ''))
    assert.equal(launcher.environment['LANG'], 'C.UTF-8')
  })

  test('a configured interpreter wins for its kind; one of another version, a relative path or none is said and passed over', async () => {
    const link = join(folder('configured'), 'mypython')
    symlinkSync(system ?? '', link)
    const interpreters = { [kind]: link, 'python:3.99': link, 'python:3.98': 'python3', 'nodejs:24': '/bin/node' }
    const found = await discoverPython(options({ interpreters }))
    assert.equal(found.find((entry) => entry.kind === kind)?.launcher.interpreter, link)
    assert.ok(found.every((entry) => !/3\.9[89]/.test(entry.kind)))
    assert.match(warnings.join('\n'), /is of another version .*python:3\.99/)
    assert.match(warnings.join('\n'), /not an absolute path of a file .*python:3\.98/)
  })

  test('what does not answer like a Python is left out and said', async () => {
    const bin = folder('broken')
    symlinkSync('/bin/true', join(bin, 'python3.13'))
    const found = await discoverPython(options({ path: `${bin}:/usr/bin` }))
    assert.ok(found.every(({ launcher }) => !launcher.interpreter.endsWith('/true')))
    assert.match(warnings.join('\n'), /did not answer.*\/true/)
  })

  test('answers are kept: no interpreter is started again until its file changes', async () => {
    const bin = folder('counted')
    const count = join(directory, 'count')
    const python = join(bin, 'python-counted')
    // Configured interpreters may be scripts: that is their owner's choice.
    script(python, `#!/bin/sh\necho x >>${count}\nexec ${system} "$@"\n`)
    const settings = options({ interpreters: { [kind]: python } })
    for (let round = 0; round < 2; round++) {
      const found = await discoverPython(settings)
      assert.equal(found.find((entry) => entry.kind === kind)?.launcher.interpreter, python)
    }
    assert.equal(readFileSync(count, 'utf8'), 'x\n')
    lutimesSync(python, 1, 1)
    await discoverPython(settings)
    assert.equal(readFileSync(count, 'utf8'), 'x\nx\n')
    writeFileSync(join(settings.cacheDir, 'python-interpreters.json'), '{"not": "a cache"}')
    await discoverPython(settings)
    assert.equal(readFileSync(count, 'utf8'), 'x\nx\nx\n')
  })

  test('a cache that cannot be written costs nothing but time', async () => {
    writeFileSync(join(directory, 'file'), '')
    const found = await discoverPython(options({ cacheDir: join(directory, 'file', 'below') }))
    assert.equal(found[0]?.kind, kind)
  })
})
