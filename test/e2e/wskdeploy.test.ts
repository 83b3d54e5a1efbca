/** The requests that wskdeploy makes, in its order, and what it reads of the answers: a project is deployed, deployed again with less in it, and taken down. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isJsonObject } from '../../src/model/json.ts'
import type { Answer, TestServer } from './server.ts'
import { GUEST, dispose, startServer } from './server.ts'

/** What every entity of a project carries: by it, wskdeploy finds what is no part of the project any more. */
interface Managed {
  readonly projectName: string
  readonly projectHash: string
  readonly projectDeps: readonly object[]
  readonly file: string
}

interface Listed {
  readonly name: string
  readonly namespace: string
  readonly annotations: readonly { readonly key: string; readonly value: unknown }[]
}

const HELLO = 'function main({ name }) { return { greeting: "hello " + name } }'
/** Remembers nothing: what it is told is its result. */
const FEED =
  'function main({ lifecycleEvent, triggerName, authKey, ...rest }) { return { lifecycleEvent, triggerName, authKey, rest } }'

const managed = (projectHash: string): Managed => ({
  projectName: 'Greetings',
  projectHash,
  projectDeps: [{ packages: [{ name: 'text' }] }],
  file: 'manifest.yaml',
})
const annotated = (hash: string, ...more: readonly { key: string; value: unknown }[]): object => ({
  annotations: [{ key: 'whisk-managed', value: managed(hash) }, ...more],
})

describe('15.2: wskdeploy', () => {
  let server: TestServer
  before(async () => {
    server = await startServer()
  })
  after(async () => {
    await server.stop()
    dispose(server)
  })

  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const answer = await server.call(method, path, body)
    // The Go client takes nothing else for success.
    assert.ok(answer.status >= 200 && answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`)
    return answer
  }
  const put = (path: string, body: object): Promise<Answer> => call('PUT', `${path}?overwrite=true`, body)
  const listed = async (path: string): Promise<readonly Listed[]> =>
    (await call('GET', `${path}?limit=0&skip=0`)).body as unknown as readonly Listed[]
  /** Names of the project's entities with another hash. */
  const outdated = async (path: string, hash: string): Promise<readonly string[]> =>
    (await listed(path))
      .filter(({ annotations }) => {
        const value = annotations.find(({ key }) => key === 'whisk-managed')?.value
        return isJsonObject(value) && value['projectName'] === 'Greetings' && value['projectHash'] !== hash
      })
      .map(({ name }) => name)
  const feed = (lifecycleEvent: string): Promise<Answer> =>
    call('POST', '/actions/greetings/source?blocking=true', {
      lifecycleEvent,
      triggerName: '/guest/ticks',
      authKey: GUEST,
      every: 'minute',
    })

  async function deploy(hash: string): Promise<void> {
    await put('/packages/greetings', { version: '1.0', publish: false, ...annotated(hash) })
    await put('/packages/text', { binding: { namespace: 'whisk.system', name: 'utils' }, ...annotated(hash) })
    const web = [
      { key: 'web-export', value: true },
      { key: 'raw-http', value: false },
      { key: 'final', value: true },
    ]
    const hello = { exec: { kind: 'nodejs:default', code: HELLO }, limits: { timeout: 10_000, memory: 128, logs: 1 } }
    await put('/actions/greetings/hello', { ...hello, ...annotated(hash, ...web) })
    const source = { exec: { kind: 'nodejs:default', code: FEED } }
    await put('/actions/greetings/source', { ...source, ...annotated(hash, { key: 'feed', value: true }) })
    // Images are deployed whether they can be run or not.
    await put('/actions/greetings/image', {
      exec: { kind: 'blackbox', image: 'openwhisk/skeleton' },
      ...annotated(hash),
    })
    const components = ['/_/greetings/hello', '/_/text/echo']
    await put('/actions/greetings/chain', { exec: { kind: 'sequence', components }, ...annotated(hash) })
    await put('/triggers/greet', { parameters: [{ key: 'name', value: 'you' }], ...annotated(hash) })
    await put('/rules/greeting', { trigger: '/_/greet', action: '/_/greetings/chain', ...annotated(hash) })
    assert.equal((await call('POST', '/rules/greeting', { status: 'active' })).text, 'OK')
  }

  test('1.2: runtimes and limits come from the root, in a content type that it knows', async () => {
    const response = await fetch(`${server.url}/`, { headers: { 'content-type': 'application/json' } })
    const type = response.headers.get('content-type') ?? 'none'
    assert.ok('application/json; charset=UTF-8'.includes(type), type)
    const info: unknown = await response.json()
    assert.ok(isJsonObject(info) && isJsonObject(info['runtimes']) && isJsonObject(info['limits']))
    for (const kinds of Object.values(info['runtimes'])) {
      assert.ok(Array.isArray(kinds))
      // Without a default, files of that language could not be deployed without a kind.
      assert.equal(kinds.filter((kind) => isJsonObject(kind) && kind['default'] === true).length, 1)
      for (const kind of kinds) {
        assert.ok(isJsonObject(kind))
        assert.deepEqual(
          [typeof kind['kind'], typeof kind['image'], typeof kind['deprecated']],
          ['string', 'string', 'boolean'],
        )
      }
    }
  })

  test('7.3: a project is deployed', async () => {
    await deploy('first')
    // A trigger with a feed: looked for, made, and its feed told.
    assert.equal((await server.call('GET', '/triggers/ticks')).status, 404)
    await put('/triggers/ticks', annotated('first', { key: 'feed', value: '/guest/greetings/source' }))
    assert.deepEqual((await feed('CREATE')).body.response.result, {
      lifecycleEvent: 'CREATE',
      triggerName: '/guest/ticks',
      authKey: GUEST,
      rest: { every: 'minute' },
    })
  })

  test('and works', async () => {
    const { body } = await server.invoke('greetings/chain', { name: 'me' })
    assert.deepEqual(body.response.result, { greeting: 'hello me' })
    const page = await fetch(`${server.url}/api/v1/web/guest/greetings/hello.json?name=web`)
    assert.deepEqual(await page.json(), { greeting: 'hello web' })
    const fired = await call('POST', '/triggers/greet', {})
    assert.equal(fired.status, 202)
    const [line = ''] = (await server.activation(fired.body.activationId)).logs
    const { activationId }: { activationId: string } = JSON.parse(line)
    assert.deepEqual((await server.activation(activationId)).response.result, { greeting: 'hello you' })
  })

  test('7.4: deployed again, what is not in it any more is found by its annotation, word for word, and deleted', async () => {
    await deploy('second')
    const packages = await listed('/packages')
    assert.deepEqual(packages.find(({ name }) => name === 'greetings')?.annotations, [
      { key: 'whisk-managed', value: managed('second') },
    ])
    assert.deepEqual(await outdated('/packages', 'second'), [])
    assert.deepEqual(await outdated('/actions/greetings/', 'second'), [])
    assert.deepEqual(await outdated('/rules', 'second'), [])
    assert.deepEqual(await outdated('/triggers', 'second'), ['ticks'])
    assert.equal((await call('GET', '/triggers/ticks')).body['version'], '0.0.1')
    assert.equal((await feed('DELETE')).body.response.success, true)
    await call('DELETE', '/triggers/ticks')
    assert.equal((await call('GET', '/packages/greetings')).body['version'], '1.0.0')
    assert.equal((await call('GET', '/actions/greetings/chain')).body['version'], '0.0.2')
  })

  test('7.3: taken down: rules, triggers, actions, and packages that are empty then', async () => {
    await call('POST', '/rules/greeting', { status: 'inactive' })
    await call('DELETE', '/rules/greeting')
    await call('DELETE', '/triggers/greet')
    for (const { name } of await listed('/actions/greetings/')) {
      await call('GET', `/actions/greetings/${name}`)
      await call('DELETE', `/actions/greetings/${name}`)
    }
    for (const name of ['greetings', 'text']) {
      await call('GET', `/packages/${name}`)
      await call('DELETE', `/packages/${name}`)
    }
    for (const path of ['/packages', '/actions', '/triggers', '/rules']) assert.deepEqual(await listed(path), [])
  })
})
