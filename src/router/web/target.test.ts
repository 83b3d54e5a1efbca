import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isLegalName } from '../../model/names.ts'
import { matchWeb } from './target.ts'

const name = fc.stringMatching(/^\w[\w@ .&-]{0,20}$/).filter((text) => isLegalName(text))
const pathTail = fc.webPath()
const query = fc.webQueryParameters()
const extension = fc.constantFrom('http', 'json', 'html', 'svg', 'text')

test('5.1: every legal name with an extension is found again', () => {
  fc.assert(
    fc.property(name, name, name, extension, pathTail, query, (namespace, pkg, action, ext, path, search) => {
      const segments = [namespace, pkg, `${action}.${ext}`].map((segment) => encodeURIComponent(segment))
      assert.deepEqual(matchWeb(`/api/v1/web/${segments.join('/')}${path}?${search}`), {
        namespace,
        package: pkg === 'default' ? undefined : pkg,
        name: action,
        extension: ext,
        path,
        query: search,
      })
    }),
  )
})

test('5.1: whatever is sent is a target or none, and names in it are legal', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('/', '%', '%2F', '%ff', '.', '..', '?', '.json', 'default'),
  )
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const target = matchWeb(`/api/v1/web/${pieces.join('')}`)
      if (target === undefined) return
      assert.ok(isLegalName(target.namespace) && isLegalName(target.name) && isLegalName(target.package ?? 'x'))
      assert.ok(target.path === '' || target.path.startsWith('/'))
    }),
    { numRuns: 1000 },
  )
})

test('5.1: without an extension it is .http, and only the default package is none', () => {
  assert.deepEqual(matchWeb('/api/v1/web/ns/default/a.xml/b?c'), {
    namespace: 'ns',
    package: undefined,
    name: 'a.xml',
    extension: 'http',
    path: '/b',
    query: 'c',
  })
  for (const url of [
    '/api/v1/web',
    '/api/v1/web/',
    '/api/v1/web/ns',
    '/api/v1/web/ns/pkg',
    '/api/v1/web/ns/pkg/',
    '/api/v1/web/ns//a',
    '/api/v1/web//pkg/a',
    '/api/v1/web/ns/pkg/.json',
    '/api/v1/webs/ns/pkg/a',
    '/web/ns/pkg/a',
    '/api/v1/web/ns/pkg/a%zz',
  ]) {
    assert.equal(matchWeb(url), undefined, url)
  }
})
