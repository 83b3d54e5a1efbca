/** The documents of the API and their page: valid, as checked in, served to everybody, and held to what the server answers (conformance.ts). */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { documentText, DOCUMENTS } from '../../src/management/api-docs/documents.ts'
import { DEFINITIONS } from '../../src/management/api-docs/definitions.ts'
import type { ApiServer } from './api-server.ts'
import { startApiServer } from './api-server.ts'
import { assertConforms, documentedOperations, operationFor } from './conformance.ts'
import type { Response } from './table.ts'
import { exchange } from './table.ts'

const NAMES = ['restSwagger', 'restOpenApi', 'infoSwagger'] as const
const FILES = { restSwagger: 'rest.swagger.json', restOpenApi: 'rest.openapi.json', infoSwagger: 'info.swagger.json' }

describe('documents', () => {
  for (const name of NAMES) {
    test(`1.4: ${name} is valid`, async () => {
      const result = await new Validator().validate(JSON.parse(documentText(name)))
      assert.deepEqual(result, { valid: true })
    })

    test(`docs/openapi/${FILES[name]} is what the sources say; run npm run docs`, () => {
      assert.equal(readFileSync(`docs/openapi/${FILES[name]}`, 'utf8'), documentText(name))
    })
  }

  test('1.4: clients find the fields that they require', () => {
    const basic = ['namespace', 'name', 'version', 'publish']
    for (const [name, more] of Object.entries({
      Action: ['exec', 'limits'],
      Trigger: [],
      Package: [],
      Rule: [],
      Activation: ['subject', 'activationId', 'start', 'response', 'logs'],
    })) {
      const required = DEFINITIONS[name]?.required ?? []
      for (const field of [...basic, ...more]) assert.ok(required.includes(field), `${name}.${field}`)
    }
  })

  test('ids of operations are unique, and every definition is used', () => {
    const ids = documentedOperations().map(({ operation }) => operation.id)
    assert.equal(new Set(ids).size, ids.length)
    const text = JSON.stringify(DOCUMENTS.restOpenApi())
    for (const name of Object.keys(DEFINITIONS)) assert.ok(text.includes(`"#/components/schemas/${name}"`), name)
  })

  test('the check of conformance is one that can fail', () => {
    const answer = { status: 200, contentType: 'application/json', requestId: 'x', text: '["guest"]' }
    const check = (path: string, more: Partial<typeof answer>) => assertConforms('GET', path, { ...answer, ...more })
    check('/api/v1/namespaces', {})
    check('/api/v1/namespaces/', {})
    check('/api/v1/unknown', { status: 299, text: '' })
    assert.throws(() => check('/api/v1/namespaces', { text: '[1]' }), /must be string/)
    assert.throws(() => check('/api/v1/namespaces', { status: 299 }), /not in src/)
    assert.throws(() => check('/api/v1/namespaces', { contentType: 'text/html' }), /text\/html/)
    assert.throws(() => check('/api/v1/namespaces', { requestId: '' }), /X-Request-ID/)
    assert.throws(
      () => check('/api/v1/namespaces/_/actions', { text: '[{"name":"a"}]' }),
      /required property 'namespace'/,
    )
    assert.throws(() => check('/api/v1/namespaces', { status: 401, text: '{"error":"x"}' }), /required property 'code'/)
    assert.equal(
      operationFor('GET', '/api/v1/namespaces/_/actions/P/')?.path,
      '/namespaces/{namespace}/actions/{packageName}/',
    )
    assert.equal(operationFor('DELETE', '/api/v1/namespaces/_/rules/a%20b?x=1')?.operation.id, 'deleteRule')
  })
})

describe('docs', () => {
  let server: ApiServer
  before(async () => {
    server = await startApiServer()
  })
  after(() => server.close())
  const get = (path: string, headers = {}, method = 'GET'): Promise<Response> =>
    exchange(server.port, { path, headers, method }, undefined)

  for (const [path, name] of [
    ['/api-docs', 'infoSwagger'],
    ['/api/v1/api-docs', 'restSwagger'],
    ['/api/v1/openapi.json', 'restOpenApi'],
  ] as const) {
    test(`1.4: GET ${path} needs no credentials and can be asked for conditionally`, async () => {
      const { status, text, headers } = await get(path)
      assert.equal(status, 200)
      assert.equal(text, documentText(name))
      assert.equal(headers['content-type'], 'application/json')
      assert.equal(headers['access-control-allow-origin'], '*')
      const { etag = '', 'last-modified': modified = '' } = headers
      assert.match(etag, /^"[\w-]+"$/)
      for (const [condition, expected] of [
        [{ 'if-none-match': etag }, 304],
        [{ 'if-none-match': `"x", W/${etag}` }, 304],
        [{ 'if-none-match': '*' }, 304],
        [{ 'if-none-match': '"x"' }, 200],
        [{ 'if-none-match': '"x"', 'if-modified-since': modified }, 200],
        [{ 'if-modified-since': modified }, 304],
        [{ 'if-modified-since': 'Mon, 01 Jan 2001 00:00:00 GMT' }, 200],
        [{ 'if-modified-since': 'yesterday' }, 200],
      ] as const) {
        const answer = await get(path, condition)
        assert.equal(answer.status, expected, JSON.stringify(condition))
        assert.equal(answer.text === '', expected === 304)
        assert.equal(answer.headers['etag'], etag)
        assert.ok(answer.headers['x-request-id'] !== undefined)
      }
    })
  }

  test('1.4: /docs leads to the page, relative to where it is', async () => {
    for (const [path, location] of [
      ['/docs', 'docs/index.html?url=/api-docs'],
      ['/api/v1/docs', 'docs/index.html?url=/api/v1/api-docs'],
    ]) {
      const { status, headers } = await get(path ?? '')
      assert.equal(status, 308)
      assert.equal(headers['location'], location)
      const page = await get(new URL(location ?? '', `http://x${path}`).pathname)
      assert.equal(page.status, 200)
      assert.equal(page.headers['content-type'], 'text/html; charset=UTF-8')
      assert.match(
        page.headers['content-security-policy'] ?? '',
        /default-src 'none'; script-src 'self'; style-src 'self'/,
      )
      assert.equal(page.headers['x-content-type-options'], 'nosniff')
      // Nothing in it that its own policy would forbid, nothing from elsewhere, and nothing of the address.
      assert.ok(!/<script(?![^>]*src="page\.js")|style=|\son\w+=|https?:/.test(page.text))
    }
  })

  test('the page’s files are served, others of the host are not', async () => {
    assert.equal((await get('/docs/page.js')).headers['content-type'], 'text/javascript; charset=UTF-8')
    assert.equal((await get('/api/v1/docs/page.css')).headers['content-type'], 'text/css; charset=UTF-8')
    const etag = (await get('/docs/page.js')).headers['etag']
    assert.equal((await get('/docs/page.js', { 'if-none-match': etag })).status, 304)
    for (const path of [
      '/docs/',
      '/docs/../serve-docs.ts',
      '/docs/%2e%2e/serve-docs.ts',
      '/docs/page.js/',
      '/docs/x',
      '/api-docs/',
    ]) {
      assert.equal((await get(path)).status, 404, path)
    }
    const { status, headers } = await get('/api-docs', {}, 'POST')
    assert.deepEqual([status, headers['allow']], [405, 'GET, OPTIONS'])
  })

  test('the page shows the two documents and nothing else that an address names', () => {
    const script = readFileSync('src/management/api-docs/page/page.js', 'utf8')
    assert.deepEqual(
      [...script.matchAll(/url: '([^']+)'/g)].map(([, url]) => url),
      ['/api/v1/api-docs', '/api-docs'],
    )
    assert.match(script, /fetch\(current\.url/)
    assert.ok(!/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/.test(script))
  })
})
