import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { adminSocketPath, runDirectory } from '../../src/config/runtime-paths.ts'
import type { CliRun } from './run-cli.ts'
import { systemClock } from '../../src/model/clock.ts'
import { openSqliteStores } from '../../src/stores/sqlite/open.ts'
import { actionOf } from '../conformance/artifact-fixtures.ts'
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

describe('stave namespace and stave db on a data directory without a server', () => {
  let dataDir: string
  const cli = (...args: string[]): Promise<CliRun> => runCli([...args, '--data-dir', dataDir])

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'stave-namespace-'))
    await cli('user', 'create', 'alice', '-u', KEY)
    await cli('user', 'create', 'bobby', '-ns', 'team')
    await cli('limits', 'set', 'team', '--firesPerMinute', '7')
    const stores = await openSqliteStores({ dataDir, clock: systemClock, openNow: ['artifacts'] })
    for (const path of ['team/one', 'team/two', 'alice/three']) {
      await stores.artifacts.putEntity(actionOf(path, path), path, undefined)
    }
    await stores.close()
  })
  after(() => rmSync(dataDir, { recursive: true }))

  test('8: all namespaces, and one of them: who has keys, what it holds, its limits, no secret', async () => {
    assert.equal((await cli('namespace', 'all')).out, 'NAMESPACE  USERS\nalice      alice\nteam       bobby\n')
    const { out } = await cli('namespace', 'inspect', 'team')
    const lines =
      /^namespace: team\nuser: bobby [0-9a-f-]{36}\nactions: 2\npackages: 0\ntriggers: 0\nrules: 0\nfiresPerMinute = 7\n$/
    assert.match(out, lines)
    const json = JSON.parse((await cli('namespace', 'inspect', 'alice', '--json')).out) as Record<string, unknown>
    assert.deepEqual(json['subjects'], [{ subject: 'alice', blocked: false, uuid: UUID }])
    assert.deepEqual(await cli('namespace', 'inspect', 'nobody'), {
      code: 1,
      out: '',
      err: 'error: There is no namespace "nobody"\n',
    })
  })

  test('11.2: db get prints what is in a database; the keys only with the documents', async () => {
    const ids = ({ out }: CliRun): readonly string[] =>
      (JSON.parse(out) as { rows: { id: string }[] }).rows.map(({ id }) => id)
    const subjects = await cli('db', 'get', 'subjects')
    assert.deepEqual(ids(subjects), ['alice', 'bobby', 'team/limits'])
    assert.ok(!subjects.out.includes('kkkk'))
    const documents = JSON.parse((await cli('db', 'get', 'subjects', '--docs')).out) as {
      readonly total_rows: number
      readonly rows: readonly { readonly doc: unknown }[]
    }
    assert.equal(documents.total_rows, 3)
    assert.deepEqual(documents.rows[0]?.doc, {
      _id: 'alice',
      subject: 'alice',
      namespaces: [{ name: 'alice', uuid: UUID, key: 'k'.repeat(64) }],
    })
    assert.deepEqual(documents.rows[2]?.doc, { _id: 'team/limits', firesPerMinute: 7 })
    assert.deepEqual(ids(await cli('db', 'get', 'whisks')), ['team/one', 'team/two', 'alice/three'])
    const unknown = await cli('db', 'get', 'activations')
    assert.equal(unknown.code, 2)
    assert.match(unknown.err, /Allowed choices are subjects, whisks/)
  })

  test('8: a namespace is deleted with what it holds only by force', async () => {
    const kept = await cli('namespace', 'delete', 'team')
    assert.deepEqual(kept, {
      code: 1,
      out: '',
      err: 'error: Namespace "team" holds 2 entities: delete it with force\n',
    })
    assert.deepEqual(JSON.parse((await cli('namespace', 'delete', 'team', '--force', '--json')).out), {
      deleted: true,
      subjects: 1,
      entities: 2,
    })
    assert.equal((await cli('user', 'get', 'bobby', '-ns', 'team')).code, 1)
    assert.equal((await cli('limits', 'get', 'team')).out, 'No limits found, default system limits apply\n')
    assert.equal((await cli('namespace', 'delete', 'team')).code, 1)
    assert.deepEqual((await cli('namespace', 'all')).out, 'NAMESPACE  USERS\nalice      alice\n')
  })

  test('11.2: rotate can keep the uuid', async () => {
    const { out } = await cli('user', 'rotate', 'alice', '--keep-uuid')
    assert.match(out, new RegExp(`^${UUID}:[A-Za-z0-9]{64}\\n$`))
    assert.notEqual(out, `${KEY}\n`)
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

  server.on('GET /admin/namespaces', { status: 200, body: [{ namespace: 'alice', subjects: ['alice'] }] })
  assert.equal((await cli('namespace', 'all')).out, 'NAMESPACE  USERS\nalice      alice\n')
  server.on('DELETE /admin/namespaces/team?force=true', {
    status: 200,
    body: { deleted: true, subjects: 1, entities: 0 },
  })
  assert.equal((await cli('namespace', 'delete', 'team', '-f')).out, 'Namespace deleted\n')
  server.on('DELETE /admin/namespaces/team?force=false', { status: 409, body: { error: 'No.', code: 'T' } })
  assert.deepEqual(await cli('namespace', 'delete', 'team'), { code: 1, out: '', err: 'error: No.\n' })
  server.on('POST /admin/users/alice/rotate', { status: 200, body: answer })
  assert.equal((await cli('user', 'rotate', 'alice', '--keep-uuid')).out, `${KEY}\n`)
  assert.deepEqual(JSON.parse(server.requests.at(-1)?.body ?? ''), { keepUuid: true })
  const page = (path: string, next?: string): object => ({
    entities: [{ type: 'action', path, version: '0.0.1' }],
    next,
  })
  server.on('GET /admin/entities?limit=1000', { status: 200, body: page('alice/a', 'a b') })
  server.on('GET /admin/entities?limit=1000&after=a+b', { status: 200, body: page('alice/b') })
  const dumped = JSON.parse((await cli('db', 'get', 'whisks')).out) as { readonly rows: readonly unknown[] }
  assert.deepEqual(dumped.rows, [
    { id: 'alice/a', key: 'alice/a', value: { type: 'action', version: '0.0.1' } },
    { id: 'alice/b', key: 'alice/b', value: { type: 'action', version: '0.0.1' } },
  ])
})
