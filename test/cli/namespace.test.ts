import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { ApiSession } from './api-session.ts'
import { startApiSession, TID } from './api-session.ts'

const item = (name: string, rest: object = {}): object => ({
  namespace: 'guest',
  name,
  version: '0.0.1',
  publish: false,
  annotations: [],
  updated: 1700000000000,
  ...rest,
})
const row = (path: string, rest: string): string => `${path.padEnd(70)} ${rest}\n`

describe('stave namespace and stave list', () => {
  let session: ApiSession
  beforeEach(async () => {
    session = await startApiSession()
    const lists = {
      packages: [item('tools', { publish: true })],
      actions: [
        item('b', { annotations: [{ key: 'exec', value: 'nodejs:24' }] }),
        item('a', { namespace: 'guest/tools' }),
      ],
      triggers: [item('arrived')],
      rules: [item('greet')],
    }
    for (const [collection, body] of Object.entries(lists)) {
      session.api.on(`GET /_/${collection}?skip=0&limit=0`, { status: 200, body })
      session.api.on(`GET /ns/${collection}?skip=0&limit=0`, { status: 200, body: [] })
    }
    session.api.on('GET /_/rules/greet', { status: 200, body: item('greet', { status: 'inactive' }) })
  })
  afterEach(() => session.api.close())

  test('3.1: namespace list prints the namespaces of the credentials', async () => {
    session.api.on('GET ', { status: 200, body: ['guest'] })
    assert.deepEqual(await session.cli('namespace', 'list'), { code: 0, out: 'namespaces\nguest\n', err: '' })
    assert.deepEqual(JSON.parse((await session.cli('namespace', 'list', '--json')).out), ['guest'])
    session.api.on('GET ', { status: 401, body: { code: TID, error: 'The supplied authentication is invalid' } })
    const refused = await session.cli('namespace', 'list')
    assert.equal(refused.code, 145)
    assert.match(
      refused.err,
      /^error: Unable to obtain the list of available namespaces: The supplied authentication is /,
    )
  })

  test('15.1: namespace get and list print the four lists', async () => {
    const actions = [row('/guest/b', 'private nodejs:24'), row('/guest/tools/a', 'private')]
    const expected = (rows: readonly string[]): string =>
      `Entities in namespace: _\npackages\n${row('/guest/tools', 'shared')}actions\n${rows.join('')}` +
      `triggers\n${row('/guest/arrived', 'private')}rules\n${row('/guest/greet', `${'private'.padEnd(20)} inactive`)}`
    for (const command of [['namespace', 'get'], ['list'], ['list', '/_'], ['list', '--name-sort']]) {
      const run = await session.cli(...command)
      assert.deepEqual(run, { code: 0, out: expected(actions), err: '' }, command.join(' '))
    }
    const other = await session.cli('list', '/ns')
    assert.equal(other.out, 'Entities in namespace: ns\npackages\nactions\ntriggers\nrules\n')
    const json = JSON.parse((await session.cli('list', '--json')).out) as Record<string, readonly unknown[]>
    assert.deepEqual(Object.keys(json), ['packages', 'actions', 'triggers', 'rules'])
    assert.deepEqual(json['rules'], [item('greet', { status: 'inactive' })])
  })

  test('15.1: a list that fails ends the command; a name in place of a namespace is a usage error', async () => {
    session.api.on('GET /_/triggers?skip=0&limit=0', { status: 403, body: { code: TID, error: 'No.' } })
    const refused = await session.cli('list')
    const err = `error: Unable to obtain the list of entities for namespace '_': No. (code ${TID})\n`
    assert.deepEqual(refused, { code: 147, out: '', err })
    const wrong = await session.cli('list', 'guest')
    assert.equal(wrong.code, 2)
    assert.match(wrong.err, /An entity name, 'guest', was provided instead of a namespace\./)
  })
})
