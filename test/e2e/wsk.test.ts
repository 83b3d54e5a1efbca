/** OpenWhisk's own command line, unedited, against the whole server: what it prints and how it exits are what people's scripts read. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { zipped } from '../../runtimes/python/drive-launcher.ts'
import { goClient } from '../clients/go-clients.ts'
import { runCommand, stave } from './executable.ts'
import type { CommandRun } from './executable.ts'
import type { TestServer } from './server.ts'
import { GUEST, dispose, eventually, startServer } from './server.ts'

const client = goClient('wsk')
const HELLO = `function main(args) { console.log('for ' + args.name); return { greeting: 'Hello ' + (args.name ?? 'stranger'), args } }`

describe('15.1: wsk', { skip: client.missing }, () => {
  let server: TestServer
  const directory = mkdtempSync(join(tmpdir(), 'stave-wsk-'))
  const file = (name: string, content: string | Buffer): string => {
    writeFileSync(join(directory, name), content)
    return name
  }

  const run = (...args: readonly string[]): Promise<CommandRun> =>
    runCommand([client.path, ...args], {
      cwd: directory,
      env: { HOME: directory, WSK_CONFIG_FILE: join(directory, 'wskprops') },
    })
  /** Runs a command that succeeds and returns what it prints. */
  async function wsk(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await run(...args)
    assert.equal(code, 0, `wsk ${args.join(' ')}: ${out}${err}`)
    return out
  }
  /** What a command prints behind its first line, which says what it got. */
  async function got(...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
    const out = await wsk(...args)
    return JSON.parse(out.slice(out.indexOf('\n') + 1)) as Readonly<Record<string, unknown>>
  }
  const result = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse(await wsk('action', 'invoke', '--result', ...args))
  /** Runs a command that is refused; the code of the request is left out of what it says. */
  async function refused(...args: readonly string[]): Promise<readonly [number | null, string]> {
    const { code, err } = await run(...args)
    return [code, err.replace(/ \(code \w{32}\)/, '').replace(/\n(Run '\w+ --help' for usage\.\n)?$/, '')]
  }
  const names = (listing: string): readonly string[] =>
    listing
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(' ', 1)[0] ?? '')

  before(async () => {
    server = await startServer({ flags: ['--limits-fires-per-minute', '1000'] })
    await wsk('property', 'set', '--apihost', server.url, '--auth', GUEST)
    file('hello.js', HELLO)
  })
  after(async () => {
    await server.stop()
    dispose(server)
    rmSync(directory, { recursive: true, force: true })
  })

  test('the commands of the README', async () => {
    const readme = readFileSync('README.md', 'utf8')
    const commands = [...readme.matchAll(/^wsk (.*)$/gm)].map(([, line = '']) => line.split(/\s+/))
    assert.deepEqual(
      commands.map(([what]) => what),
      ['property', 'action'],
    )
    await wsk('action', 'create', 'hello', 'hello.js')
    for (const [index, args] of commands.entries()) {
      const out = await wsk(...args.map((arg) => (arg === 'http://127.0.0.1:3233' ? server.url : arg)))
      if (index === 1) assert.equal((JSON.parse(out) as { readonly greeting: string }).greeting, 'Hello World')
    }
    await wsk('action', 'delete', 'hello')
  })

  test('properties: what is set, and what the server tells of itself', async () => {
    const all = await wsk('property', 'get')
    assert.match(all, new RegExp(`^whisk API host\\t\\t${server.url}$`, 'm'))
    assert.match(all, /^whisk namespace\t\tguest$/m)
    assert.match(all, /^whisk API build\t\t\d{4}-\d\d-\d\dT[\d:.]+Z$/m)
    assert.match(all, /^whisk API build number\t\d+\.\d+\.\d+$/m)
    assert.equal(await wsk('property', 'get', '--namespace'), 'whisk namespace\t\tguest\n')
    assert.equal(await wsk('namespace', 'list'), 'namespaces\nguest\n')
    await wsk('property', 'unset', '--auth')
    const [code, said] = await refused('action', 'list')
    assert.equal(code, 2)
    assert.match(said, /Authorization key is not configured \(--auth is required\)/)
    await wsk('property', 'set', '--auth', GUEST)
  })

  test('an action from its creation to its end', async () => {
    const parameters = ['-p', 'name', 'World', '-a', 'description', 'says hello']
    assert.equal(await wsk('action', 'create', 'life', 'hello.js', ...parameters), 'ok: created action life\n')
    assert.deepEqual(await refused('action', 'create', 'life', 'hello.js'), [
      153,
      "error: Unable to create action 'life': resource already exists",
    ])
    assert.deepEqual(await result('life'), { greeting: 'Hello World', args: { name: 'World' } })
    assert.deepEqual(await result('life', '-p', 'name', 'you', '-p', 'list', '[1,{"a":null}]'), {
      greeting: 'Hello you',
      args: { name: 'you', list: [1, { a: null }] },
    })
    file('parameters.json', '{"name":"file","deep":{"b":[true]}}')
    assert.deepEqual(await result('life', '-P', 'parameters.json'), {
      greeting: 'Hello file',
      args: { name: 'file', deep: { b: [true] } },
    })
    const limits = ['-t', '30000', '-m', '128', '-l', '5', '-c', '2']
    assert.equal(await wsk('action', 'update', 'life', 'hello.js', ...limits), 'ok: updated action life\n')
    assert.deepEqual(await got('action', 'get', 'life', 'limits'), {
      timeout: 30_000,
      memory: 128,
      logs: 5,
      concurrency: 2,
    })
    const action = await got('action', 'get', 'life')
    assert.partialDeepStrictEqual(action, { namespace: 'guest', name: 'life', version: '0.0.2', publish: false })
    assert.equal(
      await wsk('action', 'get', 'life', '--summary'),
      'action /guest/life: says hello\n   (parameters: *name)\n',
    )
    await wsk('action', 'get', 'life', '--save-as', 'saved.js')
    assert.equal(readFileSync(join(directory, 'saved.js'), 'utf8'), HELLO)
    await wsk('action', 'create', 'copied', '--copy', 'life')
    assert.deepEqual(await result('copied'), { greeting: 'Hello World', args: { name: 'World' } })
    const listing = await wsk('action', 'list')
    assert.match(listing, /^actions\n\/guest\/copied {2,}private nodejs:24\n\/guest\/life {2,}private nodejs:24\n$/)
    for (const name of ['life', 'copied']) {
      assert.equal(await wsk('action', 'delete', name), `ok: deleted action ${name}\n`)
    }
    assert.deepEqual(await refused('action', 'get', 'life'), [
      148,
      "error: Unable to get action 'life': The requested resource does not exist.",
    ])
  })

  test('code in all forms: Python, a zip, another entry point, an image', async () => {
    file('hello.py', 'def main(args):\n    return {"python": args.get("n", 0) + 1}\n')
    await wsk('action', 'create', 'python', 'hello.py')
    assert.deepEqual(await result('python', '-p', 'n', '5'), { python: 6 })
    const { code } = await zipped({
      'package.json': '{"main":"entry.js"}',
      'entry.js': 'exports.main = (args) => ({ ...require("./lib.js"), ...args })',
      'lib.js': 'module.exports = { zip: true }',
    })
    file('code.zip', Buffer.from(String(code), 'base64'))
    await wsk('action', 'create', 'zip', 'code.zip', '--kind', 'nodejs:default')
    assert.deepEqual(await result('zip', '-p', 'a', '1'), { zip: true, a: 1 })
    file('other.js', 'function niam() { return { other: true } }')
    await wsk('action', 'create', 'other', 'other.js', '--main', 'niam')
    assert.deepEqual(await result('other'), { other: true })
    await wsk('action', 'create', 'image', '--docker', 'team/image:1')
    assert.deepEqual((await got('action', 'get', 'image', 'exec'))['image'], 'team/image:1')
  })

  test('how actions fail is in the exit code', async () => {
    file('bad.js', 'function main({ how }) { if (how === "throws") throw new Error("boom"); return { error: "mine" } }')
    await wsk('action', 'create', 'bad', 'bad.js')
    const { code, out, err } = await run('action', 'invoke', 'bad', '--result')
    assert.deepEqual([code, out, JSON.parse(err)], [246, '', { error: 'mine' }])
    const thrown = await run('action', 'invoke', 'bad', '-r', '-p', 'how', 'throws')
    assert.deepEqual([thrown.code, JSON.parse(thrown.err)], [246, { error: 'An error has occurred: Error: boom' }])
    const whole = await run('action', 'invoke', 'bad', '--blocking')
    assert.equal(whole.code, 246)
    assert.match(whole.out + whole.err, /^ok: invoked \/_\/bad with id [0-9a-f]{32}\n/)
  })

  test('what is refused is said in OpenWhisk’s words', async () => {
    const refusals: readonly (readonly [number, string, ...string[]])[] = [
      [148, "Unable to invoke action 'none': The requested resource does not exist.", 'action', 'invoke', 'none'],
      [148, "Unable to delete action 'none': The requested resource does not exist.", 'action', 'delete', 'none'],
      [
        144,
        "Unable to create action 'large': requirement failed: memory size 99999 MB exceeds allowed threshold of 512 MB",
        ...['action', 'create', 'large', 'hello.js', '-m', '99999'],
      ],
      [
        144,
        "Unable to create action 'short': requirement failed: duration 1 milliseconds below allowed threshold of 100 milliseconds",
        ...['action', 'create', 'short', 'hello.js', '-t', '1'],
      ],
      [
        147,
        "Unable to obtain the list of actions for namespace 'other': The supplied authentication is not authorized to access 'other'.",
        ...['action', 'list', '/other'],
      ],
      [
        145,
        "Unable to obtain the list of actions for namespace 'default': The supplied authentication is invalid",
        ...['action', 'list', '--auth', `${GUEST.slice(0, -1)}x`],
      ],
      [
        144,
        "Unable to get activation 'nope': Activation id length is 4 but must be 32.",
        ...['activation', 'get', 'nope'],
      ],
      [144, "Unable to create rule 'r': trigger /guest/none does not exist", 'rule', 'create', 'r', 'none', 'none'],
      [148, "Unable to fire trigger 'none': The requested resource does not exist.", 'trigger', 'fire', 'none'],
    ]
    for (const [code, text, ...args] of refusals) assert.deepEqual(await refused(...args), [code, `error: ${text}`])
    const [code, text] = await refused('action', 'create', 'kind', 'hello.js', '--kind', 'nodejs:99')
    assert.equal(code, 144)
    assert.match(
      text,
      /^error: Unable to create action 'kind': The request content was malformed:\nThe specified runtime 'nodejs:99' is not supported by this platform\. Valid values are: 'nodejs:/,
    )
  })

  test('sequences, and web actions by their URL', async () => {
    file('up.js', 'const main = ({ text }) => ({ text: text.toUpperCase() })')
    file('twice.js', 'const main = ({ text }) => ({ text: text + text, body: text })')
    await wsk('action', 'create', 'up', 'up.js')
    await wsk('action', 'create', 'twice', 'twice.js', '--web', 'true')
    await wsk('action', 'create', 'line', '--sequence', 'up,twice')
    assert.deepEqual(await result('line', '-p', 'text', 'ab'), { text: 'ABAB', body: 'AB' })
    const id = /with id (\w{32})/.exec(await wsk('action', 'invoke', 'line', '-p', 'text', 'c'))?.[1] ?? ''
    await server.activation(id)
    assert.equal((await wsk('activation', 'logs', id)).trim().split('\n').length, 2, 'one line a step')

    const [, url = ''] = (await wsk('action', 'get', 'twice', '--url')).trim().split('\n')
    assert.equal(url, `${server.url}/api/v1/web/guest/default/twice`)
    assert.equal(await (await fetch(`${url}.http?text=web`)).text(), 'web')
    await wsk('action', 'update', 'twice', '--web-secure', 'secret')
    assert.equal((await fetch(`${url}.http?text=web`)).status, 401)
    const allowed = await fetch(`${url}.http?text=web`, { headers: { 'X-Require-Whisk-Auth': 'secret' } })
    assert.equal(await allowed.text(), 'web')
    await wsk('action', 'update', 'twice', '--web', 'no')
    assert.equal((await fetch(`${url}.http?text=web`)).status, 404)
  })

  test('packages: parameters are inherited, bound and shared', async () => {
    await wsk('package', 'create', 'colours', '-p', 'name', 'red', '-a', 'description', 'of things')
    assert.deepEqual(await refused('package', 'create', 'colours'), [
      153,
      "error: Unable to create package 'colours': resource already exists",
    ])
    await wsk('action', 'create', 'colours/hello', 'hello.js')
    await wsk('package', 'bind', 'colours', 'bound', '-p', 'name', 'blue')
    const greeted = async (name: string): Promise<unknown> => ((await result(name)) as { greeting: string }).greeting
    assert.equal(await greeted('colours/hello'), 'Hello red')
    assert.equal(await greeted('bound/hello'), 'Hello blue')
    assert.equal(
      await wsk('package', 'get', 'colours', '--summary'),
      'package /guest/colours: of things\n   (parameters: *name)\n action /guest/colours/hello\n   (parameters: none defined)\n',
    )
    await wsk('package', 'update', 'colours', '--shared', 'yes')
    assert.match(await wsk('package', 'list'), /^packages\n\/guest\/colours +shared\n\/guest\/bound +private\n$/)
    assert.deepEqual(names(await wsk('action', 'list', '/guest/colours')), ['/guest/colours/hello'])
    assert.deepEqual(await refused('package', 'delete', 'colours'), [
      153,
      "error: Unable to delete package 'colours': Package not empty (contains 1 entity). Set force param or delete package contents.",
    ])
    await wsk('package', 'delete', 'bound')
    await wsk('action', 'delete', 'colours/hello')
    await wsk('package', 'delete', 'colours')
    await wsk('package', 'bind', '/whisk.system/utils', 'tools')
    assert.deepEqual(await result('tools/echo', '-p', 'payload', 'hi'), { payload: 'hi' })
    assert.deepEqual(await result('/whisk.system/utils/echo', '-p', 'payload', 'hi'), { payload: 'hi' })
    await wsk('package', 'delete', 'tools')
  })

  test('triggers and rules, and feeds behind them', async () => {
    await wsk('action', 'create', 'ruled', 'hello.js')
    await wsk('trigger', 'create', 'tick', '-p', 'every', 'minute')
    assert.equal(await wsk('rule', 'create', 'each', 'tick', 'ruled'), 'ok: created rule each\n')
    assert.equal(await wsk('rule', 'status', 'each'), 'ok: rule each is active\n')
    assert.equal(await wsk('rule', 'disable', 'each'), 'ok: disabled rule each\n')
    assert.equal(await wsk('rule', 'status', 'each'), 'ok: rule each is inactive\n')
    await wsk('rule', 'enable', 'each')
    assert.match(await wsk('rule', 'list'), /^rules\n\/guest\/each +private +active\n$/)
    assert.match(
      await wsk('trigger', 'fire', 'tick', '-p', 'name', 'clock'),
      /^ok: triggered \/_\/tick with id \w{32}\n$/,
    )
    await eventually('the action was called', async () =>
      (await wsk('activation', 'list', 'ruled')).includes('guest/ruled:0.0.1'),
    )
    const [, id = ''] = / ([0-9a-f]{32}) nodejs:24 /.exec(await wsk('activation', 'list', 'ruled')) ?? []
    const { args } = JSON.parse(await wsk('activation', 'result', id)) as { readonly args: object }
    assert.partialDeepStrictEqual(args, { every: 'minute', name: 'clock' })
    await wsk('rule', 'delete', 'each', '--disable')
    await wsk('trigger', 'delete', 'tick')

    file(
      'feed.js',
      'const main = ({ lifecycleEvent, triggerName, authKey, every }) => ({ lifecycleEvent, triggerName, every, keyed: authKey.includes(":") })',
    )
    await wsk('action', 'create', 'feed', 'feed.js')
    const created = await wsk('trigger', 'create', 'fed', '--feed', 'feed', '-p', 'every', 'minute')
    assert.match(created, /"lifecycleEvent": "CREATE"/)
    assert.match(created, /"triggerName": "\/_\/fed"/)
    assert.match(created, /"keyed": true/)
    assert.match(await wsk('trigger', 'get', 'fed'), /"lifecycleEvent": "READ"/)
    assert.match(await wsk('trigger', 'delete', 'fed'), /"lifecycleEvent": "DELETE"/)
    const [code, said] = await refused('trigger', 'create', 'unfed', '--feed', 'none')
    assert.equal(code, 148)
    assert.match(
      said,
      /^error: Unable to create trigger 'unfed': Unable to configure feed '\/_\/none': The requested resource does not exist\.$/,
    )
    assert.doesNotMatch(await wsk('trigger', 'list'), /unfed/)
  })

  test('activations: lists, one of them, its logs, and the poll that shows them as they come', async () => {
    await wsk('action', 'create', 'logged', 'hello.js')
    const ids: string[] = []
    for (const name of ['one', 'two', 'three']) {
      const out = await wsk('action', 'invoke', 'logged', '--blocking', '-p', 'name', name)
      ids.push(/with id (\w{32})/.exec(out)?.[1] ?? '')
    }
    const listed = [...(await wsk('activation', 'list', 'logged')).matchAll(/ ([0-9a-f]{32}) /g)].map(([, id]) => id)
    assert.deepEqual(listed, ids.toReversed())
    const page = await wsk('activation', 'list', 'logged', '--skip', '1', '--limit', '1')
    assert.match(page, /^Datetime +Activation ID +Kind +Start +Duration +Status +Entity\n/)
    assert.match(page, new RegExp(` ${ids[1]} nodejs:24 warm +\\d+(ms|s) +success +guest/logged:0\\.0\\.1\\s*$`))
    const [first = ''] = ids
    assert.partialDeepStrictEqual(await got('activation', 'get', first), { activationId: first, name: 'logged' })
    assert.equal(await wsk('activation', 'logs', first, '--strip'), 'for one\n')
    assert.match(await wsk('activation', 'logs', first), /^\d{4}-\d\d-\d\dT[\d:.]+Z +stdout: for one\n$/)
    assert.match(await wsk('activation', 'get', '--last'), new RegExp(ids[2] ?? 'none'))
    const poll = await wsk('activation', 'poll', 'logged', '--exit', '1', '--since-minutes', '5')
    for (const [index, name] of ['one', 'two', 'three'].entries()) {
      assert.match(poll, new RegExp(`Activation: 'logged' \\(${ids[index]}\\)[^']*stdout: for ${name}`))
    }
  })

  test('everything that there is', async () => {
    const listing = await wsk('list')
    assert.match(listing, /^Entities in namespace: default\npackages\n/)
    for (const heading of ['packages', 'actions', 'triggers', 'rules'])
      assert.match(listing, new RegExp(`^${heading}$`, 'm'))
    assert.equal(await wsk('namespace', 'get'), listing)
  })

  test('11: a key of another OpenWhisk goes on working for the user that it is given to', async () => {
    const key = `${randomUUID()}:${'k3Y'.repeat(21)}x`
    const created = await stave(['user', 'create', 'traveller', '-u', key, '--data-dir', server.dataDir])
    assert.deepEqual([created.code, created.out.trim()], [0, key], created.err)
    assert.equal(await wsk('namespace', 'list', '--auth', key), 'namespaces\ntraveller\n')
    await wsk('action', 'create', 'brought', 'hello.js', '--auth', key)
    assert.deepEqual(names(await wsk('action', 'list', '--auth', key)), ['/traveller/brought'])
  })

  test('9: who calls too often is told so', async () => {
    await wsk('action', 'create', 'often', 'hello.js')
    const limited = await server.admin('PATCH', '/admin/limits/guest', { invocationsPerMinute: 0 })
    assert.equal(limited.status, 200, limited.text)
    try {
      const [code, said] = await refused('action', 'invoke', 'often')
      assert.equal(code, 173)
      assert.match(
        said,
        /^error: Unable to invoke action 'often': Too many requests in the last minute \(count: \d+, allowed: 0\)\.$/,
      )
    } finally {
      await server.admin('DELETE', '/admin/limits/guest')
    }
  })

  test('API routes and the SDK, which the platform does not have yet, end with an error and nothing else', async () => {
    for (const args of [
      ['api', 'list'],
      ['sdk', 'install', 'docker'],
    ]) {
      const { code, err } = await run(...args)
      assert.equal(code, 1, args.join(' '))
      assert.match(err, /^error: /)
    }
    assert.match(await wsk('sdk', 'install', 'bashauto'), /is installed in the current directory/)
  })
})
