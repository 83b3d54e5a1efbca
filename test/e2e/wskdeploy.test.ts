/** The real wskdeploy against the whole server: a project is shown, deployed, changed, exported and taken down, and what it deployed works. */

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { goClient } from '../clients/go-clients.ts'
import { runCommand } from './executable.ts'
import type { CommandRun } from './executable.ts'
import type { TestServer } from './server.ts'
import { GUEST, dispose, eventually, startServer } from './server.ts'

const client = goClient('wskdeploy')

const FILES: Readonly<Record<string, string>> = {
  'actions/hello.js': 'function main(a) { return { greeting: `Hello ${a.name} on ${a.place}`, times: a.times } }',
  'actions/up.py': 'def main(args):\n    return {"greeting": args["greeting"].upper()}\n',
  'actions/zipped/package.json': '{"main":"entry.js"}',
  'actions/zipped/entry.js': 'exports.main = () => ({ zipped: require("./lib").value })',
  'actions/zipped/lib.js': 'exports.value = 7',
  'actions/page.js': 'function main(a) { return { body: `<h1>${a.place}</h1>` } }',
  // Its result is what it was told.
  'actions/feed.js':
    'function main({ lifecycleEvent, triggerName, every, authKey }) { return { lifecycleEvent, triggerName, every, keyed: authKey.includes(":") } }',
}

interface Package {
  readonly actions?: Readonly<Record<string, object>>
  readonly [section: string]: unknown
}

/** A project with everything that a manifest can say without a network; `more` is laid over the package. */
function manifest(more: Package = {}): string {
  const actions = {
    hello: {
      function: 'actions/hello.js',
      runtime: 'nodejs:default',
      inputs: { name: '${WHO}', times: 2 },
      annotations: { note: 'from the manifest' },
      limits: { timeout: 30_000, memorySize: 128, logSize: 5 },
    },
    up: { function: 'actions/up.py' },
    zipped: { function: 'actions/zipped', runtime: 'nodejs:default' },
    page: { function: 'actions/page.js', 'web-export': true },
    inline: { code: 'function main() { return { inline: true } }', runtime: 'nodejs:default' },
    source: { function: 'actions/feed.js' },
  }
  const greetings: Package = {
    version: '1.0',
    license: 'Apache-2.0',
    inputs: { place: { type: 'string', value: 'Earth' } },
    sequences: { line: { actions: 'hello, up' } },
    triggers: {
      tick: { inputs: { every: 'minute' } },
      fed: { feed: '/_/greetings/source', inputs: { every: 'hour' } },
    },
    rules: { each: { trigger: 'tick', action: 'hello' } },
    ...more,
    actions: { ...actions, ...more.actions },
  }
  const tools = { dependencies: { utils: { location: '/whisk.system/utils' } } }
  return stringify({ project: { name: 'Greetings', packages: { greetings, tools } } })
}

describe('15.2: wskdeploy', { skip: client.missing }, () => {
  let server: TestServer
  const directory = mkdtempSync(join(tmpdir(), 'stave-wskdeploy-'))
  const write = (name: string, content: string): void => {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), content)
  }

  const run = (...args: readonly string[]): Promise<CommandRun> =>
    runCommand([client.path, '--apihost', server.url, '--auth', GUEST, '--namespace', 'guest', ...args], {
      cwd: directory,
      env: { HOME: directory, WHO: 'World' },
    })
  async function wskdeploy(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await run(...args)
    assert.equal(code, 0, `wskdeploy ${args.join(' ')}: ${out}${err}`)
    return out
  }
  const names = async (path: string): Promise<readonly string[]> => {
    const { body } = await server.call('GET', path)
    return (body as unknown as readonly { readonly name: string }[]).map(({ name }) => name).toSorted()
  }
  const result = async (name: string, args: object = {}): Promise<object> => {
    const { status, text, body } = await server.invoke(name, args)
    assert.equal(status, 200, text)
    return body.response.result
  }

  before(async () => {
    server = await startServer()
    for (const [name, content] of Object.entries(FILES)) write(name, content)
    write('manifest.yaml', manifest())
  })
  after(async () => {
    await server.stop()
    dispose(server)
    rmSync(directory, { recursive: true, force: true })
  })

  test('a preview changes nothing', async () => {
    const shown = await wskdeploy('--preview')
    for (const text of ['* action: hello', '* trigger: tick', '* rule: each', 'location: /whisk.system/utils']) {
      assert.ok(shown.includes(text), text)
    }
    for (const path of ['/packages', '/actions', '/triggers', '/rules']) assert.deepEqual(await names(path), [])
  })

  test('what was deployed is there and works, and may be deployed again', async () => {
    for (const way of [[], ['sync']]) {
      assert.match(await wskdeploy(...way, '-m', 'manifest.yaml'), /^Success: Deployment completed successfully\./m)
    }
    assert.deepEqual(await names('/packages'), ['greetings', 'tools', 'utils'])
    assert.deepEqual(await names('/actions'), ['hello', 'inline', 'line', 'page', 'source', 'up', 'zipped'])
    assert.deepEqual(await names('/triggers'), ['fed', 'tick'])
    assert.deepEqual(await result('greetings/hello'), { greeting: 'Hello World on Earth', times: 2 })
    assert.deepEqual(await result('greetings/up', { greeting: 'hey' }), { greeting: 'HEY' })
    assert.deepEqual(await result('greetings/zipped'), { zipped: 7 })
    assert.deepEqual(await result('greetings/inline'), { inline: true })
    assert.deepEqual(await result('greetings/line'), { greeting: 'HELLO WORLD ON EARTH' })
    assert.deepEqual(await result('utils/echo', { a: 1 }), { a: 1 })
    const page = await fetch(`${server.url}/api/v1/web/guest/greetings/page.html`)
    assert.equal(await page.text(), '<h1>Earth</h1>')
    const { body: hello } = await server.call('GET', '/actions/greetings/hello')
    assert.partialDeepStrictEqual(hello['limits'], { timeout: 30_000, memory: 128, logs: 5 })
    assert.ok(hello.annotations.some(({ key, value }) => key === 'note' && value === 'from the manifest'))
  })

  test('its trigger calls its action by its rule, and its feed was told of its trigger', async () => {
    const calls = async (): Promise<number> => {
      const { text } = await server.call('GET', '/activations?name=greetings/hello&count=true')
      return (JSON.parse(text) as { readonly activations: number }).activations
    }
    const before = await calls()
    assert.equal((await server.call('POST', '/triggers/tick', {})).status, 202)
    await eventually('the rule’s action was called', async () => (await calls()) === before + 1)
    const { body: told } = await server.call('GET', '/activations?name=greetings/source&docs=true')
    const results = (told as unknown as readonly { readonly response: { readonly result: object } }[]).map(
      ({ response }) => response.result,
    )
    assert.ok(results.length > 0)
    assert.partialDeepStrictEqual(results.at(-1), { lifecycleEvent: 'CREATE', every: 'hour', keyed: true })
  })

  test('0.4: what a project exports is what was deployed; it asks for its feeds by paths with dots', async () => {
    const said = await wskdeploy('export', '-m', 'out/exported.yaml', '--projectname', 'Greetings')
    assert.match(said, /^Manifest exported to: out\/exported\.yaml/m)
    assert.deepEqual(readdirSync(join(directory, 'out/greetings')).toSorted(), [
      ...['hello.js', 'inline.js', 'page.js', 'source.js', 'up.py', 'zipped.zip'],
    ])
    assert.equal(readFileSync(join(directory, 'out/greetings/hello.js'), 'utf8'), FILES['actions/hello.js'])
    const exported = readFileSync(join(directory, 'out/exported.yaml'), 'utf8')
    // Of which package it is a dependency, wskdeploy leaves to chance.
    assert.match(exported, /^ +location: \/whisk\.system\/utils$/m)
    assert.partialDeepStrictEqual(parse(exported), {
      packages: {
        greetings: {
          actions: { hello: { inputs: { name: { value: 'World' }, times: { value: 2 } } } },
          rules: { each: { trigger: 'tick', action: 'greetings/hello' } },
          sequences: { line: { actions: 'greetings/hello,greetings/up' } },
        },
      },
    })
    const { body } = await server.call('GET', '/activations?name=greetings/source&limit=1&docs=true')
    const [read] = body as unknown as readonly { readonly response: { readonly result: object } }[]
    assert.partialDeepStrictEqual(read?.response.result, { lifecycleEvent: 'READ' })
  })

  test('what is in the project no more goes with the next sync; what others made stays', async () => {
    await server.put('mine', 'function main() { return {} }')
    write('manifest.yaml', manifest({ rules: {}, sequences: {}, triggers: { tick: {} } }))
    await wskdeploy('sync')
    assert.deepEqual(await names('/rules'), [])
    assert.deepEqual(await names('/triggers'), ['tick'])
    assert.deepEqual(await names('/actions'), ['hello', 'inline', 'mine', 'page', 'source', 'up', 'zipped'])
  })

  test('undeployed, nothing of it is left', async () => {
    assert.match(await wskdeploy('undeploy'), /^Success: Undeployment completed successfully\./m)
    for (const path of ['/packages', '/triggers', '/rules']) assert.deepEqual(await names(path), [])
    assert.deepEqual(await names('/actions'), ['mine'])
  })

  test('what the server refuses is what it says', async () => {
    const bad = { function: 'actions/hello.js', runtime: 'nodejs:default', limits: { memorySize: 99_999 } }
    write('large.yaml', stringify({ packages: { large: { actions: { bad } } } }))
    const { code, out, err } = await run('-m', 'large.yaml')
    assert.notEqual(code, 0)
    assert.match(out + err, /memory size 99999 MB exceeds allowed threshold of 512 MB/)
    assert.equal((await server.call('DELETE', '/packages/large')).status, 200)
  })
})
