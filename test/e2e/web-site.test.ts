/** A small site of web actions, read as a browser reads it: pages, pictures, data, forms, cookies, another origin. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { request } from 'node:http'
import { delimiter, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { stopClean } from './leftovers.ts'
import type { Answer, TestServer } from './server.ts'
import { startServer } from './server.ts'

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='
const PAGE = `<!doctype html><title>Grüße</title><img src="pixel"><p id="out"></p>
<script type="module">const data = await (await fetch("data.json?name=W%C3%B6rld")).json()
document.querySelector("#out").textContent = data.greeting</script>`

const ACTIONS: Readonly<Record<string, string>> = {
  page: `const main = () => ({ html: ${JSON.stringify(PAGE)} })`,
  logo: `const main = () => ({ svg: '<svg xmlns="http://www.w3.org/2000/svg"><circle r="1"/></svg>' })`,
  data: `const main = ({ name }) => ({ greeting: 'Hello, ' + name + '!', list: [1, { two: 2 }] })`,
  pixel: `const main = () => ({ headers: { 'Content-Type': 'image/png', 'Cache-Control': 'max-age=60' }, body: '${PIXEL}' })`,
  login: `const main = ({ user }) => ({ statusCode: 302, headers: { location: 'me', 'Set-Cookie': ['user=' + encodeURIComponent(user) + '; HttpOnly; Path=/', 'theme=dark'] } })`,
  me: `const main = ({ __ow_headers: { cookie = '' } }) => ({ body: cookie })`,
  upload: `const main = ({ __ow_body, __ow_headers }) => ({ body: { type: __ow_headers['content-type'], bytes: Buffer.from(__ow_body, 'base64').length } })`,
  raw: `const main = ({ __ow_method, __ow_query, __ow_body, __ow_path }) => ({ body: [__ow_method, __ow_path, __ow_query, Buffer.from(__ow_body, 'base64').toString()].join(' ') })`,
  missing: `const main = () => ({ error: { statusCode: 404, headers: { 'X-Why': 'gone' }, body: '<h1>404</h1>' } })`,
  slow: `const main = ({ ms }) => new Promise((resolve) => setTimeout(resolve, Number(ms), { body: 'late' }))`,
}
const WEB = [{ key: 'web-export', value: true }]

describe('a site of web actions', () => {
  let server: TestServer
  let base: string
  before(async () => {
    server = await startServer({
      env: {
        STAVE_HTTP_WEB_DOMAIN: 'stave.test',
        STAVE_LIMITS_BLOCKING_WAIT_MS: '1000',
        STAVE_CONTAINERS_STEM_CELLS: '{"nodejs":2}',
      },
    })
    base = `${server.url}/api/v1/web/guest/site`
    assert.equal((await server.call('PUT', '/packages/site', {})).status, 200)
    for (const [name, code] of Object.entries(ACTIONS)) {
      const annotations = name === 'raw' ? [...WEB, { key: 'raw-http', value: true }] : WEB
      assert.equal((await server.put(`site/${name}`, code, { annotations })).status, 200)
    }
  })
  after(() => stopClean(server))

  const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`${base}/${path}`, init)

  test('5.9: a page, a picture and data have their types', async () => {
    const page = await get('page.html')
    assert.equal(page.headers.get('content-type'), 'text/html; charset=UTF-8')
    assert.equal(await page.text(), PAGE)
    const logo = await get('logo.svg')
    assert.equal(logo.headers.get('content-type'), 'image/svg+xml')
    assert.match(await logo.text(), /^<svg/)
    const data = await get('data.json?name=W%C3%B6rld')
    assert.equal(data.headers.get('content-type'), 'application/json')
    assert.equal(await data.text(), '{\n  "greeting": "Hello, Wörld!",\n  "list": [1, {\n    "two": 2\n  }]\n}')
  })

  test('5.9: bytes arrive as they are', async () => {
    const pixel = await get('pixel')
    assert.deepEqual(
      [pixel.headers.get('content-type'), pixel.headers.get('cache-control')],
      ['image/png', 'max-age=60'],
    )
    assert.deepEqual(Buffer.from(await pixel.arrayBuffer()), Buffer.from(PIXEL, 'base64'))
  })

  test('5.5, 5.9: a form is posted, the answer redirects and sets two cookies', async () => {
    const login = await get('login', {
      method: 'POST',
      body: new URLSearchParams({ user: 'Jörg & Co' }),
      redirect: 'manual',
    })
    assert.equal(login.status, 302)
    assert.deepEqual(login.headers.getSetCookie(), ['user=J%C3%B6rg%20%26%20Co; HttpOnly; Path=/', 'theme=dark'])
    assert.equal(await login.text(), '')
    const location = new URL(login.headers.get('location') ?? '', `${base}/login`)
    const me = await fetch(location, { headers: { cookie: 'user=J%C3%B6rg%20%26%20Co; theme=dark' } })
    assert.equal(await me.text(), 'user=J%C3%B6rg%20%26%20Co; theme=dark')
  })

  test('5.5: a file is uploaded', async () => {
    const form = new FormData()
    form.append('file', new Blob([new Uint8Array(1000).fill(255)]), 'a.bin')
    const { type, bytes } = (await (await get('upload', { method: 'POST', body: form })).json()) as {
      type: string
      bytes: number
    }
    assert.match(type, /^multipart\/form-data; boundary=/)
    assert.ok(bytes > 1000)
  })

  test('5.6: a raw action sees the request as it was sent', async () => {
    const answer = await get('raw/a%20b?x=%20&x=2', {
      method: 'PUT',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json' },
    })
    assert.equal(await answer.text(), 'put /a%20b x=%20&x=2 {"a":1}')
  })

  test('13.2: an error page is one', async () => {
    const missing = await get('missing')
    assert.deepEqual(
      [missing.status, missing.headers.get('x-why'), await missing.text()],
      [404, 'gone', '<h1>404</h1>'],
    )
  })

  test('5.10: another origin asks first, and may', async () => {
    const preflight = await get('data.json', {
      method: 'OPTIONS',
      headers: { origin: 'https://other.example', 'access-control-request-headers': 'x-mine' },
    })
    assert.equal(preflight.status, 200)
    assert.equal(preflight.headers.get('access-control-allow-origin'), '*')
    assert.equal(preflight.headers.get('access-control-allow-headers'), 'x-mine')
    assert.match(preflight.headers.get('access-control-allow-methods') ?? '', /PATCH/)
  })

  test('verified 6: an action that takes longer than callers wait goes on', async () => {
    const late = await get('slow?ms=1500')
    assert.equal(late.status, 202)
    assert.equal(((await late.json()) as { error: string }).error, 'Response not yet ready.')
    const { response } = await server.activation(late.headers.get('x-openwhisk-activation-id') ?? '')
    assert.deepEqual(response.result, { body: 'late' })
  })

  test('5.2: the record is the owner’s, with the package in its path', async () => {
    const { headers } = await get('logo.svg')
    const record = await server.activation(headers.get('x-openwhisk-activation-id') ?? '')
    assert.deepEqual([record['namespace'], record['name']], ['guest', 'logo'])
    assert.deepEqual(record.annotations.find(({ key }) => key === 'path')?.value, 'guest/site/logo')
  })

  test('5.11: a sequence of actions is a page', async () => {
    await server.put('site/upper', 'const main = ({ greeting }) => ({ html: greeting.toUpperCase() })')
    const components = ['data', 'upper'].map((name) => `/_/site/${name}`)
    const put: Answer = await server.call('PUT', '/actions/site/shout', {
      exec: { kind: 'sequence', components },
      annotations: WEB,
    })
    assert.equal(put.status, 200, put.text)
    assert.equal(await (await get('shout.html?name=you')).text(), 'HELLO, YOU!')
    assert.equal((await get('upper.html')).status, 404)
  })

  test('5.11: a host of the namespace’s own', async () => {
    const shown = await askHost(server.url, 'guest.stave.test', '/site/logo.svg')
    assert.deepEqual([shown.status, shown.type], [200, 'image/svg+xml'])
    assert.equal((await askHost(server.url, 'guest.stave.test', '/')).status, 404)
    await server.call('PUT', '/packages/public', {})
    await server.put('public/index', `const main = ({ q = '' }) => ({ html: '<h1>' + q + '</h1>' })`, {
      annotations: WEB,
    })
    assert.equal((await askHost(server.url, 'guest.stave.test', '/?q=home')).text, '<h1>home</h1>')
    assert.equal((await askHost(server.url, 'stave.test', '/site/logo.svg')).status, 405)
    assert.equal((await askHost(server.url, 'guest.stave.test', '/api/v1')).status, 200)
  })

  test(
    'a browser shows the page with what its script fetched',
    { skip: browser() === undefined && 'no Chromium is installed' },
    async () => {
      const args = [
        '--headless=new',
        '--no-sandbox',
        '--disable-gpu',
        '--virtual-time-budget=5000',
        '--dump-dom',
        `${base}/page.html`,
      ]
      const { stdout } = await promisify(execFile)(browser() ?? '', args, { timeout: 40_000 })
      assert.match(stdout, /<p id="out">Hello, Wörld!<\/p>/)
    },
  )
})

/** A request with a `Host` of its own, which `fetch` does not allow. */
function askHost(
  url: string,
  host: string,
  path: string,
): Promise<{ status: number; type: string | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const req = request(`${url}${path}`, { headers: { host }, agent: false }, (res) => {
      let text = ''
      res.setEncoding('utf8')
      res.on('data', (chunk: string) => void (text += chunk))
      res.on('end', () => resolve({ status: res.statusCode ?? 0, type: res.headers['content-type'], text }))
    })
    req.on('error', reject)
    req.end()
  })
}

/** The system's browser, if there is one. */
function browser(): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter)
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
  return directories.flatMap((directory) => names.map((name) => join(directory, name))).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
