import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { ApiSession } from './api-session.ts'
import { NOT_FOUND, startApiSession, TID } from './api-session.ts'

const PACKAGE = {
  namespace: 'guest',
  name: 'tools',
  binding: {},
  parameters: [{ key: 'place', value: 'here' }],
  annotations: [{ key: 'description', value: 'Things that help' }],
  version: '0.0.1',
  publish: false,
  updated: 1700000000000,
}

describe('stave package', () => {
  let session: ApiSession
  beforeEach(async () => {
    session = await startApiSession()
  })
  afterEach(() => session.api.close())

  test('6.2: create and update send what was given, and print one line', async () => {
    session.api.on('PUT /_/packages/tools*', { status: 200, body: PACKAGE })
    const args = ['tools', '-p', 'n', '5', '-a', 'description', 'Things', '--shared', 'yes']
    assert.deepEqual(await session.cli('package', 'create', ...args), {
      code: 0,
      out: 'ok: created package tools\n',
      err: '',
    })
    assert.deepEqual(session.sent('PUT /_/packages/tools?overwrite=false'), {
      namespace: '_',
      name: 'tools',
      parameters: [{ key: 'n', value: 5 }],
      annotations: [{ key: 'description', value: 'Things' }],
      publish: true,
    })
    assert.equal((await session.cli('package', 'update', 'tools')).out, 'ok: updated package tools\n')
    assert.deepEqual(session.sent('PUT /_/packages/tools?overwrite=true'), { namespace: '_', name: 'tools' })
    await session.cli('package', 'update', 'tools', '--shared', 'no')
    assert.deepEqual(session.sent('PUT /_/packages/tools?overwrite=true'), {
      namespace: '_',
      name: 'tools',
      publish: false,
    })
  })

  test('6.2: a package is named with its namespace; what lies in a package is none', async () => {
    session.api.on('PUT /other/packages/tools?overwrite=false', { status: 200, body: PACKAGE })
    assert.equal((await session.cli('package', 'create', '/other/tools')).out, 'ok: created package tools\n')
    for (const args of [
      ['create', 'a/b'],
      ['create', 'tools', '--shared', 'maybe'],
      ['bind', '/x/y/z', 'b'],
      ['get', ''],
      ['list', 'tools'],
    ]) {
      const run = await session.cli('package', ...args)
      assert.equal(run.code, 2, args.join(' '))
      assert.match(run.err, /^error: .*\nRun 'stave --help' for usage\.\n$/, args.join(' '))
    }
    assert.equal(session.api.requests.length, 1)
  })

  test('6.2: refusals are told in the words of wsk, with its exit codes', async () => {
    const exists = { status: 409, body: { code: TID, error: 'resource already exists' } }
    session.api.on('PUT /_/packages/tools*', exists)
    for (const [args, message] of [
      [['create', 'tools'], "Unable to create package 'tools'"],
      [['update', 'tools'], 'Package update failed'],
      [['bind', '/whisk.system/utils', 'tools'], 'Binding creation failed'],
    ] as const) {
      const err = `error: ${message}: resource already exists (code ${TID})\n`
      assert.deepEqual(await session.cli('package', ...args), { code: 153, out: '', err })
    }
  })

  test('6.2: bind makes a binding of another package, with parameters of its own', async () => {
    session.api.on('PUT /_/packages/mine*', { status: 200, body: PACKAGE })
    const run = await session.cli('package', 'bind', '/whisk.system/utils', 'mine', '-p', 'a', '1')
    assert.deepEqual(run, { code: 0, out: 'ok: created binding mine\n', err: '' })
    assert.deepEqual(session.sent('PUT /_/packages/mine?overwrite=false'), {
      namespace: '_',
      name: 'mine',
      parameters: [{ key: 'a', value: 1 }],
      binding: { namespace: 'whisk.system', name: 'utils' },
    })
    assert.equal((await session.cli('package', 'bind', 'tools', 'mine', '--overwrite')).code, 0)
    const again = session.sent('PUT /_/packages/mine?overwrite=true')
    assert.deepEqual(again, { namespace: '_', name: 'mine', binding: { namespace: '_', name: 'tools' } })
  })

  test('6.3: get prints the package, a field of it, or what is in it', async () => {
    const contents = {
      ...PACKAGE,
      actions: [
        {
          name: 'hello',
          version: '0.0.1',
          annotations: [{ key: 'parameters', value: [{ name: 'b' }, { name: 'a' }] }],
        },
        { name: 'plain', version: '0.0.1', annotations: [] },
      ],
      feeds: [{ name: 'ticks', version: '0.0.1', annotations: [{ key: 'description', value: 'Ticks' }] }],
    }
    session.api.on('GET /_/packages/tools', { status: 200, body: contents })
    const whole = await session.cli('package', 'get', 'tools')
    assert.equal(whole.out, `ok: got package tools\n${JSON.stringify(contents, null, 4)}\n`)
    const field = await session.cli('package', 'get', 'tools', 'publish')
    assert.equal(field.out, 'ok: got package tools, displaying field publish\nfalse\n')
    const wrong = await session.cli('package', 'get', 'tools', 'nothing')
    assert.equal(wrong.code, 1)
    assert.match(wrong.err, /^error: Invalid field filter 'nothing'\. A package has: namespace, /)
    const summary = await session.cli('package', 'get', 'tools', '--summary')
    assert.equal(
      summary.out,
      'package /guest/tools: Things that help\n   (parameters: *place)\n' +
        ' action /guest/tools/hello: Returns a result based on parameters a and b\n   (parameters: a, b)\n' +
        ' action /guest/tools/plain\n   (parameters: none defined)\n' +
        ' feed   /guest/tools/ticks: Ticks\n   (parameters: none defined)\n',
    )
    assert.deepEqual(JSON.parse((await session.cli('package', 'get', 'tools', '--json')).out), contents)
    session.api.on('GET /_/packages/tools', NOT_FOUND)
    const missing = await session.cli('package', 'get', 'tools')
    const err = `error: Unable to get package 'tools': The requested resource does not exist. (code ${TID})\n`
    assert.deepEqual(missing, { code: 148, out: '', err })
  })

  test('6.4: list prints names and visibility, of other namespaces too', async () => {
    const items = [
      { ...PACKAGE, name: 'b', binding: false },
      { ...PACKAGE, name: 'a', publish: true, binding: { namespace: 'whisk.system', name: 'utils' } },
    ]
    session.api.on('GET /_/packages?skip=0&limit=30', { status: 200, body: items })
    const rows = [`${'/guest/b'.padEnd(70)} private\n`, `${'/guest/a'.padEnd(70)} shared\n`]
    assert.equal((await session.cli('package', 'list')).out, `packages\n${rows.join('')}`)
    assert.equal((await session.cli('package', 'list', '-n')).out, `packages\n${rows.toReversed().join('')}`)
    session.api.on('GET /whisk.system/packages?skip=1&limit=0', { status: 200, body: [] })
    assert.equal((await session.cli('package', 'list', '/whisk.system', '-s', '1', '-l', '0')).out, 'packages\n')
    session.api.on('GET /_/packages?skip=0&limit=30', { status: 401, body: { code: TID, error: 'No.' } })
    const refused = await session.cli('package', 'list')
    assert.equal(refused.code, 145)
    assert.match(refused.err, /^error: Unable to obtain the list of packages for namespace '_': No\. \(code /)
  })

  test('6.5: delete takes what is in the package only where it is asked to', async () => {
    session.api.on('DELETE /_/packages/tools', {
      status: 409,
      body: {
        code: TID,
        error: 'Package not empty (contains 2 entities). Set force param or delete package contents.',
      },
    })
    const refused = await session.cli('package', 'delete', 'tools')
    assert.equal(refused.code, 153)
    assert.match(refused.err, /^error: Unable to delete package 'tools': Package not empty \(contains 2 entities\)\./)
    session.api.on('DELETE /_/packages/tools?force=true', { status: 200, body: PACKAGE })
    const deleted = await session.cli('package', 'delete', 'tools', '--recursive')
    assert.deepEqual(deleted, { code: 0, out: 'ok: deleted package tools\n', err: '' })
  })

  test('15.1: refresh says that servers of today do not offer it', async () => {
    for (const [status, exitCode] of [
      [404, 148],
      [405, 149],
      [501, 245],
    ] as const) {
      session.api.on('POST /_/packages/refresh', { status, body: { code: TID, error: 'No.' } })
      const run = await session.cli('package', 'refresh')
      const err = 'error: The package refresh feature is not implemented in the target deployment\n'
      assert.deepEqual(run, { code: exitCode, out: '', err })
    }
    session.api.on('POST /ns/packages/refresh', { status: 200, body: { added: ['a'], updated: [], deleted: ['b'] } })
    const done = await session.cli('package', 'refresh', '/ns')
    const out = "'ns' refreshed successfully\ncreated bindings:\na\nupdated bindings:\ndeleted bindings:\nb\n"
    assert.deepEqual(done, { code: 0, out, err: '' })
  })
})
