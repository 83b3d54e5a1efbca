/** Our runtime images, made without a registry: OpenWhisk's contract on real containers, and what they are made of. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { parseManifest } from '../../src/containers/parse-manifest.ts'
import { formatImage } from '../../src/model/manifest.ts'
import { NODEJS_CODE, PYTHON_CODE } from '../conformance/contract-code.ts'
import { describeNodejsRuntime } from '../conformance/nodejs-runtime.ts'
import { describePythonRuntime } from '../conformance/python-runtime.ts'
import { describeRuntimeContract } from '../conformance/runtime-contract.ts'
import type { RuntimeSubject } from '../conformance/runtime-subject.ts'
import { eventually, initText, post, run } from '../conformance/runtime-subject.ts'
import { startContainer } from './container-subject.ts'
import { askEngine, needEngine } from './engine-api.ts'
import { dockerHost, skipWithoutEngine } from './engine.ts'
import { NODEJS_IMAGE, TEST_IMAGES } from './test-images.ts'

const MANIFEST = 'runtimes/local-images.json'
const MAX_BYTES: Readonly<Record<string, number>> = { nodejs: 130e6, python: 80e6 }

/** Tells of the process that it runs in, in each language. */
const LOOK: Readonly<Record<string, string>> = {
  nodejs: `const fs = require('fs')
    const attempt = (act) => { try { act(); return 'done' } catch (error) { return error.code } }
    function main() {
      return { status: fs.readFileSync('/proc/self/status', 'utf8'), pid: process.pid, cwd: process.cwd(),
        root: attempt(() => fs.writeFileSync('/x', '')), tmp: attempt(() => fs.writeFileSync('/tmp/x', '')) }
    }`,
  python: `import errno, os
def attempt(path):
  try:
    open(path, "w").close()
    return "done"
  except OSError as error:
    return errno.errorcode[error.errno]
def main(args):
  return {"status": open("/proc/self/status").read(), "pid": os.getpid(), "cwd": os.getcwd(), "root": attempt("/x"), "tmp": attempt("/tmp/x")}
`,
}

interface Image {
  readonly Id: string
  readonly Size: number
  readonly Config: {
    readonly User: string
    readonly Entrypoint: readonly string[]
    readonly ExposedPorts: Readonly<Record<string, unknown>>
  }
}

async function inspectImage(name: string): Promise<Image> {
  return (await needEngine(dockerHost, 'GET', `/images/${name}/json`)).json() as Image
}

async function withContainer(image: string, body: (on: RuntimeSubject) => Promise<void>): Promise<void> {
  const subject = await startContainer(dockerHost, image)
  try {
    await body(subject)
  } finally {
    await subject.remove()
  }
}

if (skipWithoutEngine === false) describeImages()
else test('runtime images', { skip: skipWithoutEngine })

function describeImages(): void {
  const { kinds } = parseManifest(readFileSync(MANIFEST, 'utf8'))

  describe('what the images are', { concurrency: 2 }, () => {
    test('the manifest has Node.js and Python, with stem cells', () => {
      assert.deepEqual([...new Set(kinds.map(({ family }) => family))], ['nodejs', 'python'])
      for (const { stemCells } of kinds.filter((kind) => kind.default)) assert.ok(stemCells.length > 0)
    })

    for (const { kind, family, image } of kinds) {
      const name = formatImage(image)
      test(`${kind}: small, of an ordinary user, without a shell`, async (context) => {
        const { Size, Config } = await inspectImage(name)
        context.diagnostic(`${name}: ${(Size / 1e6).toFixed(1)} MB`)
        assert.ok(Size < (MAX_BYTES[family] ?? 0), `${Size} bytes`)
        assert.match(Config.User, /^[1-9]\d*:[1-9]\d*$/)
        assert.deepEqual(Object.keys(Config.ExposedPorts), ['8080/tcp'])
        const created = await needEngine(dockerHost, 'POST', '/containers/create', {
          Image: name,
          Entrypoint: ['/bin/sh', '-c', 'true'],
        })
        const { Id } = created.json() as { Id: string }
        const { status, bytes } = await askEngine(dockerHost, 'POST', `/containers/${Id}/start`)
        await needEngine(dockerHost, 'DELETE', `/containers/${Id}?force=1`)
        assert.equal(status, 400)
        assert.match(bytes.toString('utf8'), /no such file/)
      })

      test(`S0-9: ${kind}: process 1, an ordinary user without capabilities, writes to /tmp alone`, async () => {
        await withContainer(name, async (on) => {
          await initText(on, LOOK[family] ?? '')
          const { status, ...rest } = (await run(on, {})).body as Readonly<Record<string, unknown>>
          assert.match(String(status), /^Uid:\t65532\t65532\t65532\t65532$/m)
          assert.match(String(status), /^CapEff:\t0+$/m)
          assert.match(String(status), /^CapBnd:\t0+$/m)
          assert.match(String(status), /^NoNewPrivs:\t1$/m)
          assert.equal(rest['pid'], 1)
          assert.match(String(rest['cwd']), /^\/tmp/)
          assert.deepEqual([rest['root'], rest['tmp']], ['EROFS', 'done'])
        })
      })
    }

    test('built again nothing changes', async () => {
      const names = kinds.map(({ image }) => formatImage(image))
      const before = await Promise.all(names.map((name) => inspectImage(name)))
      const { status, stdout, stderr } = spawnSync(process.execPath, ['runtimes/build-local-images.ts'], {
        encoding: 'utf8',
      })
      assert.equal(status, 0, stderr)
      assert.match(stdout, /^stave\/base-nodejs-v\d+:local is there$/m)
      const after = await Promise.all(names.map((name) => inspectImage(name)))
      assert.deepEqual(
        after.map(({ Id }) => Id),
        before.map(({ Id }) => Id),
      )
    })

    test('runtimes 1.8: an image derived from ours has packages of its own', async () => {
      await withContainer(TEST_IMAGES.derived, async (on) => {
        await initText(on, 'const text = require("derived-package"); function main() { return { text } }')
        assert.deepEqual((await run(on, {})).body, { text: 'from the image' })
      })
    })
  })

  describe('images of the tests', { concurrency: 2 }, () => {
    test('blackbox: answers, and prints what it is asked for and no sentinel', async () => {
      await withContainer(TEST_IMAGES.blackbox, async (on) => {
        const { body } = await run(on, { print: 'text\n' })
        assert.deepEqual(body, { image: 'blackbox', id: 'a'.repeat(32), value: { print: 'text\n' } })
        await eventually(async () => (await on.logs()).stdout !== '')
        assert.deepEqual(await on.logs(), { stdout: 'text\n', stderr: '' })
        assert.equal((await run(on, { status: 500, raw: '"no"' })).body, 'no')
        await assert.rejects(run(on, { hangUp: true }))
        await assert.rejects(post(on, '/run', { value: { exit: 1 } }))
      })
    })

    test('exits-at-once: ends with 3 and a reason', async () => {
      await assert.rejects(
        startContainer(dockerHost, TEST_IMAGES.exitsAtOnce),
        /"ExitCode":3[^]*cannot find the configuration of exits-at-once/,
      )
    })

    test('never-listens: runs, and takes no connections', async () => {
      const created = await needEngine(dockerHost, 'POST', '/containers/create', { Image: TEST_IMAGES.neverListens })
      const { Id } = created.json() as { Id: string }
      try {
        await needEngine(dockerHost, 'POST', `/containers/${Id}/start`)
        await eventually(async () => {
          const { bytes } = await needEngine(dockerHost, 'GET', `/containers/${Id}/logs?stderr=1`)
          return bytes.includes('not listening')
        })
        const inspected = (await needEngine(dockerHost, 'GET', `/containers/${Id}/json`)).json()
        const { NetworkSettings: network } = inspected as { NetworkSettings: { IPAddress: string } }
        const code = await new Promise((resolve) => {
          const socket = connect({ host: network.IPAddress, port: 8080 })
          socket.once('connect', () => resolve('connected'))
          socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
        })
        assert.equal(code, 'ECONNREFUSED')
      } finally {
        await needEngine(dockerHost, 'DELETE', `/containers/${Id}?force=1`)
      }
    })
  })

  for (const { family, image } of kinds) {
    const name = formatImage(image)
    const start = (environment?: Readonly<Record<string, string>>): Promise<RuntimeSubject> =>
      startContainer(dockerHost, name, environment)
    describeRuntimeContract(name, family === 'python' ? PYTHON_CODE : NODEJS_CODE, start)
    if (family === 'python') describePythonRuntime(name, start)
    else describeNodejsRuntime(name, start)
  }
  assert.ok(kinds.some(({ image }) => formatImage(image) === NODEJS_IMAGE))
}
