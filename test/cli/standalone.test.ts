/** The executable against the real platform: a server in a process of its own, and `stave run` without one. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const EXECUTABLE = fileURLToPath(new URL('../../bin/stave.js', import.meta.url))
const HELLO = `function main(args) {
  console.log('greeting ' + args.name)
  return { greeting: 'Hello ' + args.name }
}`

interface Run {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function start(args: readonly string[], directory: string): ChildProcess {
  const { PATH = '', NODE_COMPILE_CACHE } = process.env
  const env = {
    PATH,
    HOME: directory,
    TMPDIR: directory,
    ...(NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE }),
  }
  return spawn(process.execPath, [EXECUTABLE, ...args], { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] })
}

async function run(args: readonly string[], directory: string): Promise<Run> {
  const child = start(args, directory)
  const { stdout, stderr } = child
  assert.ok(stdout !== null && stderr !== null)
  const [out, err, code] = await Promise.all([text(stdout), text(stderr), exitOf(child)])
  return { code, out, err }
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode)
    else child.once('exit', (code) => resolve(code))
  })
}

describe('stave standalone and the commands that use it', () => {
  let directory: string
  let server: ChildProcess
  let facts: { readonly url: string; readonly adminSocket: string; readonly kinds: readonly string[] }
  const stave = (...args: string[]): Promise<Run> =>
    run([...args, '--apihost', facts.url, '--data-dir', join(directory, 'data')], directory)

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'stave-e2e-'))
    writeFileSync(join(directory, 'hello.js'), HELLO)
    writeFileSync(join(directory, 'fail.js'), `function main() { console.error('oh'); return { error: 'boom' } }`)
    server = start(
      ['standalone', '--port', '0', '--data-dir', join(directory, 'data'), '--json', '--log-level', 'warn'],
      directory,
    )
    const { stdout, stderr } = server
    assert.ok(stdout !== null && stderr !== null)
    let errors = ''
    stderr.on('data', (chunk: Buffer) => void (errors += chunk.toString()))
    facts = await new Promise((resolve, reject) => {
      let buffered = ''
      stdout.on('data', (chunk: Buffer) => {
        buffered += chunk.toString()
        const line = buffered.split('\n').find((candidate) => candidate.includes('"url"'))
        if (line !== undefined) resolve(JSON.parse(line) as typeof facts)
      })
      server.once('exit', () => reject(new Error(`the server ended: ${buffered}${errors}`)))
    })
  })
  after(async () => {
    server.kill('SIGKILL')
    await exitOf(server)
    rmSync(directory, { recursive: true, force: true })
  })

  test('S4-2: an action is created, invoked, listed, saved and deleted', async () => {
    assert.deepEqual(await stave('action', 'create', 'hello', 'hello.js'), {
      code: 0,
      out: 'ok: created action hello\n',
      err: '',
    })
    assert.equal((await stave('action', 'create', 'hello', 'hello.js')).code, 153)
    const invoked = await stave('action', 'invoke', 'hello', '-r', '-p', 'name', 'World')
    assert.deepEqual(invoked, { code: 0, out: '{\n    "greeting": "Hello World"\n}\n', err: '' })
    assert.match((await stave('action', 'list')).out, /^actions\n\/guest\/hello {58} private nodejs:\d+\n$/)
    assert.equal((await stave('action', 'get', 'hello', '--save-as', 'saved.js')).code, 0)
    assert.ok(existsSync(join(directory, 'saved.js')))
    const logs = await stave('activation', 'logs', '--last', '--strip')
    assert.equal(logs.out, 'greeting World\n')
    assert.match((await stave('activation', 'list')).out, / nodejs:\d+ +(cold|warm) .* success +guest\/hello:0\.0\.1\n/)
    assert.equal((await stave('activation', 'result', '--last')).out, '{\n    "greeting": "Hello World"\n}\n')
    assert.equal((await stave('action', 'delete', 'hello')).out, 'ok: deleted action hello\n')
    assert.equal((await stave('action', 'invoke', 'hello', '-r')).code, 148)
  })

  test('S4-2: a failing action ends with 246', async () => {
    assert.equal((await stave('action', 'update', 'fail', 'fail.js')).out, 'ok: updated action fail\n')
    const failed = await stave('action', 'invoke', 'fail', '--result')
    assert.deepEqual(failed, { code: 246, out: '', err: '{\n    "error": "boom"\n}\n' })
  })

  test('S4-16: a new user works at once, a blocked one no more', async () => {
    const key = (await stave('user', 'create', 'alice')).out.trim()
    assert.equal((await stave('action', 'list', '-u', key)).code, 0)
    assert.equal((await stave('user', 'block', 'alice')).code, 0)
    assert.equal((await stave('action', 'list', '-u', key)).code, 145)
    await stave('user', 'unblock', 'alice')
    const rotated = (await stave('user', 'rotate', 'alice')).out.trim()
    assert.equal((await stave('action', 'list', '-u', key)).code, 145)
    assert.equal((await stave('action', 'list', '-u', rotated)).code, 0)
  })

  test('a second server on the same data directory does not start and says why', async () => {
    const second = await run(['standalone', '--port', '0', '--data-dir', join(directory, 'data')], directory)
    assert.equal(second.code, 1)
    assert.match(second.err, /^error: A server already runs on .*--data-dir\. \(OW001\)$/m)
  })

  test('SIGTERM ends the server with exit code 0, and users can be administered on', async () => {
    server.kill('SIGTERM')
    assert.equal(await exitOf(server), 0)
    assert.ok(!existsSync(facts.adminSocket))
    assert.match((await stave('user', 'list')).out, /^alice +alice +\S+ +active$/m)
  })
})

describe('stave run', () => {
  let directory: string
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'stave-run-e2e-'))
    writeFileSync(join(directory, 'hello.js'), HELLO)
    writeFileSync(join(directory, 'fail.js'), `function main() { return { error: { n: 1 } } }`)
  })
  after(() => rmSync(directory, { recursive: true, force: true }))

  test('prints the result on standard output and the logs on standard error, and leaves nothing behind', async () => {
    const expected = { code: 0, out: '{\n    "greeting": "Hello World"\n}\n', err: 'greeting World\n' }
    assert.deepEqual(await run(['run', 'hello.js', '-p', 'name', 'World'], directory), expected)
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.startsWith('stave-run-')),
      [],
    )
  })

  test('a failing action ends with 246, a missing file with 2', async () => {
    const failed = await run(['run', 'fail.js'], directory)
    assert.deepEqual(failed, { code: 246, out: '', err: '{\n    "error": {\n        "n": 1\n    }\n}\n' })
    assert.equal((await run(['run', 'nothing.js'], directory)).code, 2)
  })
})

test('stave doctor reports isolation and kinds', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'stave-doctor-e2e-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  const { code, out, err } = await run(['doctor', '--port', '0', '--data-dir', join(directory, 'data')], directory)
  assert.deepEqual([code, err], [0, ''])
  assert.match(out, /^Isolation\n {2}\S/m)
  assert.match(out, /^ {2}ok {6}nodejs:24$/m)
  assert.match(out, /A server can start here\.\n$/)
  assert.ok(!existsSync(join(directory, 'data')), 'doctor changes nothing')
})

test('S0-29, S1-7: without the Docker Engine, stave doctor and a start say what to do, with a code', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'stave-doctor-docker-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  const nowhere = ['--containers', 'docker', '--docker-paths-socket', join(directory, 'docker.sock')]
  const common = [...nowhere, '--port', '0', '--data-dir', join(directory, 'data')]
  const doctor = await run(['doctor', ...common], directory)
  assert.equal(doctor.code, 1)
  assert.match(doctor.out, /^ {2}problem OW101 the Docker Engine at unix:\/\/.*docker\.sock is not there$/m)
  assert.match(doctor.out, /-> install and start Docker; set docker\.host \(DOCKER_HOST\), or docker\.paths\.socket/)
  assert.match(
    doctor.out,
    /A server cannot start here: 1 problem\. docs\/troubleshooting\.md has a section of each code\.\n$/,
  )
  const json = JSON.parse((await run(['doctor', '--json', ...common], directory)).out) as { engine: { code: string }[] }
  assert.deepEqual(
    json.engine.map(({ code }) => code),
    ['OW101'],
  )
  const start = await run(['standalone', ...common], directory)
  assert.equal(start.code, 1)
  assert.match(start.err, /^error: .*is not there: install and start Docker;.* \(OW101\)$/m)
})
