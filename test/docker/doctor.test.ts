/** `stave doctor --containers docker` on a real engine. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '../../src/config/load.ts'
import type { Check } from '../../src/model/check-codes.ts'
import { checkEngine } from '../../src/containers/docker/engine-checks.ts'
import { examineEngine } from '../../src/containers/docker/examine-engine.ts'
import { needEngine } from './engine-api.ts'
import { dockerHost, privateEngine, skipWithoutEngine, skipWithoutPrivateEngine } from './engine.ts'

const EXECUTABLE = fileURLToPath(new URL('../../bin/stave.js', import.meta.url))

async function examine(env: Readonly<Record<string, string>> = {}): Promise<ReadonlyMap<string, Check>> {
  const { config } = await loadConfig({
    env: { DOCKER_HOST: dockerHost, ...env },
    flags: {},
    homedir: '/',
    cwd: '/',
    readFile: () => assert.fail('nothing names a file'),
  })
  return new Map(checkEngine(await examineEngine(config)).map((check) => [check.code, check]))
}

test('S0-29: an engine that works has no problem, and its facts are its own', { skip: skipWithoutEngine }, async () => {
  const checks = await examine()
  const version = (await needEngine(dockerHost, 'GET', '/version')).json() as { Version: string; ApiVersion: string }
  assert.deepEqual(
    [...checks.values()].filter(({ state }) => state === 'problem'),
    [],
  )
  assert.equal(checks.get('OW101')?.text, `Docker Engine ${version.Version} at ${dockerHost}`)
  assert.equal(checks.get('OW102')?.text, `its API is of version ${version.ApiVersion}`)
  // The local images were built before the tests: the kinds are those that they serve.
  assert.match(checks.get('OW104')?.text ?? '', /^the images of all \d+ kinds are there$/)
})

test(
  'S2-15: the host’s runc is the engine’s; the paths of this engine are found when they are set',
  { skip: skipWithoutPrivateEngine },
  async () => {
    const astray = await examine()
    assert.match(
      astray.get('OW108')?.text ?? '',
      /^path \/run\/docker\/runtime-runc\/moby missing, set docker\.paths\.runc$/,
    )
    const data = join(privateEngine?.directory ?? '', 'data/containers')
    assert.ok(astray.get('OW109')?.remedy?.startsWith(`the engine has them in ${data};`))
    const set = await examine({
      STAVE_DOCKER_PATHS_RUNC: join(privateEngine?.directory ?? '', 'exec/runtime-runc/moby'),
      STAVE_DOCKER_PATHS_CONTAINERS: data,
    })
    for (const code of ['OW105', 'OW106', 'OW107', 'OW109', 'OW110']) assert.equal(set.get(code)?.state, 'ok', code)
    assert.equal(set.get('OW110')?.text, 'idle containers are suspended by cgroup')
    // A restart of the engine is told to end containers until it is told to let them live.
    assert.equal(set.get('OW114')?.state, 'note')
    await privateEngine?.restart({ liveRestore: true })
    assert.equal((await examine()).get('OW114')?.state, 'ok')
    await privateEngine?.restart({ liveRestore: false })
  },
)

test(
  'what keeps a server from starting is a problem: images that are missing and not pulled, arguments that are not known',
  { skip: skipWithoutEngine },
  async () => {
    const image = { prefix: 'nobody', name: 'nothing', tag: 'none' }
    const manifest = { runtimes: { x: [{ kind: 'x:1', default: true, image }] } }
    const checks = await examine({
      RUNTIMES_MANIFEST: JSON.stringify(manifest),
      STAVE_DOCKER_PULL_POLICY: 'never',
      STAVE_DOCKER_EXTRA_ARGS: '{"pid-limit": ["5"]}',
    })
    assert.deepEqual(
      [...checks.values()].filter(({ state }) => state === 'problem').map(({ code }) => code),
      ['OW117', 'OW104'],
    )
    assert.match(checks.get('OW104')?.text ?? '', /x:1 \(nobody\/nothing:none\)/)
  },
)

test(
  'the command says so in words, changes nothing on the engine, and ends with 0',
  { skip: skipWithoutEngine },
  async () => {
    const networks = async (): Promise<readonly string[]> =>
      ((await needEngine(dockerHost, 'GET', '/networks')).json() as readonly { Name: string }[]).map(({ Name }) => Name)
    const before = await networks()
    const parameters = ['doctor', '--containers', 'docker', '--port', '0', '--data-dir', '/tmp/stave-doctor-none']
    const { status, stdout, stderr } = spawnSync(process.execPath, [EXECUTABLE, ...parameters], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], DOCKER_HOST: dockerHost, TMPDIR: process.env['TMPDIR'] },
    })
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, /^Docker Engine\n {2}ok {6}OW101 Docker Engine /m)
    assert.match(stdout, /^ {2}ok {6}docker as root, network host$/m)
    assert.match(stdout, /A server can start here\.\n$/)
    assert.deepEqual((await networks()).toSorted(), before.toSorted())
  },
)
