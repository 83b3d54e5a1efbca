/** Compositions made, deployed and run as users of OpenWhisk's composer do it: its combinators, its client and its commands, unedited. */

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import composer from 'openwhisk-composer'
import type { Task } from 'openwhisk-composer'
import openwhisk from 'openwhisk-composer/client.js'
import { runCommand } from './executable.ts'
import type { Body, TestServer } from './server.ts'
import { GUEST, dispose, startServer } from './server.ts'

const command = (name: 'compose' | 'deploy'): string =>
  fileURLToPath(new URL(`bin/${name}.js`, import.meta.resolve('openwhisk-composer')))

/** Not by its name, which is that of a promise's method, too. */
const { finally: always } = composer

/** Functions are text: what they read of `let` is no variable of this file. */
const js = (code: string): Task => composer.function(code)

/** The actions of the composer's own tests. */
const ACTIONS = {
  echo: 'const main = x => x',
  DivideByTwo: 'function main({ n }) { return { n: n / 2 } }',
  TripleAndIncrement: 'function main({ n }) { return { n: n * 3 + 1 } }',
  isNotOne: 'function main({ n }) { return { value: n != 1 } }',
  isEven: 'function main({ n }) { return { value: n % 2 == 0 } }',
}

interface Case {
  readonly what: string
  readonly task: () => Task
  readonly args?: object
  readonly result: unknown
}

const collatz = (): Task => composer.while('isNotOne', composer.if('isEven', 'DivideByTwo', 'TripleAndIncrement'))
const failing = (): Task => js('() => ({ error: "foo", more: 1 })')
/** Fails until it was tried as often as `n` says. */
const flaky = (): Task => js('({ n }) => (++tries < n ? { error: tries } : { tries })')

const CASES: readonly Case[] = [
  { what: 'an action', task: () => 'echo', args: { foo: 1 }, result: { foo: 1 } },
  { what: 'an action in full', task: () => '/_/DivideByTwo', args: { n: 4 }, result: { n: 2 } },
  { what: 'an action of a package', task: () => '/whisk.system/utils/echo', args: { n: 4 }, result: { n: 4 } },
  { what: 'nothing', task: () => composer.empty(), args: { n: 1 }, result: { n: 1 } },
  { what: 'a literal', task: () => composer.literal({ n: 42 }), result: { n: 42 } },
  { what: 'a literal that is no object', task: () => composer.literal(42), result: { value: 42 } },
  { what: 'a function', task: () => js('({ n }) => n % 2 == 0'), args: { n: 4 }, result: { value: true } },
  { what: 'a function without result', task: () => js('() => {}'), args: { n: 4 }, result: { n: 4 } },
  {
    what: 'a function that waits',
    task: () => js('({ n }) => Promise.resolve({ n: n + 1 })'),
    args: { n: 4 },
    result: { n: 5 },
  },
  {
    what: 'a function that requires',
    task: () => js('() => require("path").join("a", "b")'),
    result: { value: 'a/b' },
  },
  {
    what: 'sequence',
    task: () => composer.sequence('TripleAndIncrement', 'DivideByTwo', 'DivideByTwo'),
    args: { n: 5 },
    result: { n: 4 },
  },
  {
    what: 'if: true',
    task: () => composer.if('isEven', 'DivideByTwo', 'TripleAndIncrement'),
    args: { n: 4 },
    result: { n: 2 },
  },
  {
    what: 'if: false',
    task: () => composer.if('isEven', 'DivideByTwo', 'TripleAndIncrement'),
    args: { n: 3 },
    result: { n: 10 },
  },
  { what: 'if without else', task: () => composer.if('isEven', 'DivideByTwo'), args: { n: 3 }, result: { n: 3 } },
  {
    what: 'if_nosave',
    task: () => composer.if_nosave('isEven', js('p => ({ seen: p })')),
    args: { n: 2 },
    result: { seen: { value: true } },
  },
  {
    what: 'while',
    task: () => composer.while('isNotOne', js('({ n }) => ({ n: n - 1 })')),
    args: { n: 4 },
    result: { n: 1 },
  },
  {
    what: 'while_nosave',
    task: () => composer.while_nosave(js('({ n }) => ({ n, value: n != 1 })'), js('({ n }) => ({ n: n - 1 })')),
    args: { n: 4 },
    result: { value: false, n: 1 },
  },
  {
    what: 'dowhile',
    task: () => composer.dowhile(js('({ n }) => ({ n: n - 1 })'), 'isNotOne'),
    args: { n: 4 },
    result: { n: 1 },
  },
  { what: 'loops of branches of actions', task: collatz, args: { n: 6 }, result: { n: 1 } },
  {
    what: 'try',
    task: () => composer.try(failing(), js('({ error }) => ({ caught: error })')),
    result: { caught: 'foo' },
  },
  { what: 'try without an error', task: () => composer.try('echo', failing()), args: { n: 1 }, result: { n: 1 } },
  {
    what: 'try an action that fails',
    task: () => composer.try(composer.sequence('/_/broken', 'echo'), js('({ error }) => ({ caught: error })')),
    result: { caught: 'broken' },
  },
  {
    what: 'try an action that is not there',
    task: () => composer.try('nowhere', js('({ error }) => ({ caught: error })')),
    result: { caught: "Failed to resolve action with name 'guest/nowhere' during composition." },
  },
  {
    what: 'finally, after an error',
    task: () => always(failing(), js('p => ({ done: p })')),
    result: { done: { error: 'foo' } },
  },
  {
    what: 'finally',
    task: () => always('DivideByTwo', js('p => ({ done: p })')),
    args: { n: 2 },
    result: { done: { n: 1 } },
  },
  {
    what: 'let and mask',
    task: () =>
      composer.let(
        { n: 1 },
        composer.let({ n: 2 }, composer.mask(js('() => ({ outer: n })')), js('({ outer }) => ({ outer, inner: n })')),
      ),
    result: { outer: 1, inner: 2 },
  },
  {
    what: 'let across actions',
    task: () => composer.let({ x: 0 }, js('({ n }) => { x = n }'), 'DivideByTwo', js('({ n }) => ({ n, x })')),
    args: { n: 8 },
    result: { n: 4, x: 8 },
  },
  {
    what: 'retain',
    task: () => composer.retain('DivideByTwo'),
    args: { n: 8 },
    result: { params: { n: 8 }, result: { n: 4 } },
  },
  {
    what: 'retain_catch',
    task: () => composer.retain_catch(failing()),
    args: { n: 8 },
    result: { params: { n: 8 }, result: { error: 'foo' } },
  },
  { what: 'merge', task: () => composer.merge(js('() => ({ m: 1 })')), args: { n: 8 }, result: { n: 8, m: 1 } },
  { what: 'repeat', task: () => composer.repeat(3, 'DivideByTwo'), args: { n: 8 }, result: { n: 1 } },
  {
    what: 'retry',
    task: () => composer.let({ tries: 0 }, composer.retry(5, flaky())),
    args: { n: 3 },
    result: { tries: 3 },
  },
  {
    what: 'dynamic',
    task: () =>
      composer.sequence(js('({ n }) => ({ type: "action", name: "DivideByTwo", params: { n } })'), composer.dynamic()),
    args: { n: 8 },
    result: { n: 4 },
  },
  {
    what: 'actions that come with it, a sequence among them',
    task: () =>
      composer.sequence(
        composer.action('six', { action: 'const main = () => ({ n: 6 })' }),
        composer.action('halves', { sequence: ['/_/DivideByTwo', '/_/DivideByTwo'] }),
      ),
    result: { n: 1.5 },
  },
]

const FAILURES: readonly (Pick<Case, 'what' | 'task'> & { readonly error: unknown })[] = [
  { what: 'a function', task: failing, error: 'foo' },
  {
    what: 'a function that throws',
    task: () => js('() => { throw new Error("x") }'),
    error: 'Function combinator threw an exception at AST node root[0] (see log for details)',
  },
  { what: 'an action', task: () => composer.sequence('broken', 'echo'), error: 'broken' },
  { what: 'retry that never succeeds', task: () => composer.retry(2, failing()), error: 'foo' },
]

describe('5: the composer', () => {
  let server: TestServer
  let client: ReturnType<typeof openwhisk>
  const run = async (task: Task, args: object): Promise<{ readonly status: number; readonly body: Body }> => {
    const composition = composer.sequence(task).compile()
    await client.compositions.deploy({ ...composition, name: 'composed' }, true)
    return server.invoke('composed', args)
  }

  before(async () => {
    server = await startServer()
    client = openwhisk({ apihost: server.url, api_key: GUEST }, true)
    for (const [name, code] of Object.entries(ACTIONS)) await server.put(name, code)
    await server.put('broken', 'const main = () => ({ error: "broken" })')
  })
  after(async () => {
    await server.stop()
    dispose(server)
  })

  for (const { what, task, args = {}, result } of CASES) {
    test(`5.1: ${what}`, async () => {
      const { status, body } = await run(task(), args)
      assert.equal(status, 200, JSON.stringify(body.response))
      assert.deepEqual(body.response.result, result)
    })
  }

  for (const { what, task, error } of FAILURES) {
    test(`5.1: the error of ${what} is the composition's`, async () => {
      const { status, body } = await run(task(), {})
      assert.equal(status, 502)
      assert.deepEqual(body.response.result, { error })
    })
  }

  test('5.1: async: the rest does not wait for it', async () => {
    const { body } = await run(composer.async('DivideByTwo'), { n: 8 })
    const { activationId, method, sessionId } = body.response.result
    assert.deepEqual([method, sessionId], ['async', body.logs[0]])
    assert.deepEqual((await server.activation(String(activationId))).response.result, { n: 4 })
  })

  test('5.3: parallel without a Redis says so', async () => {
    const composition = composer.parallel('DivideByTwo', 'TripleAndIncrement')
    const { body } = await run(composition, { n: 8 })
    assert.deepEqual(body.response.result, {
      error: 'Parallel combinator requires a properly configured redis instance',
    })
  })

  test('5.3: a composition of dozens of steps, each recorded', async () => {
    const { status, body } = await run(collatz(), { n: 3 })
    assert.equal(status, 200)
    // Seven numbers on the way: eight tests of the end, seven of which branch and change it; before, between and after them the conductor.
    assert.equal(body.logs.length, 2 * (8 + 7 + 7) + 1)
    const first = await server.activation(body.logs[0] ?? '')
    assert.equal(first['cause'], body.activationId)
  })

  test('5.2: the action that it becomes can be read again, and says what it was made of', async () => {
    const compiled = composer.sequence('echo', 'DivideByTwo').compile()
    await client.compositions.deploy({ ...compiled, name: 'kept' }, true)
    const { annotations } = await client.actions.get({ name: 'kept' })
    const conductor: unknown = annotations?.find(({ key }) => key === 'conductor')?.value
    assert.deepEqual(conductor, JSON.parse(JSON.stringify(compiled.ast)))
  })

  test('5.4: compose and deploy on the command line', async () => {
    const source = join(server.dataDir, 'demo.js')
    const compiled = join(server.dataDir, 'demo.json')
    writeFileSync(
      source,
      `const composer = require('openwhisk-composer')
      module.exports = composer.if(
        composer.action('authenticate', { action: ({ password }) => ({ value: password === 'abc123' }) }),
        composer.action('success', { action: () => ({ message: 'success' }) }),
        composer.action('failure', { action: () => ({ message: 'failure' }) }))`,
    )
    const env = { __OW_API_HOST: server.url, __OW_API_KEY: GUEST, NODE_PATH: join(command('compose'), '../../..') }
    const composed = await runCommand([process.execPath, command('compose'), source, '-o', compiled], { env })
    assert.equal(composed.code, 0, composed.err)
    assert.match(readFileSync(compiled, 'utf8'), /"composition"/)
    for (const round of ['new', 'again']) {
      const deployed = await runCommand([process.execPath, command('deploy'), 'demo', compiled, '-w'], { env })
      assert.equal(deployed.code, 0, `${round}: ${deployed.err}`)
      assert.match(deployed.out, /ok: created actions? \/_\/authenticate,\/_\/success,\/_\/failure,\/_\/demo/)
    }
    const refused = await runCommand([process.execPath, command('deploy'), 'demo', compiled], { env })
    // 409, as far as it fits into an exit code.
    assert.equal(refused.code, 409 - 256)
    for (const [password, message] of [
      ['abc123', 'success'],
      ['abc124', 'failure'],
    ] as const) {
      assert.deepEqual((await server.invoke('demo', { password })).body.response.result, { message })
    }
  })
})
