import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findApi, findResolvers, withHost } from './network-addresses.ts'

test('resolvers on loopback are replaced by those that they ask', () => {
  const directory = mkdtempSync(join(tmpdir(), 'stave-resolv-'))
  const stub = join(directory, 'stub')
  const real = join(directory, 'real')
  writeFileSync(stub, 'nameserver 127.0.0.53\noptions edns0\nsearch lan\n')
  writeFileSync(real, '# by hand\nnameserver 192.0.2.53\nnameserver fe80::1\nsearch lan\n')
  assert.deepEqual(findResolvers([join(directory, 'none'), stub, real]), {
    addresses: ['192.0.2.53'],
    file: 'nameserver 192.0.2.53\nsearch lan\n',
  })
  assert.deepEqual(findResolvers([stub]).addresses, [])
  rmSync(directory, { recursive: true })
})

test('the API on loopback has no address that others reach', async () => {
  for (const url of ['http://localhost:3233', 'http://127.0.0.1:3233', 'http://[::1]:3233', 'http://0.0.0.0:3233']) {
    const api = await findApi(url)
    assert.deepEqual([api.port, api.addresses], [3233, []])
  }
  assert.equal(withHost((await findApi('http://localhost:3233')).url, '10.130.0.1'), 'http://10.130.0.1:3233')
})

test('an API with an address is let through there', async () => {
  assert.deepEqual((await findApi('https://192.168.1.5')).addresses, ['192.168.1.5'])
  assert.equal((await findApi('https://192.168.1.5')).port, 443)
  assert.equal((await findApi('http://192.168.1.5')).port, 80)
})
