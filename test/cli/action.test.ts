import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { fromBuffer } from 'yauzl'
import type { CliRun } from './run-cli.ts'
import { runCli } from './run-cli.ts'
import type { ScriptedApi } from './scripted-api.ts'
import { startScriptedApi } from './scripted-api.ts'

const TID = 'aYtRr0Zk3mOe2fLw5c1b8XvQ7nUj4hDd'
const ID = '0f1a2b3c4d5e6f708192a3b4c5d6e7f8'
const HELLO = {
  annotations: [
    { key: 'provide-api-key', value: false },
    { key: 'exec', value: 'nodejs:24' },
  ],
  exec: { binary: false, code: 'function main(p) { return { greeting: `Hello ${p.name}` } }', kind: 'nodejs:24' },
  limits: { concurrency: 1, logs: 10, memory: 256, timeout: 60000 },
  name: 'hello',
  namespace: 'guest',
  parameters: [],
  publish: false,
  updated: 1700000000000,
  version: '0.0.1',
}
const NOT_FOUND = { status: 404, body: { code: TID, error: 'The requested resource does not exist.' } }

describe('stave action', () => {
  let api: ScriptedApi
  let directory: string
  const cli = (...args: string[]): Promise<CliRun> =>
    runCli(['--apihost', api.url, '--auth', 'u:k', ...args], { cwd: directory })
  const sent = (): Record<string, unknown> => JSON.parse(api.requests.at(-1)?.body ?? '{}') as Record<string, unknown>

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'stave-cli-'))
    writeFileSync(join(directory, 'hello.js'), HELLO.exec.code)
  })
  after(() => rmSync(directory, { recursive: true }))
  beforeEach(async () => {
    api = await startScriptedApi()
  })
  afterEach(() => api.close())

  test('S4-2: create sends code, kind and limits, and prints one line', async () => {
    api.on('PUT /_/actions/hello?overwrite=false', { status: 200, body: HELLO })
    const run = await cli('action', 'create', 'hello', 'hello.js', '-m', '512', '-t', '1000', '-l', '1', '-c', '5')
    assert.deepEqual(run, { code: 0, out: 'ok: created action hello\n', err: '' })
    assert.deepEqual(sent(), {
      namespace: '_',
      name: 'hello',
      exec: { kind: 'nodejs:default', code: HELLO.exec.code },
      limits: { timeout: 1000, memory: 512, logs: 1, concurrency: 5 },
    })
    assert.equal(api.requests[0]?.authorization, `Basic ${Buffer.from('u:k').toString('base64')}`)
    assert.equal(api.requests[0]?.contentType, 'application/json')
  })

  test('S4-2: an existing action cannot be created: exit code 153 and the message of the server', async () => {
    api.on('PUT /_/actions/hello?overwrite=false', {
      status: 409,
      body: { code: TID, error: 'resource already exists' },
    })
    const run = await cli('action', 'create', 'hello', 'hello.js')
    const err = `error: Unable to create action 'hello': resource already exists (code ${TID})\n`
    assert.deepEqual(run, { code: 153, out: '', err })
  })

  test('S4-2: update sends only what was given', async () => {
    api.on('PUT /_/actions/pkg/hello?overwrite=true', { status: 200, body: HELLO })
    const run = await cli('action', 'update', 'pkg/hello', '-p', 'n', '5', '-p', 't', 'text', '--del-annotation', 'old')
    assert.equal(run.out, 'ok: updated action pkg/hello\n')
    assert.deepEqual(sent(), {
      namespace: '_',
      name: 'pkg/hello',
      parameters: [
        { key: 'n', value: 5 },
        { key: 't', value: 'text' },
      ],
      delAnnotations: ['old'],
    })
  })

  test('S4-2: --web and --web-secure become annotations', async () => {
    api.on('PUT /_/actions/hello?overwrite=true', { status: 200, body: HELLO })
    await cli('action', 'update', 'hello', 'hello.js', '--web', 'raw', '--web-secure', 'sesame', '-a', 'd', '{"x":1}')
    assert.deepEqual(sent()['annotations'], [
      { key: 'web-export', value: true },
      { key: 'raw-http', value: true },
      { key: 'final', value: true },
      { key: 'require-whisk-auth', value: 'sesame' },
      { key: 'd', value: { x: 1 } },
    ])
  })

  test('S4-2: --web-secure looks at what is stored when --web is not given', async () => {
    api.on('GET /_/actions/hello?code=false', { status: 200, body: HELLO })
    const refused = await cli('action', 'update', 'hello', '--web-secure', 'true')
    assert.equal(refused.code, 2)
    assert.match(refused.err, /^error: The --web-secure option is only valid when the --web option is enabled\.\n/)
    const web = { ...HELLO, annotations: [{ key: 'web-export', value: true }] }
    api.on('GET /_/actions/hello?code=false', { status: 200, body: web })
    api.on('PUT /_/actions/hello?overwrite=true', { status: 200, body: web })
    assert.equal((await cli('action', 'update', 'hello', '--web-secure', 'false')).code, 0)
    assert.deepEqual(sent()['delAnnotations'], ['require-whisk-auth'])
  })

  test('--copy takes everything but the name from another action', async () => {
    api.on('GET /_/actions/hello', { status: 200, body: HELLO })
    api.on('PUT /_/actions/twin?overwrite=false', { status: 200, body: HELLO })
    assert.equal((await cli('action', 'create', 'twin', 'hello', '--copy', '-m', '128')).code, 0)
    const { exec, parameters, annotations } = HELLO
    assert.deepEqual(sent(), { namespace: '_', name: 'twin', exec, parameters, annotations, limits: { memory: 128 } })
  })

  test('--docker and --sequence need no source file', async () => {
    api.on('PUT /_/actions/x?overwrite=false', { status: 200, body: HELLO })
    await cli('action', 'create', 'x', '--docker', 'me/image')
    assert.deepEqual(sent()['exec'], { kind: 'blackbox', image: 'me/image' })
    await cli('action', 'create', 'x', '--sequence', 'a,/whisk.system/utils/echo')
    assert.deepEqual(sent()['exec'], { kind: 'sequence', components: ['/_/a', '/whisk.system/utils/echo'] })
  })

  test('a directory is packed, the same way every time', async () => {
    const project = join(directory, 'project')
    mkdirSync(join(project, 'lib'), { recursive: true })
    mkdirSync(join(project, '.git'))
    writeFileSync(join(project, '.git', 'HEAD'), 'ref')
    writeFileSync(join(project, 'index.js'), 'exports.main = () => ({})')
    writeFileSync(join(project, 'lib', 'ünï.js'), '1')
    api.on('PUT /_/actions/x?overwrite=false', { status: 200, body: HELLO })
    const codes = []
    for (let round = 0; round < 2; round++) {
      assert.equal((await cli('action', 'create', 'x', 'project')).code, 0)
      const exec = sent()['exec'] as { readonly kind: string; readonly code: string }
      assert.equal(exec.kind, 'nodejs:default')
      codes.push(exec.code)
    }
    assert.equal(codes[0], codes[1])
    const names = await namesIn(Buffer.from(codes[0] ?? '', 'base64'))
    assert.deepEqual(names, ['index.js', 'lib/ünï.js'])
  })

  test('S4-2: a zip file needs --kind, and then travels as base64', async () => {
    writeFileSync(join(directory, 'a.zip'), Buffer.from([0x50, 0x4b, 5, 6, 255]))
    const refused = await cli('action', 'create', 'x', 'a.zip')
    assert.equal(refused.code, 2)
    assert.match(refused.err, /creating an action from a \.zip artifact requires specifying the action kind explicitly/)
    api.on('PUT /_/actions/x?overwrite=false', { status: 200, body: HELLO })
    await cli('action', 'create', 'x', 'a.zip', '--kind', 'nodejs:24', '--main', 'file.go')
    assert.deepEqual(sent()['exec'], { kind: 'nodejs:24', code: 'UEsFBv8=', main: 'file.go' })
  })

  test('a missing file, an unknown extension and missing code say how to mend it', async () => {
    writeFileSync(join(directory, 'a.xyz'), 'x')
    const missing = await cli('action', 'create', 'x', 'nothing.js')
    const unknown = await cli('action', 'create', 'x', 'a.xyz')
    const none = await cli('action', 'create', 'x')
    assert.deepEqual([missing.code, unknown.code, none.code], [2, 2, 2])
    assert.match(
      missing.err,
      /^error: File 'nothing\.js' is not a valid file or it does not exist\.\nRun 'stave --help' for usage\.\n$/,
    )
    assert.match(unknown.err, /give it with --kind/)
    assert.match(none.err, /give a FILE/)
    assert.equal(api.requests.length, 0)
  })

  test('S4-2: invoke without waiting prints the id', async () => {
    api.on('POST /_/actions/hello?blocking=false&result=false', { status: 202, body: { activationId: ID } })
    const run = await cli('action', 'invoke', 'hello', '--param', 'n', '-5')
    assert.deepEqual(run, { code: 0, out: `ok: invoked /_/hello with id ${ID}\n`, err: '' })
    assert.deepEqual(sent(), { n: -5 })
  })

  test('S4-2: invoke -r prints the result alone, digit for digit', async () => {
    api.on('POST /_/actions/hello?blocking=true&result=true', {
      status: 200,
      body: '{"n":12345678901234567890,"a":[]}',
    })
    writeFileSync(join(directory, 'p.json'), '{"name":"file","x":{"y":[1]}}')
    const run = await cli('action', 'invoke', 'hello', '-r', '-P', 'p.json', '-p', 'name', 'World')
    assert.deepEqual(run, { code: 0, out: '{\n    "n": 12345678901234567890,\n    "a": []\n}\n', err: '' })
    assert.deepEqual(sent(), { name: 'World', x: { y: [1] } })
  })

  test('S4-2: invoke -b prints the record after the id', async () => {
    const record = { activationId: ID, response: { result: { a: 1 }, status: 'success', success: true } }
    api.on('POST /ns/actions/pkg/hello?blocking=true&result=false', { status: 200, body: record })
    const run = await cli('action', 'invoke', '/ns/pkg/hello', '-b')
    assert.equal(run.out, `ok: invoked /ns/pkg/hello with id ${ID}\n${JSON.stringify(record, null, 4)}\n`)
  })

  test('S4-2: an application error ends with 246 and goes to standard error', async () => {
    api.on('POST /_/actions/hello?blocking=true&result=true', { status: 502, body: { error: 'boom' } })
    const run = await cli('action', 'invoke', 'hello', '-r')
    assert.deepEqual(run, { code: 246, out: '', err: '{\n    "error": "boom"\n}\n' })
    const record = {
      activationId: ID,
      response: { result: { error: 'boom' }, status: 'application error', success: false },
    }
    api.on('POST /_/actions/hello?blocking=true&result=false', { status: 502, body: record })
    const whole = await cli('action', 'invoke', 'hello', '--blocking')
    assert.equal(whole.code, 246)
    assert.equal(whole.err, `ok: invoked /_/hello with id ${ID}\n${JSON.stringify(record, null, 4)}\n`)
  })

  test('S4-2: a blocking call that is answered 202 ends with 202', async () => {
    api.on('POST /_/actions/hello?blocking=true&result=true', { status: 202, body: { activationId: ID } })
    const run = await cli('action', 'invoke', 'hello', '-r')
    const err = `ok: invoked /_/hello, but the request has not yet finished, with id ${ID}\n`
    assert.deepEqual(run, { code: 202, out: '', err })
  })

  test('S4-2: exit codes are the HTTP status minus 256', async () => {
    for (const [status, code] of [
      [400, 144],
      [401, 145],
      [403, 147],
      [404, 148],
      [413, 157],
      [429, 173],
      [503, 247],
    ]) {
      api.on('POST /_/actions/hello?blocking=false&result=false', {
        status: status ?? 0,
        body: { code: TID, error: 'No.' },
      })
      const run = await cli('action', 'invoke', 'hello')
      assert.equal(run.code, code)
      assert.match(run.err, /^error: Unable to invoke action 'hello': No\. \(code aYtRr0Zk3mOe2fLw5c1b8XvQ7nUj4hDd\)\n/)
    }
  })

  test('S4-2: an error page that is no error body of the API is told apart', async () => {
    api.on('GET /_/actions/hello?code=true', { status: 504, body: '<html>' })
    const run = await cli('action', 'get', 'hello')
    assert.equal(run.code, 248)
    assert.equal(
      run.err,
      "error: Unable to get action 'hello': The connection failed, or timed out. (HTTP status code 504)\n",
    )
  })

  test('S4-2: get prints the action, a field, a summary, its URL', async () => {
    api.on('GET /_/actions/hello?code=true', { status: 200, body: HELLO })
    assert.equal((await cli('action', 'get', 'hello')).out, `ok: got action hello\n${JSON.stringify(HELLO, null, 4)}\n`)
    const field = await cli('action', 'get', 'hello', 'version')
    assert.equal(field.out, 'ok: got action hello, displaying field version\n"0.0.1"\n')
    assert.equal((await cli('action', 'get', 'hello', 'constructor')).code, 1)
    const described = {
      ...HELLO,
      annotations: [
        { key: 'description', value: 'Says hello' },
        { key: 'parameters', value: [{ name: 'name' }, { name: 'place' }] },
        { key: 'final', value: true },
      ],
      parameters: [{ key: 'place', value: 'here' }],
    }
    api.on('GET /_/actions/hello?code=false', { status: 200, body: described })
    const summary = await cli('action', 'get', 'hello', '--summary')
    assert.equal(summary.out, 'action /guest/hello: Says hello\n   (parameters: name, **place)\n')
    const url = await cli('action', 'get', 'hello', '--url')
    assert.equal(url.out, `ok: got action hello\n${api.url}/api/v1/namespaces/guest/actions/hello\n`)
    const web = { ...HELLO, namespace: 'guest/pkg', annotations: [{ key: 'web-export', value: true }] }
    api.on('GET /_/actions/hello?code=false', { status: 200, body: web })
    assert.match((await cli('action', 'get', 'hello', '-r')).out, /\/api\/v1\/web\/guest\/pkg\/hello\n$/)
  })

  test('S4-2: get --save writes the code and refuses to overwrite a file', async () => {
    const binary = { ...HELLO, name: 'packed', exec: { kind: 'python:3', binary: true, code: 'UEsFBv8=' } }
    api.on('GET /_/actions/packed?code=true', { status: 200, body: binary })
    const saved = await cli('action', 'get', 'packed', '--save')
    assert.deepEqual(saved, { code: 0, out: `ok: saved action code to ${join(directory, 'packed.zip')}\n`, err: '' })
    assert.deepEqual(readFileSync(join(directory, 'packed.zip')), Buffer.from('UEsFBv8=', 'base64'))
    const again = await cli('action', 'get', 'packed', '--save')
    assert.equal(again.code, 1)
    assert.match(again.err, /already exists/)
    api.on('GET /_/actions/hello?code=true', { status: 200, body: HELLO })
    await cli('action', 'get', 'hello', '--save-as', 'copy.js')
    assert.equal(readFileSync(join(directory, 'copy.js'), 'utf8'), HELLO.exec.code)
  })

  test('S4-2: list prints name, visibility and kind', async () => {
    const items = [
      { ...HELLO, name: 'b' },
      { ...HELLO, name: 'a', namespace: 'guest/pkg', annotations: [] },
    ]
    api.on('GET /_/actions?skip=0&limit=30', { status: 200, body: items })
    const out = `actions\n${'/guest/b'.padEnd(70)} private nodejs:24\n${'/guest/pkg/a'.padEnd(70)} private\n`
    assert.deepEqual(await cli('action', 'list'), { code: 0, out, err: '' })
    api.on('GET /_/actions/pkg/?skip=1&limit=2', { status: 200, body: [] })
    assert.equal((await cli('action', 'list', 'pkg', '-s', '1', '-l', '2')).out, 'actions\n')
    const json = await cli('action', 'list', '--json', '--name-sort')
    assert.deepEqual(
      (JSON.parse(json.out) as { name: string }[]).map(({ name }) => name),
      ['b', 'a'],
    )
  })

  test('S4-2: delete prints one line; what is not there is 148', async () => {
    api.on('DELETE /_/actions/hello', { status: 200, body: HELLO })
    assert.equal((await cli('action', 'delete', 'hello')).out, 'ok: deleted action hello\n')
    api.on('DELETE /_/actions/hello', NOT_FOUND)
    const run = await cli('action', 'delete', 'hello')
    assert.equal(run.code, 148)
    assert.equal(
      run.err,
      `error: Unable to delete action 'hello': The requested resource does not exist. (code ${TID})\n`,
    )
  })

  test('names travel percent-encoded', async () => {
    api.on('DELETE /_/actions/a%20b%26c', { status: 200, body: HELLO })
    assert.equal((await cli('action', 'delete', 'a b&c')).code, 0)
  })

  test('--verbose shows requests without keys', async () => {
    const key = `23bc46b1-71f6-4ed5-8c54-816aa4f8c502:${'k'.repeat(64)}`
    api.on('POST /_/actions/hello?blocking=true&result=true', { status: 200, body: { key } })
    const run = await cli('action', 'invoke', 'hello', '-r', '-v', '-p', 'key', key)
    assert.match(run.err, /> POST .*\/actions\/hello\?blocking=true&result=true\n/)
    assert.ok(!run.err.includes('kkkk'))
  })

  test('S4-2: no server is exit code 3 and says what to do', async () => {
    await api.close()
    const run = await cli('action', 'list')
    assert.equal(run.code, 3)
    assert.match(
      run.err,
      /^error: Unable to obtain the list of actions for namespace '_': cannot reach .*`stave standalone`/,
    )
  })
})

function namesIn(archive: Buffer): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const names: string[] = []
    fromBuffer(archive, (error, zip) => {
      if (error !== null) return reject(error)
      zip.on('entry', ({ fileName }: { readonly fileName: string }) => names.push(fileName))
      return zip.on('end', () => resolve(names))
    })
  })
}
