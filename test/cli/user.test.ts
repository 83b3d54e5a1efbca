import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { adminSocketPath, runDirectory } from '../../src/config/runtime-paths.ts'
import type { CliRun } from './run-cli.ts'
import { runCli } from './run-cli.ts'
import { startScriptedApi } from './scripted-api.ts'

const UUID = '11111111-2222-3333-4444-555555555555'
const KEY = `${UUID}:${'k'.repeat(64)}`
const MADE_UP = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:[A-Za-z0-9]{64}\n$/

describe('stave user and stave limits on a data directory without a server', () => {
  let dataDir: string
  const cli = (...args: string[]): Promise<CliRun> => runCli([...args, '--data-dir', dataDir])

  before(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'stave-user-'))
  })
  after(() => rmSync(dataDir, { recursive: true }))

  test('S4-16: create prints uuid:key, get prints it again, rotate replaces it', async () => {
    const created = await cli('user', 'create', 'alice')
    assert.equal(created.code, 0)
    assert.match(created.out, MADE_UP)
    assert.equal((await cli('user', 'get', 'alice')).out, created.out)
    const rotated = await cli('user', 'rotate', 'alice')
    assert.match(rotated.out, MADE_UP)
    assert.notEqual(rotated.out, created.out)
    assert.equal((await cli('user', 'get', 'alice')).out, rotated.out)
    assert.equal((await cli('user', 'whois', rotated.out.trim())).out, 'subject: alice\nnamespace: alice\n')
    assert.deepEqual(await cli('user', 'whois', created.out.trim()), {
      code: 0,
      out: 'Subject id is not recognized\n',
      err: '',
    })
  })

  test('S4-16: a key can be given, a namespace added, an existing one not', async () => {
    assert.equal((await cli('user', 'create', 'bobby', '-u', KEY)).out, `${KEY}\n`)
    assert.match((await cli('user', 'create', 'bobby', '-ns', 'team')).out, MADE_UP)
    assert.deepEqual(await cli('user', 'create', 'bobby'), {
      code: 1,
      out: '',
      err: 'error: Namespace already exists\n',
    })
    assert.match((await cli('user', 'create', 'bobby', '-ns', 'team', '-r')).out, MADE_UP)
    const all = await cli('user', 'get', 'bobby', '--all')
    assert.match(all.out, new RegExp(`^bobby\t${KEY}\nteam\t${UUID.replaceAll(/\d/g, '[0-9a-f]')}:\\w{64}\n$`))
    const missing = await cli('user', 'get', 'bobby', '-n', 'nowhere')
    assert.deepEqual(missing, { code: 1, out: '', err: 'error: namespace "nowhere" not found for "bobby"\n' })
  })

  test('S4-16: bad input is exit code 2, with the message of wskadmin', async () => {
    const short = await cli('user', 'create', 'bob')
    assert.equal(short.code, 2)
    assert.match(short.err, /^error: Subject name must be at least 5 characters\n/)
    assert.match((await cli('user', 'create', 'carol', '-u', 'x:y')).err, /authorization id is not a valid UUID/)
    const weak = await cli('user', 'create', 'carol', '-u', `${UUID}:short`)
    assert.match(weak.err, /authorization key must be at least 64 characters long/)
  })

  test('S4-16: -g only makes a key up, -s prints nothing', async () => {
    assert.match((await cli('user', 'create', 'david', '-g')).out, MADE_UP)
    assert.equal((await cli('user', 'get', 'david')).code, 1)
    assert.deepEqual(await cli('user', 'create', 'david', '-s'), { code: 0, out: '', err: '' })
  })

  test('S4-16: list', async () => {
    assert.equal((await cli('user', 'list', 'bobby')).out, `${KEY}\tbobby\n`)
    assert.equal((await cli('user', 'list', 'bobby', '-k')).out, `${KEY}\n`)
    const none = { code: 0, out: 'no identities found for namespace "nobody"\n', err: '' }
    assert.deepEqual(await cli('user', 'list', 'nobody'), none)
    const everybody = await cli('user', 'list')
    assert.match(everybody.out, /^USER +NAMESPACE +UUID +STATE\nalice +alice +[0-9a-f-]{36} +active\n/)
    assert.ok(!everybody.out.includes('kkk'))
    const json = JSON.parse((await cli('user', 'list', '--json')).out) as { subject: string; namespace: string }[]
    assert.deepEqual(json.map(({ subject, namespace }) => `${subject}/${namespace}`).sort(), [
      'alice/alice',
      'bobby/bobby',
      'bobby/team',
      'david/david',
    ])
  })

  test('S4-16: block and unblock tell how many failed', async () => {
    const blocked = await cli('user', 'block', 'alice', 'missing', 'bobby')
    assert.equal(blocked.code, 1)
    assert.equal(blocked.out, '"alice" blocked successfully\n"bobby" blocked successfully\n')
    assert.match(blocked.err, /^error: "missing": Failed to get subject/)
    const edit = await cli('user', 'create', 'alice', '-n', 'other')
    assert.deepEqual(edit, { code: 1, out: '', err: 'error: The subject you want to edit is blocked\n' })
    assert.equal((await cli('user', 'unblock', 'alice')).out, '"alice" unblocked successfully\n')
  })

  test('S4-16: delete a namespace, then the user', async () => {
    assert.equal((await cli('user', 'delete', 'bobby', '-ns', 'team')).out, 'Namespace deleted\n')
    const again = await cli('user', 'delete', 'bobby', '-ns', 'team')
    assert.deepEqual(again, { code: 1, out: '', err: 'error: Namespace "team" does not exist for "bobby"\n' })
    assert.equal((await cli('user', 'delete', 'bobby')).out, 'Subject deleted\n')
    assert.equal((await cli('user', 'delete', 'bobby')).code, 1)
  })

  test('S4-16: limits are set, read and deleted', async () => {
    assert.equal((await cli('limits', 'get', 'alice')).out, 'No limits found, default system limits apply\n')
    const args = ['--invocationsPerMinute', '5', '--maxPayloadSize', '1 MB', '--allowedKinds', 'nodejs:24', 'python:3']
    const set = await cli('limits', 'set', 'alice', ...args)
    assert.deepEqual(set, { code: 0, out: 'Limits successfully set for "alice"\n', err: '' })
    const lines = (await cli('limits', 'get', 'alice')).out.split('\n')
    assert.ok(lines.includes('invocationsPerMinute = 5') && lines.includes('allowedKinds = nodejs:24, python:3'))
    await cli('limits', 'set', 'alice', '--allowedKinds', 'null', '--storeActivations', 'false')
    assert.deepEqual(JSON.parse((await cli('limits', 'get', 'alice', '--json')).out), {
      invocationsPerMinute: 5,
      maxPayloadSize: '1 MB',
      storeActivations: false,
    })
    assert.equal((await cli('limits', 'set', 'alice', '--firesPerMinute', 'many')).code, 2)
    assert.equal((await cli('limits', 'set', 'alice')).code, 2)
    assert.equal((await cli('limits', 'set', 'alice', '--unknown', '1')).code, 2)
    assert.equal((await cli('limits', 'delete', 'alice')).out, 'Limits deleted\n')
    assert.equal((await cli('limits', 'get', 'alice')).out, 'No limits found, default system limits apply\n')
  })
})

test('S4-16: where a server runs on the data directory, everything goes through its socket', async (context) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'stave-user-'))
  context.after(() => rmSync(dataDir, { recursive: true }))
  mkdirSync(runDirectory(dataDir), { mode: 0o700 })
  const server = await startScriptedApi(adminSocketPath(dataDir))
  context.after(() => server.close())
  const cli = (...args: string[]): Promise<CliRun> => runCli([...args, '--data-dir', dataDir])
  const answer = { subject: 'alice', namespace: 'alice', uuid: UUID, key: 'k'.repeat(64) }

  server.on('POST /admin/users', { status: 200, body: answer })
  assert.equal((await cli('user', 'create', 'alice')).out, `${KEY}\n`)
  assert.deepEqual(JSON.parse(server.requests.at(-1)?.body ?? ''), { subject: 'alice' })

  server.on('POST /admin/users', { status: 409, body: { error: 'Namespace already exists', code: 'T' } })
  assert.deepEqual(await cli('user', 'create', 'alice'), { code: 1, out: '', err: 'error: Namespace already exists\n' })

  server.on('POST /admin/users/alice/rotate?namespace=team', { status: 200, body: answer })
  assert.equal((await cli('user', 'rotate', 'alice', '-n', 'team')).out, `${KEY}\n`)
  server.on('GET /admin/users/alice', { status: 200, body: { ...answer, namespaces: [{ ...answer, name: 'alice' }] } })
  assert.equal((await cli('user', 'get', 'alice')).out, `${KEY}\n`)
  assert.equal((await cli('user', 'get', 'alice', '-n', 'x')).err, 'error: namespace "x" not found for "alice"\n')
  server.on('GET /admin/users?namespace=alice', { status: 200, body: [{ ...answer, blocked: true }] })
  assert.equal((await cli('user', 'list', 'alice')).out, `${KEY}\talice\n`)
  server.on('POST /admin/users/alice/block', { status: 200, body: { subject: 'alice', blocked: true } })
  assert.equal((await cli('user', 'block', 'alice')).out, '"alice" blocked successfully\n')
  server.on('DELETE /admin/users/alice', { status: 200, body: { deleted: true } })
  assert.equal((await cli('user', 'delete', 'alice')).out, 'Subject deleted\n')
  server.on('POST /admin/whois', { status: 404, body: { error: 'Subject id is not recognized', code: 'T' } })
  assert.equal((await cli('user', 'whois', KEY)).out, 'Subject id is not recognized\n')
  server.on('PATCH /admin/limits/alice', { status: 200, body: { firesPerMinute: 1 } })
  assert.equal((await cli('limits', 'set', 'alice', '--firesPerMinute', '1')).code, 0)
  assert.deepEqual(JSON.parse(server.requests.at(-1)?.body ?? ''), { firesPerMinute: 1 })
})
