/** What people do with packages, triggers, rules and namespaces on the command line, by the real executable against a real server. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { CommandRun } from './executable.ts'
import { stave } from './executable.ts'
import type { TestServer } from './server.ts'
import { dispose, eventually, GUEST, startServer } from './server.ts'

const HELLO = `function main(a) { console.log('met', a.name); return { greeting: 'Hello ' + a.name + ' from ' + a.place } }`
const FEED = `function main({ lifecycleEvent, triggerName, authKey, cron }) {
  if (cron === 'bad') return { error: 'cron pattern is not valid' }
  console.log(lifecycleEvent, triggerName, cron)
  return { lifecycleEvent, triggerName, known: authKey === process.env.__OW_API_KEY }
}`
const row = (path: string, rest: string): string => `${path.padEnd(70)} ${rest}\n`

describe('a session on the command line', () => {
  let server: TestServer
  let directory: string
  let second = ''

  async function as(key: string, args: readonly string[]): Promise<CommandRun> {
    const env = { WHISK_APIHOST: server.url, WHISK_AUTH: key }
    return stave(args, { cwd: directory, env })
  }
  const run = (...args: string[]): Promise<CommandRun> => as(GUEST, args)
  /** Standard output of a command that succeeds. */
  async function done(...args: string[]): Promise<string> {
    const { code, out, err } = await run(...args)
    assert.equal(code, 0, `${args.join(' ')}: ${err}`)
    return out
  }
  /** The log lines of the latest activation of `name`, without time and stream, once there are any. */
  async function latestLogs(name: string, key = GUEST): Promise<string> {
    let out = ''
    await eventually(`${name} has logged`, async () => {
      const logs = await as(key, ['activation', 'logs', '--last', name, '--strip'])
      out = logs.out
      return logs.code === 0 && out !== ''
    })
    return out
  }

  before(async () => {
    server = await startServer()
    directory = mkdtempSync(join(tmpdir(), 'stave-session-'))
    writeFileSync(join(directory, 'hello.js'), HELLO)
    writeFileSync(join(directory, 'feed.js'), FEED)
    const created = await stave(['user', 'create', 'second', '--data-dir', server.dataDir], { cwd: directory })
    assert.equal(created.code, 0, created.err)
    second = created.out.trim()
  })
  after(async () => {
    rmSync(directory, { recursive: true })
    await server.stop()
    dispose(server)
  })

  test('6: a package, a binding of it, and actions through both', async () => {
    const create = ['package', 'create', 'tools', '-p', 'place', 'here', '-a', 'description', 'Things that help']
    assert.equal(await done(...create), 'ok: created package tools\n')
    assert.equal(
      await done('action', 'create', 'tools/hello', 'hello.js', '--web', 'true'),
      'ok: created action tools/hello\n',
    )
    assert.equal(await done('package', 'bind', 'tools', 'mine', '-p', 'place', 'there'), 'ok: created binding mine\n')
    const greeting = async (action: string): Promise<unknown> =>
      JSON.parse(await done('action', 'invoke', action, '-r', '-p', 'name', 'Anna')) as unknown
    assert.deepEqual(await greeting('tools/hello'), { greeting: 'Hello Anna from here' })
    assert.deepEqual(await greeting('mine/hello'), { greeting: 'Hello Anna from there' })
    assert.equal(
      await done('action', 'get', 'tools/hello', '--url'),
      `ok: got action tools/hello\n${server.url}/api/v1/web/guest/tools/hello\n`,
    )
    const summary = await done('package', 'get', 'tools', '--summary')
    assert.equal(
      summary,
      'package /guest/tools: Things that help\n   (parameters: *place)\n' +
        ' action /guest/tools/hello\n   (parameters: none defined)\n',
    )
    const again = await run('package', 'create', 'tools')
    assert.equal(again.code, 153)
    assert.match(again.err, /^error: Unable to create package 'tools': resource already exists \(code /)
  })

  test('7: a trigger starts the action of its rule while that is enabled', async () => {
    assert.equal(await done('trigger', 'create', 'arrived', '-p', 'name', 'Bert'), 'ok: created trigger arrived\n')
    const idle = 'trigger /_/arrived did not fire as it is not associated with an active rule\n'
    assert.equal(await done('trigger', 'fire', 'arrived'), idle)
    assert.equal(await done('rule', 'create', 'greet', 'arrived', 'mine/hello'), 'ok: created rule greet\n')
    assert.equal(await done('rule', 'status', 'greet'), 'ok: rule greet is active\n')
    const fired = /^ok: triggered \/_\/arrived with id ([0-9a-f]{32})\n$/.exec(await done('trigger', 'fire', 'arrived'))
    const record = await server.activation(fired?.[1] ?? '')
    const [entry] = (record as unknown as { readonly logs: readonly string[] }).logs
    const { rule, action, success } = JSON.parse(entry ?? '{}') as Record<string, unknown>
    assert.deepEqual([rule, action, success], ['guest/greet', 'guest/mine/hello', true])
    assert.equal(await latestLogs('mine/hello'), 'met Bert\n')
    await done('trigger', 'fire', 'arrived', '-p', 'name', 'Cora')
    await eventually('the rule was followed', async () => (await latestLogs('mine/hello')) === 'met Cora\n')

    assert.equal(await done('rule', 'disable', 'greet'), 'ok: disabled rule greet\n')
    assert.equal(await done('rule', 'list'), `rules\n${row('/guest/greet', `${'private'.padEnd(20)} inactive`)}`)
    assert.equal(await done('trigger', 'fire', 'arrived', '-p', 'name', 'Dora'), idle)
    assert.equal(await done('rule', 'enable', 'greet'), 'ok: enabled rule greet\n')
    assert.equal(await done('rule', 'get', 'greet', '--summary'), 'rule /guest/greet\n   (status: active)\n')
    const missing = await run('rule', 'create', 'other', 'arrived', 'nothing')
    assert.equal(missing.code, 144)
    assert.match(missing.err, /^error: Unable to create rule 'other': action \/guest\/nothing does not exist \(code /)
  })

  test('6.7: a feed follows the life of its trigger', async () => {
    const feed = ['tools/feed', 'feed.js', '-a', 'feed', 'true', '-a', 'provide-api-key', 'true']
    await done('action', 'create', ...feed)
    const result = (out: string): unknown => {
      const [, json = ''] = /^ok: invoked .*\n(\{[\s\S]*?\n\})\n/.exec(out) ?? []
      return (JSON.parse(json) as { readonly response: { readonly result: unknown } }).response.result
    }
    const told = (lifecycleEvent: string): object => ({ lifecycleEvent, triggerName: '/_/tick', known: true })
    const created = await done('trigger', 'create', 'tick', '--feed', 'tools/feed', '-p', 'cron', '* * * * *')
    assert.match(created, /ok: created trigger tick\n$/)
    assert.deepEqual(result(created), told('CREATE'))
    assert.deepEqual(result(await done('trigger', 'get', 'tick')), told('READ'))
    assert.deepEqual(result(await done('trigger', 'update', 'tick', '-p', 'cron', '@hourly')), told('UPDATE'))
    assert.deepEqual(result(await done('trigger', 'delete', 'tick')), told('DELETE'))

    const refused = await run('trigger', 'create', 'tock', '--feed', 'tools/feed', '-p', 'cron', 'bad')
    assert.deepEqual([refused.code, refused.out], [246, ''])
    assert.match(
      refused.err,
      /\nerror: Unable to create trigger 'tock': .*error was received: cron pattern is not valid\n$/,
    )
    assert.equal((await run('trigger', 'get', 'tock')).code, 148, 'the trigger went with its feed')
    assert.match(await done('package', 'get', 'tools', '--summary'), /\n feed {3}\/guest\/tools\/feed\n/)
  })

  test('15.1: the lists of a namespace', async () => {
    assert.equal(await done('namespace', 'list'), 'namespaces\nguest\n')
    const lists =
      `Entities in namespace: _\n` +
      `packages\n${row('/guest/mine', 'private')}${row('/guest/tools', 'private')}` +
      `actions\n${row('/guest/tools/feed', 'private nodejs:24')}${row('/guest/tools/hello', 'private nodejs:24')}` +
      `triggers\n${row('/guest/arrived', 'private')}` +
      `rules\n${row('/guest/greet', `${'private'.padEnd(20)} active`)}`
    assert.equal(await done('list', '--name-sort'), lists)
    assert.equal(await done('namespace', 'get', '-n'), lists)
    assert.equal(await done('trigger', 'list', '-s', '1'), 'triggers\n')
  })

  test('6.4: a shared package is used by another user, a private one is not', async () => {
    const invoke = ['action', 'invoke', '/guest/tools/hello', '-r', '-p', 'name', 'Emil']
    assert.equal((await as(second, invoke)).code, 147)
    assert.equal(await done('package', 'update', 'tools', '--shared', 'yes'), 'ok: updated package tools\n')
    const shared = await as(second, invoke)
    assert.deepEqual(JSON.parse(shared.out), { greeting: 'Hello Emil from here' })
    assert.equal((await as(second, ['package', 'list', '/guest'])).out, `packages\n${row('/guest/tools', 'shared')}`)
    assert.equal((await as(second, ['package', 'bind', '/guest/tools', 'borrowed', '-p', 'place', 'afar'])).code, 0)
    const borrowed = await as(second, ['action', 'invoke', 'borrowed/hello', '-r', '-p', 'name', 'Emil'])
    assert.deepEqual(JSON.parse(borrowed.out), { greeting: 'Hello Emil from afar' })
  })

  test('runtimes 4.6: every user has the packages of the system', async () => {
    const ask = async (...args: string[]): Promise<unknown> => {
      const { out, err, code } = await as(second, ['action', 'invoke', ...args, '-r'])
      assert.equal(code, 0, err)
      return JSON.parse(out) as unknown
    }
    const packages = await as(second, ['package', 'list', '/whisk.system', '-n'])
    assert.equal(
      packages.out,
      `packages\n${row('/whisk.system/samples', 'shared')}${row('/whisk.system/utils', 'shared')}`,
    )
    assert.deepEqual(await ask('/whisk.system/utils/namespace'), { namespace: 'second' })
    assert.deepEqual(await ask('/whisk.system/utils/hosturl', '-p', 'path', 'a', '-p', 'web', 'true'), {
      url: `${server.url}/api/v1/web/second/default/a`,
    })
    assert.deepEqual(await ask('/whisk.system/samples/helloPromises', '-p', 'name', 'Finn', '-p', 'place', 'Ulm'), {
      lines: ['Hello,', 'Finn', 'from', 'Ulm!'],
    })
    await as(second, ['package', 'bind', '/whisk.system/utils', 'u', '-p', 'separator', ','])
    const chain = ['action', 'create', 'chain', '--sequence', 'u/split,/whisk.system/utils/sort,u/cat']
    assert.equal((await as(second, chain)).out, 'ok: created action chain\n')
    assert.deepEqual(await ask('chain', '-p', 'payload', 'b,a'), { lines: ['a', 'b'], payload: 'a\nb' })
    await ask('/whisk.system/samples/countdown', '-p', 'n', '2')
    await eventually('the countdown has ended', async () =>
      (await latestLogs('samples/countdown', second)).includes('Happy'),
    )
    const summary = await as(second, ['action', 'get', '/whisk.system/utils/split', '--summary'])
    assert.equal(
      summary.out,
      'action /whisk.system/utils/split: Splits a text into an array\n   (parameters: payload, separator)\n',
    )
  })

  test('6.5, 7.7: everything is deleted again', async () => {
    const kept = await run('package', 'delete', 'tools')
    assert.equal(kept.code, 153)
    assert.match(kept.err, /Package not empty \(contains 2 entities\)\. Set force param or delete package contents\./)
    assert.equal(await done('rule', 'delete', 'greet', '--disable'), 'ok: deleted rule greet\n')
    assert.equal(await done('package', 'delete', 'tools', '--recursive'), 'ok: deleted package tools\n')
    assert.equal((await run('package', 'get', 'mine')).code, 148, 'a binding dangles')
    assert.equal(await done('package', 'delete', 'mine'), 'ok: deleted package mine\n')
    assert.equal(await done('trigger', 'delete', 'arrived'), 'ok: deleted trigger arrived\n')
    assert.equal(await done('list'), 'Entities in namespace: _\npackages\nactions\ntriggers\nrules\n')
    const administer = (...args: string[]): Promise<CommandRun> =>
      stave([...args, '--data-dir', server.dataDir], { cwd: directory })
    assert.match((await administer('namespace', 'inspect', 'second')).out, /\nactions: 1\npackages: 2\n/)
    assert.equal((await administer('namespace', 'delete', 'second', '--force')).out, 'Namespace deleted\n')
    assert.equal((await as(second, ['list'])).code, 145, 'its key has gone with it')
  })
})

test('runtimes 4.6: the packages of the system are written once, and not at all where that is switched off', async (context) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'stave-seed-'))
  context.after(() => rmSync(dataDir, { recursive: true, force: true }))
  const dumped = async (): Promise<readonly unknown[]> => {
    const { out } = await stave(['db', 'get', 'whisks', '--data-dir', dataDir], { cwd: dataDir })
    return (JSON.parse(out) as { readonly rows: readonly unknown[] }).rows
  }
  const off = await startServer({ dataDir, flags: ['--system-packages', 'false'] })
  await off.stop()
  assert.deepEqual(await dumped(), [])
  const first = await startServer({ dataDir })
  const written = await dumped()
  assert.equal(written.length, 19, 'they are there as soon as the server is ready')
  await first.stop()
  const again = await startServer({ dataDir })
  await again.stop()
  assert.deepEqual(await dumped(), written, 'neither versions nor times have changed')
})
