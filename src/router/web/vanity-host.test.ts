import assert from 'node:assert/strict'
import { test } from 'node:test'
import { vanityTarget } from './vanity-host.ts'

const rows: readonly [host: string | undefined, url: string, expected: string][] = [
  ['guest.example.org', '/x/y', '/api/v1/web/guest/x/y'],
  ['guest.example.org:8080', '/x/y.json?a=1', '/api/v1/web/guest/x/y.json?a=1'],
  ['Guest.EXAMPLE.org', '/x/y', '/api/v1/web/Guest/x/y'],
  ['guest.example.org', '/', '/api/v1/web/guest/public/index.html'],
  ['guest.example.org', '/?a=1', '/api/v1/web/guest/public/index.html?a=1'],
  ['guest.example.org', '//x', '/api/v1/web/guest//x'],
  ['guest.example.org', '/api/v1/namespaces', '/api/v1/namespaces'],
  ['guest.example.org', '/api/v1', '/api/v1'],
  ['guest.example.org', '/api/v10', '/api/v1/web/guest/api/v10'],
  ['guest.example.org', '/api', '/api/v1/web/guest/api'],
  ['guest.example.org', '*', '*'],
  ['example.org', '/x/y', '/x/y'],
  ['.example.org', '/x/y', '/x/y'],
  ['a.b.example.org', '/x/y', '/x/y'],
  ['a_b.example.org', '/x/y', '/x/y'],
  ['guestexample.org', '/x/y', '/x/y'],
  ['guest.example.org.evil.net', '/x/y', '/x/y'],
  ['127.0.0.1:3233', '/x/y', '/x/y'],
  [undefined, '/x/y', '/x/y'],
]

for (const [host, url, expected] of rows) {
  test(`5.11: ${host ?? 'no host'} ${url}`, () => assert.equal(vanityTarget('example.org', host, url), expected))
}
