/** The launcher's behaviour on source text, on every Node.js of this machine: the contract of the line protocol and OpenWhisk's canonical tests. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Answer } from './drive-launcher.ts'
import { describeOnEveryNode } from './every-node.ts'

const OK: Answer = { status: 200, body: { ok: true } }

function text(code: string, rest: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return { name: 'test', main: 'main', binary: false, code, env: {}, ...rest }
}

function errorOf(answer: Answer): string {
  assert.ok(answer !== 'lost', 'the launcher ended')
  const { body } = answer
  return typeof body === 'object' && body !== null && 'error' in body ? String(body.error) : ''
}

function statusOf(answer: Answer): number | 'lost' {
  return answer === 'lost' ? 'lost' : answer.status
}

describeOnEveryNode('init', (start) => {
  test('S4-2: code that does not parse fails to initialise and says so', async () => {
    for (const code of [
      '10 PRINT "Hello!"',
      'import fs from "fs"; function main() {}',
      'export const main = () => 1',
    ]) {
      const launcher = await start()
      const answer = await launcher.init(text(code))
      assert.equal(statusOf(answer), 502)
      assert.match(errorOf(answer), /^Initialization has failed due to: /)
      const { stdout, stderr } = launcher.printed()
      assert.match((stdout + stderr).toLowerCase(), /error[^]*syntax/)
      assert.match(stderr, /^Error during initialization:/)
      assert.equal(errorOf(await launcher.init(text('main = () => ({})'))), 'System not ready, status is stopped.')
      assert.equal(errorOf(await launcher.run({})), 'System not initialized.')
      await launcher.end()
    }
  })

  test('S4-2: no code, no main or nothing at all leaves it ready for another init', async () => {
    const launcher = await start()
    const refused: Answer = { status: 403, body: { error: 'Missing main/no code to execute.' } }
    assert.deepEqual(await launcher.init(text('')), refused)
    assert.deepEqual(await launcher.init(text('main = () => 1', { main: '' })), refused)
    assert.deepEqual(await launcher.init({ code: 5, main: 'main' }), refused)
    assert.deepEqual(await launcher.init({}), refused)
    assert.deepEqual(await launcher.send('{"value":null}'), refused)
    assert.deepEqual(await launcher.init(text('function main() {}')), OK)
    assert.equal(await launcher.end(), 0)
  })

  test('S4-2: a second init is refused and printed', async () => {
    const launcher = await start()
    assert.deepEqual(await launcher.init(text('main = (args) => args')), OK)
    const message = 'Cannot initialize the action more than once.'
    assert.deepEqual(await launcher.init(text('main = (args) => args')), { status: 403, body: { error: message } })
    assert.ok(launcher.printed().stderr.includes(message))
    assert.deepEqual(await launcher.run({ still: 1 }), { status: 200, body: { still: 1 } })
    await launcher.end()
  })

  test('S4-2: a run before init, and a line that is not JSON', async () => {
    const launcher = await start()
    assert.deepEqual(await launcher.run({}), { status: 403, body: { error: 'System not initialized.' } })
    assert.deepEqual(await launcher.send('{"value":'), { status: 500, body: { error: 'Bad request.' } })
    assert.deepEqual(await launcher.send('[]'), { status: 403, body: { error: 'Missing main/no code to execute.' } })
    assert.deepEqual(await launcher.init(text('main = () => ({})')), OK)
    assert.deepEqual(await launcher.send('5'), { status: 200, body: {} })
    await launcher.end()
  })

  test('S4-2: a missing package and code that throws while it loads', async () => {
    const missing = await start()
    assert.match(errorOf(await missing.init(text('require("no-such-package"); main = () => 1'))), /no-such-package/)
    await missing.end()
    for (const thrown of ['"a text"', 'undefined', 'Object.create(null)', 'new Proxy({}, {get() {throw 1}})']) {
      const launcher = await start()
      const answer = await launcher.init(text(`throw ${thrown}`))
      assert.equal(statusOf(answer), 502)
      assert.match(errorOf(answer), /^Initialization has failed due to: ./)
      await launcher.end()
    }
  })

  test('S4-2: an entry that is no function', async () => {
    const launcher = await start()
    const answer = await launcher.init(text('const main = 5'))
    assert.equal(errorOf(answer), "Initialization has failed due to: Action entrypoint 'main' is not a function.")
    await launcher.end()
  })

  const forms: Readonly<Record<string, string>> = {
    'a function': 'function main(args) { return { got: args.a } }',
    'block-scoped const (composer)': 'const main = ({ a }) => ({ got: a })',
    'block-scoped let and a comment at the end': 'let main = ({ a }) => ({ got: a }) // end',
    exports: 'exports.main = ({ a }) => ({ got: a })',
    'module.exports': 'module.exports.main = ({ a }) => ({ got: a })',
    'a new module.exports': 'module.exports = { main: ({ a }) => ({ got: a }) }',
    'a webpack bundle': '(function(m) { global.main = m[0] })([function ({ a }) { return { got: a } }])',
    'an implicit global': 'factor = 1; main = function (args) { result = args.a * factor; return { got: result } }',
    'names of the wrapper': 'const module = 1, exports = 2, e = 3; function main({ a }) { return { got: a } }',
    'default parameters': 'function main({ a = 0, b = 7 }) { return { got: b === 7 ? a : 0 } }',
    'this is the global object': 'this.main = ({ a }) => ({ got: a })',
    'async and a delay':
      'async function main({ a }) { await new Promise((go) => setTimeout(go, 20)); return { got: a } }',
    'a dynamic import': 'const main = async ({ a }) => ({ got: (await import("path")).sep === "/" ? a : 0 })',
    'strict mode': '"use strict"; function main({ a }) { return { got: this === undefined ? a : 0 } }',
  }
  for (const [name, code] of Object.entries(forms)) {
    test(`S4-2: source text: ${name}`, async () => {
      const launcher = await start()
      assert.deepEqual(await launcher.init(text(code)), OK)
      assert.deepEqual(await launcher.run({ a: 12 }), { status: 200, body: { got: 12 } })
      await launcher.end()
    })
  }

  test('S4-2: an entry of another name, and a nested one', async () => {
    const launcher = await start()
    assert.deepEqual(await launcher.init(text('exports.a = { b: () => ({ nested: true }) }', { main: 'a.b' })), OK)
    assert.deepEqual(await launcher.run({}), { status: 200, body: { nested: true } })
    await launcher.end()
    const other = await start()
    assert.deepEqual(await other.init(text('function niam() { return { niam: 1 } }', { main: 'niam' })), OK)
    assert.deepEqual(await other.run({}), { status: 200, body: { niam: 1 } })
    await other.end()
  })

  test('S4-2: openwhisk can be required and reads its options from the environment', async () => {
    const launcher = await start({ environment: { __OW_API_HOST: 'http://example.test' } })
    const code =
      'const ow = require("openwhisk"); function main() { return { host: ow().actions.client.options.api, seen: process.env.NODE_PATH === undefined } }'
    assert.deepEqual(await launcher.init(text(code, { env: { __OW_API_KEY: 'a:b' } })), OK)
    assert.deepEqual(await launcher.run({}), {
      status: 200,
      body: { host: 'http://example.test/api/v1/', seen: true },
    })
    await launcher.end()
  })

  test('S4-2: large source text', async () => {
    const launcher = await start()
    const filler = `// ${'x'.repeat(1000)}\n`.repeat(3000)
    assert.deepEqual(await launcher.init(text(`${filler}function main(args) { return args }`)), OK)
    assert.deepEqual(await launcher.run({ after: 'é' }), { status: 200, body: { after: 'é' } })
    await launcher.end()
  })
})

describeOnEveryNode('run', (start) => {
  test('S4-2: not a dictionary, value missing: 502, printed, and it stays ready', async () => {
    const launcher = await start()
    assert.deepEqual(await launcher.init(text('function main(args) { return args.x ? {} : "not a json object" }')), OK)
    const refused: Answer = { status: 502, body: { error: 'The action did not return a dictionary.' } }
    assert.deepEqual(await launcher.send('{}'), refused)
    assert.match(launcher.printed().stderr, /Result must be of type object but has type "string": not a json object/)
    assert.deepEqual(await launcher.run({ x: 1 }), { status: 200, body: {} })
    await launcher.end()
  })

  const results: readonly (readonly [string, Answer])[] = [
    ['undefined', { status: 200, body: {} }],
    ['Promise.resolve()', { status: 200, body: {} }],
    ['null', { status: 200, body: null }],
    ['[1, {a: 2}]', { status: 200, body: [1, { a: 2 }] }],
    ['Promise.resolve([])', { status: 200, body: [] }],
    ['5', { status: 502, body: { error: 'The action did not return a dictionary.' } }],
    ['Promise.resolve(true)', { status: 502, body: { error: 'The action did not return a dictionary.' } }],
    ['() => 1', { status: 502, body: { error: 'The action did not return a dictionary.' } }],
    ['({toJSON() {}})', { status: 502, body: { error: 'The action did not return a dictionary.' } }],
    ['({then(resolve) { resolve({ thenable: 1 }) }})', { status: 200, body: { thenable: 1 } }],
    ['({get then() { throw "trap" }})', { status: 200, body: { error: 'trap' } }],
    ['({error: "application"})', { status: 200, body: { error: 'application' } }],
    ['Promise.reject("text")', { status: 200, body: { error: 'text' } }],
    ['Promise.reject(7)', { status: 200, body: { error: 7 } }],
    ['Promise.reject()', { status: 200, body: { error: {} } }],
    ['Promise.reject("")', { status: 200, body: { error: {} } }],
    ['Promise.reject({code: 3, f() {}})', { status: 200, body: { error: { code: 3 } } }],
    ['Promise.reject(function thrown() {})', { status: 200, body: { error: '[Function: thrown]' } }],
    ['({text: "\\u2028\\n\\ud800"})', { status: 200, body: { text: '\u2028\n\ud800' } }],
  ]
  for (const [expression, expected] of results) {
    test(`S4-2: returns ${expression}`, async () => {
      const launcher = await start()
      assert.deepEqual(await launcher.init(text(`function main() { return ${expression} }`)), OK)
      assert.deepEqual(await launcher.run({}), expected)
      assert.deepEqual(await launcher.run({}), expected)
      await launcher.end()
    })
  }

  test('S4-2: results that JSON cannot hold are errors that say so', async () => {
    const launcher = await start()
    const code = 'function main({ kind }) { const o = {}; o.o = o; return kind === "circle" ? o : { big: 1n } }'
    assert.deepEqual(await launcher.init(text(code)), OK)
    const circle = await launcher.run({ kind: 'circle' })
    assert.equal(statusOf(circle), 502)
    assert.match(errorOf(circle), /^An error has occurred: the result cannot be written as JSON: TypeError: .*circular/)
    assert.match(errorOf(await launcher.run({})), /BigInt/)
    await launcher.end()
  })

  test('S4-2: a synchronous throw is a developer error and stops the action', async () => {
    const launcher = await start()
    assert.deepEqual(await launcher.init(text('function main() { throw "nooooo" }')), OK)
    assert.deepEqual(await launcher.run({}), { status: 502, body: { error: 'An error has occurred: nooooo' } })
    assert.match(launcher.printed().stderr, /nooooo/)
    assert.deepEqual(await launcher.run({}), {
      status: 403,
      body: { error: 'System not ready, status is stopped.' },
    })
    await launcher.end()
    const other = await start()
    assert.deepEqual(await other.init(text('function main() { throw new TypeError("wrong") }')), OK)
    assert.equal(errorOf(await other.run({})), 'An error has occurred: TypeError: wrong')
    await other.end()
  })

  test('S4-2: an async throw is an application error with the serialised error', async () => {
    const launcher = await start()
    const code = `async function main({ deep }) {
      const error = new RangeError('out', { cause: new Error('inner') })
      error.code = 'E_OUT'; error.status = 418; error.self = error; error.bytes = Buffer.from('x'); error.pipe = null
      error.helper = () => 1
      if (deep) { let at = error; for (let i = 0; i < 20000; i++) at = at.next = {} }
      throw error }`
    assert.deepEqual(await launcher.init(text(code)), OK)
    const answer = await launcher.run({})
    assert.ok(answer !== 'lost' && answer.status === 200)
    const { error } = answer.body as { error: Record<string, unknown> }
    const { stack, cause, ...rest } = error
    assert.deepEqual(rest, {
      name: 'RangeError',
      message: 'out',
      code: 'E_OUT',
      status: 418,
      self: '[Circular]',
      bytes: '[object Buffer]',
      pipe: null,
    })
    assert.match(String(stack), /^RangeError: out\n\s+at main/)
    assert.equal((cause as { message: string }).message, 'inner')
    assert.equal(statusOf(await launcher.run({ deep: true })), 200)
    await launcher.end()
  })

  test('S4-2: the argument must be a dictionary or an array', async () => {
    const launcher = await start()
    assert.deepEqual(
      await launcher.init(text('function main(args) { return { array: Array.isArray(args), args } }')),
      OK,
    )
    assert.deepEqual(await launcher.run('text'), {
      status: 403,
      body: { error: "Internal system error: the argument must be a dictionary but has type 'string'." },
    })
    assert.deepEqual(await launcher.run([1, 2]), { status: 200, body: { array: true, args: [1, 2] } })
    assert.deepEqual(await launcher.run(null), { status: 200, body: { array: false, args: {} } })
    await launcher.end()
  })

  test('S4-52: a second run before the first one is answered is refused', async () => {
    const launcher = await start()
    assert.deepEqual(
      await launcher.init(text('const main = () => new Promise((go) => setTimeout(go, 100, { slow: 1 }))')),
      OK,
    )
    const first = launcher.run({})
    const second = launcher.run({})
    assert.deepEqual(await first, { status: 403, body: { error: 'System not ready, status is running.' } })
    assert.deepEqual(await second, { status: 200, body: { slow: 1 } })
    await launcher.end()
  })

  test('S4-2: init variables are there when the code loads, the empty one too, others as text', async () => {
    const launcher = await start({ environment: { __OW_API_HOST: 'xyz', KEEP: 'kept' } })
    const code =
      'const seen = { ...process.env }; const main = () => ({ seen, now: { ...process.env }, child: String(require("child_process").execFileSync("/usr/bin/env")) })'
    const env = { SOME: 'xyz', EMPTY: '', NONE: null, FALSE: false, NUMBER: 5, OBJECT: { a: 1 }, __OW_NAMESPACE: 'ns' }
    assert.deepEqual(await launcher.init(text(code, { env })), OK)
    const answer = await launcher.run({}, { namespace: 'other', api_key: 'u:k', deadline: '17', count: 5 })
    assert.ok(answer !== 'lost')
    const { seen, now, child } = answer.body as { seen: object; now: object; child: string }
    const loaded = { SOME: 'xyz', EMPTY: '', NONE: '', FALSE: '', NUMBER: '5', OBJECT: '{"a":1}', KEEP: 'kept' }
    assert.deepEqual(seen, {
      PATH: '/usr/bin:/bin',
      LANG: 'C.UTF-8',
      __OW_API_HOST: 'xyz',
      ...loaded,
      __OW_NAMESPACE: 'ns',
    })
    const context = { __OW_NAMESPACE: 'other', __OW_API_KEY: 'u:k', __OW_DEADLINE: '17' }
    assert.deepEqual(now, { ...seen, ...context, __OW_ACTIVATION_ID: 'a'.repeat(32) })
    assert.match(child, /^__OW_NAMESPACE=other$/m)
    await launcher.end()
  })

  test('S4-2: process.env behaves as the real one does', async () => {
    const launcher = await start()
    const code = `function main() {
      const { env } = process
      env.NUMBER = 5; env.TZ = 'Asia/Tokyo'; delete env.LANG; env.__OW_NAMESPACE = 'mine'
      return { number: env.NUMBER, tz: new Date(0).getHours(), lang: 'LANG' in env, own: env.hasOwnProperty('PATH'), keys: Object.keys(env).includes('__OW_ACTIVATION_ID'),
        ns: env.__OW_NAMESPACE, printed: require('util').inspect(env).includes('aaaa') } }`
    assert.deepEqual(await launcher.init(text(code)), OK)
    const expected = { number: '5', tz: 9, lang: false, own: true, keys: true, ns: 'mine', printed: true }
    assert.deepEqual(await launcher.run({}, { namespace: 'theirs' }), { status: 200, body: expected })
    await launcher.end()
  })

  test('S4-2: unicode in source, arguments, output and result', async () => {
    const launcher = await start()
    const code =
      'function main(args) { var str = args.delimiter + " ☃ " + args.delimiter; console.log(str); return { winter: str } }'
    assert.deepEqual(await launcher.init(text(code)), OK)
    assert.deepEqual(await launcher.run({ delimiter: '❄' }), { status: 200, body: { winter: '❄ ☃ ❄' } })
    assert.equal(launcher.printed().stdout, '❄ ☃ ❄\n')
    await launcher.end()
  })

  test('S4-2: echo of a megabyte, and of any JSON', async () => {
    const launcher = await start()
    assert.deepEqual(await launcher.init(text('const main = (args) => args')), OK)
    const large = { text: 'ä'.repeat(524_288) }
    assert.deepEqual(await launcher.run(large), { status: 200, body: large })
    const value = fc.oneof(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), fc.array(fc.jsonValue()))
    await fc.assert(
      fc.asyncProperty(value, async (args) => {
        const json = JSON.stringify(args)
        assert.deepEqual(await launcher.send(`{"value":${json},"activation_id":"1"}`), {
          status: 200,
          body: JSON.parse(json),
        })
      }),
      { numRuns: 200 },
    )
    await launcher.end()
  })
})

describeOnEveryNode('output and end', (start) => {
  test('S4-2: what a run prints is out before its answer, on both streams', async () => {
    const launcher = await start()
    const code = `function main({ n }) { console.log('hello stdout', n); console.error('hello stderr', n); process.stdout.write('no newline'); return { n } }`
    assert.deepEqual(await launcher.init(text(code)), OK)
    assert.equal(statusOf(await launcher.run({ n: 1 })), 200)
    assert.deepEqual(launcher.printed(), { stdout: 'hello stdout 1\nno newline', stderr: 'hello stderr 1\n' })
    await launcher.end()
  })

  test('S4-2: megabytes of output for a slow reader all come before the answer', async () => {
    const launcher = await start()
    const code = `function main() { for (let i = 0; i < 4000; i++) console.log(String(i).padEnd(999, '.')); return {} }`
    assert.deepEqual(await launcher.init(text(code)), OK)
    for (const stream of launcher.output) stream.pause()
    let answered = false
    const answer = launcher.run({}).then((value) => {
      answered = true
      return value
    })
    await new Promise((resolve) => setTimeout(resolve, 150))
    assert.equal(answered, false)
    for (const stream of launcher.output) stream.resume()
    assert.deepEqual(await answer, { status: 200, body: {} })
    assert.equal(launcher.printed().stdout.length, 4_000_000)
    await launcher.end()
  })

  test('S4-2: ending or destroying stdout does not silence the action; stdin is empty', async () => {
    const launcher = await start()
    const code = `async function main() { process.stdout.end('bye\\n'); process.stdout.destroy(); console.log('still here')
      let read = ''; for await (const chunk of process.stdin) read += chunk; return { read } }`
    assert.deepEqual(await launcher.init(text(code)), OK)
    assert.deepEqual(await launcher.run({}), { status: 200, body: { read: '' } })
    assert.equal(launcher.printed().stdout, 'bye\nstill here\n')
    await launcher.end()
  })

  const ends: Readonly<Record<string, string>> = {
    'process.exit': 'console.log("last words"); process.exit(7)',
    'an uncaught exception':
      'setTimeout(() => { console.log("last words"); throw new Error("stray") }, 5); return new Promise(() => {})',
    'an unhandled rejection':
      'console.log("last words"); Promise.reject(new Error("stray")); return new Promise(() => {})',
  }
  for (const [name, body] of Object.entries(ends)) {
    test(`S4-2: ${name} ends the container without an answer, and says why`, async () => {
      const launcher = await start()
      assert.deepEqual(await launcher.init(text(`function main() { ${body} }`)), OK)
      assert.equal(await launcher.run({}), 'lost')
      const { stdout, stderr } = launcher.printed()
      assert.equal(stdout, 'last words\n')
      assert.equal(stderr.includes('stray'), name !== 'process.exit')
      assert.equal(await launcher.end(), name === 'process.exit' ? 7 : 1)
    })
  }

  test('S4-2: the end of its input ends it while a run hangs and timers tick', async () => {
    const launcher = await start()
    const code = 'setInterval(() => {}, 5); const main = () => new Promise(() => {})'
    assert.deepEqual(await launcher.init(text(code)), OK)
    const answer = launcher.run({})
    assert.equal(await launcher.end(), 0)
    assert.equal(await answer, 'lost')
  })

  test('S4-2: user code that breaks the globals does not break the protocol', async () => {
    const launcher = await start()
    const code = `JSON.parse = JSON.stringify = () => { throw new Error('broken') }
      require('fs').writeSync = () => 0; console.error = () => { throw new Error('mute') }; process.exit = () => {}
      Buffer.from = undefined; Object.keys = undefined; Promise.resolve = undefined
      async function main({ fail }) { if (fail) throw new Error('expected'); return { fine: true } }`
    assert.deepEqual(await launcher.init(text(code)), OK)
    assert.deepEqual(await launcher.run({}), { status: 200, body: { fine: true } })
    assert.equal(statusOf(await launcher.run({ fail: true })), 200)
    assert.equal(await launcher.end(), 0)
  })

  test('S4-2: the process holds no descriptor besides those of the protocol', async () => {
    const launcher = await start()
    const code = `const { execFileSync } = require('child_process')
      const main = () => ({ inherited: String(execFileSync('/bin/ls', ['/proc/self/fd'])).split('\\n').filter(Boolean).map(Number) })`
    assert.deepEqual(await launcher.init(text(code)), OK)
    const answer = await launcher.run({})
    assert.ok(answer !== 'lost')
    // 3 is the directory that ls itself opened. What these tests have inherited from whoever started them is not the launcher's doing.
    const strays = execFileSync('/bin/ls', ['/proc/self/fd'], { encoding: 'utf8' })
      .split('\n')
      .filter(Boolean)
      .map(Number)
    assert.deepEqual(answer.body, { inherited: strays })
    await launcher.end()
  })
})
