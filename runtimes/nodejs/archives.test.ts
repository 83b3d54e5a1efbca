/** Archives: what they may hold, where they are unpacked, and those that are made to do harm. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync, existsSync, linkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import yazl from 'yazl'
import type { Answer } from './drive-launcher.ts'
import { describeOnEveryNode } from './every-node.ts'

type Files = Readonly<Record<string, string | Buffer>>
const OK: Answer = { status: 200, body: { ok: true } }

async function zip(files: Files, modes: Readonly<Record<string, number>> = {}): Promise<Buffer> {
  const archive = new yazl.ZipFile()
  for (const [name, content] of Object.entries(files)) {
    const mode = modes[name]
    archive.addBuffer(Buffer.from(content), name, mode === undefined ? {} : { mode })
  }
  archive.end()
  return buffer(archive.outputStream)
}

/** Made by the system's tar, so that the parser is tested against somebody else's idea of the format. */
function tarGz(
  files: Files,
  flags: readonly string[] = [],
  prepare: (directory: string) => void = () => undefined,
): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'stave-tar-'))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(directory, dirname(name)), { recursive: true })
    writeFileSync(join(directory, name), content)
  }
  prepare(directory)
  const archive = execFileSync('tar', ['-C', directory, ...flags, '-cz', '.'], { maxBuffer: 64 * 1024 * 1024 })
  rmSync(directory, { recursive: true })
  return archive
}

function binary(archive: Buffer, main = 'main'): Readonly<Record<string, unknown>> {
  return { name: 'test', main, binary: true, code: archive.toString('base64'), env: {} }
}

function failure(answer: Answer): string {
  assert.ok(answer !== 'lost')
  assert.equal(answer.status, 502)
  const { error } = answer.body as { error: string }
  assert.ok(error.startsWith('Initialization has failed due to: '), error)
  return error.slice('Initialization has failed due to: '.length)
}

const ECHO = 'exports.main = (args) => ({ ...args, from: "index" })'

describeOnEveryNode('archives', (start) => {
  const forms: Readonly<Record<string, { readonly files: Files; readonly main?: string; readonly from: string }>> = {
    'index.js': { files: { 'index.js': ECHO }, from: 'index' },
    'an empty file': { files: { 'index.js': ECHO, 'empty.txt': '' }, from: 'index' },
    'package.json names the file': {
      files: { 'package.json': '{"main":"lib/a.js"}', 'lib/a.js': 'exports.main = () => ({ from: "a" })' },
      from: 'a',
    },
    'package.json without main': { files: { 'package.json': '{}', 'index.js': ECHO }, from: 'index' },
    'another function': {
      files: { 'index.js': 'exports.niam = () => ({ from: "niam" })' },
      main: 'niam',
      from: 'niam',
    },
    'another file': {
      files: { 'other.js': 'exports.niam = () => ({ from: "other" })' },
      main: 'other.niam',
      from: 'other',
    },
    'a nested function of another file': {
      files: {
        'package.json': '{}',
        'index.js': ECHO,
        'other.js': 'exports.niam = { xyz: () => ({ from: "nested" }) }',
      },
      main: 'other.niam.xyz',
      from: 'nested',
    },
    'npm modules': {
      files: {
        'package.json': '{"main":"index.js","dependencies":{"prog-quote":"1"}}',
        'index.js': 'const quote = require("prog-quote"); exports.main = () => quote()',
        'node_modules/prog-quote/package.json': '{"name":"prog-quote","main":"q.js"}',
        'node_modules/prog-quote/q.js': 'module.exports = () => ({ from: "quote" })',
      },
      from: 'quote',
    },
    'dependencies that are bundled': {
      files: { 'package.json': '{"dependencies":{"left-pad":"1"}}', 'index.js': ECHO },
      from: 'index',
    },
    'the platform’s openwhisk': {
      files: { 'index.js': 'const ow = require("openwhisk"); exports.main = () => ({ from: typeof ow })' },
      from: 'function',
    },
    'ES modules': {
      files: {
        'package.json': '{"type":"module"}',
        'index.js':
          'import { sep } from "path"; import { from } from "./lib.js"; export const main = () => ({ from, sep })',
        'lib.js': 'export const from = "esm"',
      },
      from: 'esm',
    },
    'top-level await': {
      files: {
        'package.json': '{"type":"module","main":"a.js"}',
        'a.js':
          'const from = await new Promise((go) => setTimeout(go, 5, "tla")); export async function main() { return { from } }',
      },
      from: 'tla',
    },
    'an .mjs file by name': {
      files: { 'tool.mjs': 'export const main = () => ({ from: "mjs" })' },
      main: 'tool.main',
      from: 'mjs',
    },
  }
  for (const [name, { files, main, from }] of Object.entries(forms)) {
    test(`S4-2: ${name}`, async () => {
      const launcher = await start()
      assert.deepEqual(await launcher.init(binary(await zip(files), main)), OK)
      const answer = await launcher.run({})
      assert.ok(answer !== 'lost')
      assert.equal((answer.body as { from: string }).from, from)
      await launcher.end()
    })
  }

  test('S4-2: the working directory is the unpacked archive, fresh, below the container’s', async () => {
    const launcher = await start()
    const files = {
      'index.js':
        'const fs = require("fs"); exports.main = () => ({ cwd: process.cwd(), text: fs.readFileSync("data/x.txt", "utf8"), mode: fs.statSync("run.sh").mode & 0o777, old: fs.statSync("data/x.txt").mode & 0o777 })',
      'data/x.txt': 'ünïcode',
      'run.sh': '#!/bin/sh',
    }
    assert.deepEqual(await launcher.init(binary(await zip(files, { 'run.sh': 0o100777, 'data/x.txt': 0o100666 }))), OK)
    const answer = await launcher.run({})
    assert.ok(answer !== 'lost')
    const { cwd, ...rest } = answer.body as { cwd: string }
    assert.deepEqual(rest, { text: 'ünïcode', mode: 0o755, old: 0o644 })
    assert.ok(cwd.startsWith(`${launcher.directory}/action-`), cwd)
    await launcher.end()
  })

  test('S4-2: npm install at init where the operator allows it, awaited', async () => {
    const launcher = await start({ environment: { OW_ENABLE_INIT_INSTALL: 'true' } })
    const files = {
      'package.json': '{"dependencies":{"local":"file:./packages/local"}}',
      'index.js': 'const from = require("local"); exports.main = () => ({ from })',
      'packages/local/package.json': '{"name":"local","version":"1.0.0"}',
      'packages/local/index.js': 'module.exports = "installed"',
    }
    const answer = await launcher.init(binary(await zip(files)))
    if (/npm is not in the container/.test(launcher.printed().stderr)) {
      assert.match(failure(answer), /^Cannot find module 'local': package\.json lists it/)
    } else {
      assert.deepEqual(answer, OK)
      assert.deepEqual(await launcher.run({}), { status: 200, body: { from: 'installed' } })
    }
    await launcher.end()
  })

  test('S4-2: tar.gz, with long names, links and pax headers', async () => {
    const entry = (name: string): Files => ({
      'index.js': `exports.main = () => require("./${name}")`,
      [name]: 'module.exports = { from: "deep" }',
    })
    const formats: Readonly<Record<string, Files>> = {
      gnu: entry(`${'directory-of-a-long-name/'.repeat(8)}${'f'.repeat(120)}.js`),
      pax: entry(`${'directory-of-a-long-name/'.repeat(8)}${'é'.repeat(60)}.js`),
      // Room for 155 characters, a slash, and 100.
      ustar: entry(`${'directory-of-a-long-name/'.repeat(5)}${'f'.repeat(80)}.js`),
      v7: entry('short.js'),
    }
    const links = (directory: string): void => {
      symlinkSync('index.js', join(directory, 'soft.js'))
      linkSync(join(directory, 'index.js'), join(directory, 'hard.js'))
    }
    for (const [format, files] of Object.entries(formats)) {
      const archive = tarGz(files, [`--format=${format}`], links)
      for (const main of ['main', 'soft.main', 'hard.main']) {
        const launcher = await start()
        assert.deepEqual(await launcher.init(binary(archive, main)), OK, format)
        assert.deepEqual(await launcher.run({}), { status: 200, body: { from: 'deep' } })
        await launcher.end()
      }
    }
  })

  test('S4-2: large files and many files', async () => {
    const launcher = await start()
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, n) => [`node_modules/m${n}/index.js`, `exports.n = ${n}`]),
    )
    const files = {
      ...many,
      'index.js': 'exports.main = () => ({ size: require("fs").statSync("big.bin").size, n: require("m299").n })',
      'big.bin': Buffer.alloc(20 * 1024 * 1024, 'abc'),
    }
    assert.deepEqual(await launcher.init(binary(await zip(files))), OK)
    assert.deepEqual(await launcher.run({}), { status: 200, body: { size: 20 * 1024 * 1024, n: 299 } })
    await launcher.end()
  })
})

describeOnEveryNode('memory', (start) => {
  test('S4-2: nothing of a large archive stays in memory', async () => {
    const launcher = await start()
    const files = {
      // Collected buffers are freed by another thread: the second look sees it done.
      'index.js': `exports.main = async () => {
        gc(); await new Promise((go) => setTimeout(go, 50)); gc()
        const { heapUsed, arrayBuffers } = process.memoryUsage()
        return { mb: (heapUsed + arrayBuffers) / 1e6 } }`,
      'big.bin': randomBytes(12 * 1024 * 1024),
    }
    assert.deepEqual(await launcher.init(binary(await zip(files))), OK)
    const answer = await launcher.run({})
    assert.ok(answer !== 'lost')
    const { mb } = answer.body as { mb: number }
    assert.ok(mb < 10, `${mb} MB are held`)
    await launcher.end()
  })
})

describeOnEveryNode('archives that are refused', (start) => {
  const NOT_ZIP = 'There was an error uncompressing the action Zip archive.'
  const NOT_TAR = 'There was an error uncompressing the action tar.gz archive.'
  const NO_ENTRY = 'Zipped actions must contain either package.json or index.js at the root.'
  const good = (): Promise<Buffer> => zip({ 'index.js': ECHO, 'a.txt': 'aaaa'.repeat(500) })
  const slip = async (name: string): Promise<Buffer> => {
    const innocent = 'x'.repeat(name.length)
    const archive = await zip({ 'index.js': ECHO, [innocent]: 'evil' })
    return Buffer.from(archive.toString('latin1').replaceAll(innocent, name), 'latin1')
  }
  const cases: Readonly<
    Record<
      string,
      { readonly archive: () => Buffer | Promise<Buffer>; readonly message: RegExp | string; readonly main?: string }
    >
  > = {
    'neither zip nor gzip': {
      archive: () => Buffer.from('Caution: this is not a zip file'),
      message: 'There was an error uncompressing the action archive. The file type is unsupported',
    },
    'empty zip': {
      archive: () => zip({}),
      message: 'There was an error uncompressing the action archive. The file type is unsupported',
    },
    'cut-off zip': { archive: async () => (await good()).subarray(0, 120), message: NOT_ZIP },
    'damaged content': {
      archive: async () => {
        const archive = await good()
        archive[45] = (archive[45] ?? 0) ^ 0xff
        return archive
      },
      message: NOT_ZIP,
    },
    'a stated size that is too small': {
      archive: async () => {
        const archive = await good()
        const entry = archive.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1'))
        archive.writeUInt32LE(10, entry + 24)
        return archive
      },
      message: NOT_ZIP,
    },
    'cut-off gzip': { archive: () => tarGz({ 'index.js': ECHO.repeat(300) }).subarray(0, 60), message: NOT_TAR },
    'gzip of no tar': { archive: () => gzipSync(Buffer.alloc(5000, 'text')), message: NOT_TAR },
    'no entry point': { archive: () => zip({ 'hello.js': ECHO }), message: NO_ENTRY },
    'an entry that is no function': {
      archive: () => zip({ 'index.js': 'exports.main = 5' }),
      message: "Action entrypoint 'main' is not a function.",
    },
    'a nested entry that is not there': {
      archive: good,
      main: 'index.a.b',
      message: "Action entrypoint 'index.a.b' is not a function.",
    },
    'a main that is none': {
      archive: good,
      main: '.x',
      message: /^(?:Name of main function is not valid|Action entrypoint)/,
    },
    'code that throws': {
      archive: () => zip({ 'index.js': 'throw new Error("at load")' }),
      message: /^Error: at load\n/,
    },
    'a module that is missing': {
      archive: () => zip({ 'index.js': 'require("not-there")' }),
      message: /Cannot find module 'not-there'/,
    },
    'listed dependencies without node_modules': {
      archive: () => zip({ 'package.json': '{"dependencies":{"left-pad":"1"}}', 'index.js': 'require("left-pad")' }),
      message:
        /^Cannot find module 'left-pad': package\.json lists it, but the archive holds no node_modules directory\. Run 'npm install'/,
    },
    'package.json that is no JSON': {
      archive: () => zip({ 'package.json': '{', 'index.js': ECHO }),
      message: /^The archive's package\.json is not valid JSON: /,
    },
    'a name that climbs out': {
      archive: () => slip('../../../evil'),
      message: "The action archive has an entry that leads out of it: '../../../evil'",
    },
    'a name that climbs out from within': { archive: () => slip('a/../../evil'), message: /leads out of it/ },
    'an absolute name': {
      archive: () => slip('/tmp/evil-file'),
      message: "The action archive has an entry that leads out of it: '/tmp/evil-file'",
    },
    'a backslash that climbs out': { archive: () => slip('..\\..\\evil'), message: /leads out of it/ },
    'a symbolic link that leads out': {
      archive: () => zip({ 'index.js': ECHO, link: '../../etc' }, { link: 0o120777 }),
      message: "The action archive has a symbolic link that leads out of it: 'link' -> '../../etc'",
    },
    'an absolute symbolic link': {
      archive: () => zip({ 'index.js': ECHO, link: '/etc/passwd' }, { link: 0o120777 }),
      message: /symbolic link that leads out of it/,
    },
    'a file behind a symbolic link': {
      archive: () => zip({ 'index.js': ECHO, d: '.', 'd/evil.txt': 'x' }, { d: 0o120777 }),
      message: /^There was an error uncompressing|^E[A-Z]+:/,
    },
    'a tar that climbs out': {
      archive: () => tarGz({ 'index.js': ECHO, evil: 'x' }, ['--transform=s,^./evil,../../evil,', '-P']),
      message: "The action archive has an entry that leads out of it: '../../evil'",
    },
    'a very long name': {
      archive: () => zip({ 'index.js': ECHO, [`${'d/'.repeat(600)}f`]: 'x' }),
      message: /^The action archive has a name of more than 1024 characters: 'd\/d\//,
    },
    'a very long file name': {
      archive: () => zip({ 'index.js': ECHO, ['n'.repeat(300)]: 'x' }),
      message: /file name of more than 255 bytes/,
    },
    'a zip bomb': {
      archive: async () => {
        const archive = await good()
        archive.writeUInt32LE(600 * 1024 * 1024, archive.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1')) + 24)
        return archive
      },
      message: 'The action archive is too large: more than 512 MB when uncompressed.',
    },
    'a tar bomb': {
      archive: () => gzipSync(Buffer.concat([tarHeader('bomb', '0', 2 ** 30), Buffer.alloc(1024 * 1024)])),
      message: 'The action archive is too large: more than 512 MB when uncompressed.',
    },
    'too many entries': {
      archive: () => gzipSync(Buffer.alloc(512 * 100_001, tarHeader('d', '5', 0)), { level: 1 }),
      message: 'The action archive has more than 100000 entries.',
    },
  }
  for (const [name, { archive, message, main }] of Object.entries(cases)) {
    test(`S4-2: ${name}`, async () => {
      const launcher = await start()
      const said = failure(await launcher.init(binary(await archive(), main)))
      if (typeof message === 'string') assert.equal(said, message)
      else assert.match(said, message)
      assert.match(launcher.printed().stderr, /Error during initialization:/)
      // Nothing of an archive that was refused while it was unpacked is left behind.
      if (/^The action archive|^There was an error uncompressing/.test(said))
        assert.deepEqual(readdirSync(launcher.directory), [])
      assert.ok(!existsSync(join(launcher.directory, '../evil')) && !existsSync('/tmp/evil-file'))
      await launcher.end()
    })
  }
})

function tarHeader(name: string, type: string, size: number): Buffer {
  const header = Buffer.alloc(512)
  header.write(name)
  header.write('0000644', 100)
  header.write(size.toString(8).padStart(11, '0'), 124)
  header.write('        ', 148)
  header.write(type, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}
