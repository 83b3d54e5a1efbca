import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Connection } from './connection.ts'
import { DEFAULT_APIHOST, GUEST_KEY, resolveConnection } from './connection.ts'
import { CliError } from './failure.ts'
import type { GlobalOptions } from './global-options.ts'
import { parseWskprops } from './wskprops.ts'

const resolveWith = (
  flags: GlobalOptions,
  env: Record<string, string> = {},
  files: Record<string, string> = {},
): Connection =>
  resolveConnection(flags, { env, cwd: '/work', homedir: '/home/me' }, (path) => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' })
    return Buffer.from(text)
  })

describe('connection', () => {
  const files = { '/home/me/.wskprops': 'APIHOST=file.example\nAUTH=file:key\nNAMESPACE=team\n' }

  test('flags win over the environment, and that over .wskprops', () => {
    assert.deepEqual(
      [resolveWith({}, {}, files).apihost, resolveWith({}, {}, files).auth, resolveWith({}, {}, files).namespace],
      ['https://file.example', 'file:key', 'team'],
    )
    const env = { WHISK_APIHOST: 'http://env.example:8080/', WHISK_AUTH: 'env:key' }
    assert.equal(resolveWith({}, env, files).apihost, 'http://env.example:8080')
    assert.equal(resolveWith({}, env, files).authOrigin, 'WHISK_AUTH')
    const flags = { apihost: 'http://flag.example', auth: 'flag:key' }
    assert.equal(resolveWith(flags, env, files).apihost, 'http://flag.example')
    assert.equal(resolveWith(flags, env, files).auth, 'flag:key')
  })

  test('WSK_CONFIG_FILE names another file, relative to the working directory', () => {
    const other = { '/work/props': 'AUTH=other:key' }
    assert.equal(resolveWith({}, { WSK_CONFIG_FILE: 'props' }, other).auth, 'other:key')
  })

  test('nothing at all is the standalone server with the key of guest', () => {
    const connection = resolveWith({})
    assert.deepEqual([connection.apihost, connection.auth, connection.namespace], [DEFAULT_APIHOST, GUEST_KEY, '_'])
  })

  test('the well-known key never leaves this machine', () => {
    for (const apihost of ['http://localhost:1', 'http://127.1.2.3', 'http://[::1]:5']) {
      assert.equal(resolveWith({ apihost }).auth, GUEST_KEY)
    }
    for (const apihost of [
      'http://10.0.0.1',
      'https://127.0.0.1.example.com',
      'localhost.example.com',
      'http://0.0.0.0',
    ]) {
      assert.throws(() => resolveWith({ apihost }), /No credentials for .*--auth/)
    }
  })

  test('malformed hosts and credentials are usage errors', () => {
    for (const flags of [{ apihost: 'ftp://x' }, { apihost: 'http://' }, { apihost: 'a b' }, { auth: 'nocolon' }]) {
      assert.throws(
        () => resolveWith(flags),
        (error) => error instanceof CliError && error.exitCode === 2,
      )
    }
  })
})

describe('.wskprops', () => {
  test('comments, blanks, CRLF and values with = are read', () => {
    const properties = parseWskprops(
      '# x\r\n\r\n APIHOST = http://h:1 \r\nauth=a:b=c\nEMPTY=\nnonsense\nAUTH2=1\nAUTH2=2',
    )
    assert.deepEqual(
      [...properties],
      [
        ['APIHOST', 'http://h:1'],
        ['AUTH', 'a:b=c'],
        ['AUTH2', '2'],
      ],
    )
  })

  test('whatever is written is read back', () => {
    const key = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,20}$/)
    const value = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/)
    fc.assert(
      fc.property(fc.dictionary(key, value), (properties) => {
        const text = Object.entries(properties).map(([name, held]) => `${name}=${held}\n`)
        assert.deepEqual(Object.fromEntries(parseWskprops(text.join(''))), { ...properties })
      }),
    )
  })
})
