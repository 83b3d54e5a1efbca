/** An installation in a home directory: where sandboxes show it, and that the interpreter works there, started afresh or forked from the zygote. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { run, startAction, testSettings } from '../../../test/sandbox/sandbox-kit.ts'
import { systemClock } from '../../model/clock.ts'
import { discoverPython } from './discover-python.ts'
import { findHostTools } from './host-tools.ts'
import type { ProcessContainerFactory } from './process-container-factory.ts'
import { createProcessContainerFactory } from './process-container-factory.ts'
import { showInstallation } from './python-installation.ts'
import type { PythonFacts } from './python-probe.ts'
import type { RuntimeLauncher } from './runtime-launcher.ts'
import type { ProcessStarter } from './started-process.ts'
import { createZygoteStarter } from './zygote.ts'

const system = existsSync('/usr/bin/python3') ? realpathSync('/usr/bin/python3') : undefined
const library = `/usr/lib/${basename(system ?? '')}`
const skip = (system === undefined || !existsSync(`${library}/os.py`)) && 'no Python of the system to copy'
const home = realpathSync(mkdtempSync(join(tmpdir(), 'stave-home-')))
after(() => rmSync(home, { recursive: true, force: true }))
const prefix = join(home, '.pyenv/versions/3.x')
const binary = join(prefix, 'bin', basename(system ?? 'python3'))
mkdirSync(dirname(binary), { recursive: true })
if (skip === false) {
  copyFileSync(system ?? '', binary)
  const needless = new Set(['test', '__pycache__', 'idlelib', 'lib2to3', 'tkinter', 'ensurepip', 'pydoc_data'])
  cpSync(library, join(prefix, 'lib', basename(library)), {
    recursive: true,
    dereference: true,
    filter: (source) => !needless.has(basename(source)) && existsSync(source),
  })
}

const kind = basename(binary).replace('python', 'python:')

const facts: PythonFacts = {
  implementation: 'cpython',
  major: 3,
  minor: 12,
  version: '3.12.1',
  prefix,
  basePrefix: prefix,
  libraries: [join(prefix, 'lib/python3.12')],
  libraryDirectory: '',
  certificates: { file: '', directory: '' },
  canFork: true,
}

describe('where it is shown', { skip }, () => {
  test('below /runtime when it lies in a home directory, with what was compiled into it', () => {
    const compiled = {
      ...facts,
      libraryDirectory: join(prefix, 'lib'),
      certificates: { file: join(prefix, 'ssl/cert.pem'), directory: '/usr/lib/ssl/certs' },
    }
    assert.deepEqual(showInstallation('python:3.12', binary, compiled, home), {
      host: binary,
      inside: `/runtime/python-3.12/bin/${basename(binary)}`,
      mounts: [{ source: prefix, target: '/runtime/python-3.12' }],
      environment: {
        LD_LIBRARY_PATH: '/runtime/python-3.12/lib',
        SSL_CERT_FILE: '/runtime/python-3.12/ssl/cert.pem',
      },
    })
  })

  test('one that a whole home is the prefix of shows its binary and its library', () => {
    const spread = { ...facts, prefix: home, basePrefix: home, libraries: [join(home, 'lib/python3.12')] }
    assert.deepEqual(
      showInstallation('python:3.12', binary, spread, home).mounts.map(({ target }) => target),
      [`/runtime/python-3.12/.pyenv/versions/3.x/bin/${basename(binary)}`, '/runtime/python-3.12/lib/python3.12'],
    )
  })

  test('at its own path elsewhere, behind a script, and as a virtual environment', () => {
    const script = join(home, 'python-script')
    writeFileSync(script, `#!/bin/sh\nexec ${binary} "$@"\n`, { mode: 0o755 })
    for (const shown of [
      showInstallation('python:3.12', binary, facts, '/elsewhere'),
      showInstallation('python:3.12', script, facts, home),
      showInstallation('python:3.12', binary, { ...facts, prefix: join(home, 'environment') }, home),
    ]) {
      assert.equal(shown.inside, shown.host)
      assert.ok(shown.mounts.every(({ source, target }) => source === target))
      assert.deepEqual(shown.environment, {})
    }
  })
})

/** What an action sees of the interpreter and of the host. */
const LOOK = `
import json, os, subprocess, sys, traceback
import xml.dom.minidom, sqlite3, wsgiref.util
def main(args):
  try:
    json.loads('x')
  except ValueError:
    trace = traceback.format_exc()
  child = subprocess.run([sys.executable, '-c', 'import sys, ssl; print(sys.prefix)'], capture_output=True, text=True)
  return {'prefixes': [sys.prefix, sys.base_prefix, sys.exec_prefix], 'executable': sys.executable, 'child': child.stdout.strip() or child.stderr,
    'path': sys.path[1:], 'files': [json.__file__, json.__spec__.origin, os.__file__] + list(json.__path__), 'trace': trace,
    'homes': os.listdir('/home'), 'leak': sorted(n for n in os.listdir('/') if n in ('root', args['top']))}
`

for (const level of ['bubblewrap', 'unshare'] as const) {
  const tools = findHostTools()
  const missing = level === 'bubblewrap' ? tools.bwrap === undefined : tools.unshare === undefined
  for (const way of ['started', 'forked'] as const) {
    test(
      `${level}, ${way}: it works at its other place and shows no home`,
      {
        skip: skip || (missing && `no ${level}`),
      },
      async (context) => {
        const { factory, launcher, reason } = await open(level, way)
        try {
          const { protections } = factory.protections()
          assert.equal(protections.find(({ name }) => name === 'files')?.on, true)
          const { container } = await startAction(factory, LOOK, { kind: launcher.kind })
          if (reason() !== undefined) context.diagnostic(`not forked: ${reason()}`)
          const seen = await run(container, { top: home.split('/')[1] ?? '' })
          const place = `/runtime/${launcher.kind.replace(':', '-')}`
          assert.deepEqual(seen['prefixes'], [place, place, place])
          assert.equal(seen['executable'], `${place}/bin/${basename(binary)}`)
          assert.equal(seen['child'], place)
          assert.ok(!JSON.stringify(seen).includes(home), JSON.stringify(seen))
          assert.match(String(seen['trace']), /return _default_decoder\.decode/)
          assert.deepEqual([seen['homes'], seen['leak']], [['action'], ['tmp']])
        } finally {
          await factory.stop()
        }
      },
    )
  }
}

async function open(
  sandbox: 'bubblewrap' | 'unshare',
  way: 'started' | 'forked',
): Promise<{ factory: ProcessContainerFactory; launcher: RuntimeLauncher; reason: () => string | undefined }> {
  const dataDir = mkdtempSync(join(home, `${sandbox}-`))
  const log = { info: () => undefined, warn: () => undefined }
  const found = await discoverPython({ interpreters: { [kind]: binary }, path: '', cacheDir: dataDir, log, home })
  const launcher = found.find((entry) => entry.launcher.interpreter === binary)?.launcher
  assert.ok(launcher !== undefined, 'the copy was found')
  let reason: string | undefined
  /** Forks or says why not: a container that was started the ordinary way would prove nothing. */
  const forking = (fallback: ProcessStarter): ProcessStarter => {
    const zygote = createZygoteStarter({
      fallback,
      runDir: join(dataDir, 'zygotes'),
      timeoutMs: 10_000,
      clock: systemClock,
      randomToken: () => randomBytes(16).toString('hex'),
      log,
    })
    return {
      async start(plan, launcher) {
        reason = await zygote.prepare(launcher)
        const started = await zygote.start(plan, launcher)
        if (reason === undefined) assert.equal(zygote.counters.forked, 1)
        return started
      },
      close: () => zygote.close(),
    }
  }
  const factory = createProcessContainerFactory({
    runtimes: new Map([[launcher.kind, launcher]]),
    dataDir,
    runDir: join(dataDir, 'run'),
    settings: { ...testSettings, sandbox },
    clock: systemClock,
    log,
    ...(way === 'forked' && { zygote: (_launcher, _host, fallback) => forking(fallback) }),
  })
  await factory.start()
  return { factory, launcher, reason: () => reason }
}
