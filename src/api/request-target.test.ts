import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { withoutDotSegments } from './request-target.ts'

const TARGETS: readonly (readonly [string, string])[] = [
  [
    '/api/v1/namespaces/guest/actions/../../_/actions/pkg/feed?blocking=true',
    '/api/v1/namespaces/_/actions/pkg/feed?blocking=true',
  ],
  ['/a/./b/.', '/a/b/'],
  ['/a/b/..', '/a/'],
  ['/../../etc/passwd', '/etc/passwd'],
  ['/..', '/'],
  ['/a/.hidden/..x/b..', '/a/.hidden/..x/b..'],
  ['/a//b/../c', '/a//c'],
  ['/a?path=/../b', '/a?path=/../b'],
  ['/a/../b?path=/../c', '/b?path=/../c'],
  ['/a/%2e%2e/b', '/a/%2e%2e/b'],
  ['*', '*'],
]

test('RFC 3986, 5.2.4: dots in a path are resolved, and lead nowhere above the root', () => {
  for (const [target, expected] of TARGETS) assert.equal(withoutDotSegments(target), expected, target)
})

test('property: what is meant is what a URL of the same path means, and it is not changed a second time', () => {
  const segment = fc.constantFrom('.', '..', 'a', 'b.c', '.d', '...')
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 8 }), fc.boolean(), (segments, slash) => {
      const path = `/${segments.join('/')}${slash && segments.length > 0 ? '/' : ''}`
      const resolved = withoutDotSegments(path)
      assert.equal(resolved, new URL(path, 'http://h').pathname)
      assert.equal(withoutDotSegments(resolved), resolved)
    }),
  )
})
