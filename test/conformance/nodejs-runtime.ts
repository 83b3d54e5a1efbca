/** The list of OpenWhisk's own Node.js suite (runtimes 1.8), and runs that overlap. */

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { zipped } from '../../runtimes/python/drive-launcher.ts'
import type { HttpAnswer, RuntimeSubject, StartRuntime } from './runtime-subject.ts'
import { checkerFor, errorOf, init, initText, post, printed, run } from './runtime-subject.ts'

/** A source text, the argument of a run and its answer: 200 with that body, or 502 with an error that holds that text. */
type TextCase = readonly [title: string, code: string, value: unknown, body: unknown, status?: 502]

const TEXTS: readonly TextCase[] = [
  ['throws', 'function main() { throw "nooooo" }', {}, 'nooooo', 502],
  ['application error', 'function main() { return { error: "some error" } }', {}, { error: 'some error' }],
  [
    'a promise of an application error',
    'const main = () => Promise.resolve({ error: { code: 5 } })',
    {},
    { error: { code: 5 } },
  ],
  [
    'documented: synchronous',
    'function main({ name, place }) { return { payload: `Hello ${name} from ${place}` } }',
    { name: 'B', place: 'C' },
    { payload: 'Hello B from C' },
  ],
  [
    'documented: a promise and a delay',
    'function main(args) { return new Promise((resolve) => setTimeout(() => resolve({ done: true }), 50)) }',
    {},
    { done: true },
  ],
  [
    'documented: either way',
    'function main({ now }) { return now ? { now } : new Promise((resolve) => setTimeout(resolve, 10, { now: false })) }',
    {},
    { now: false },
  ],
  [
    'implicit global variables',
    'step = 10; function main(args) { for (i = 0, sum = 0; i < args.n; i++) sum += step; return { sum } }',
    { n: 3 },
    { sum: 30 },
  ],
  [
    'a webpack bundle',
    '(function (m) { var c = {}; function r(i) { return m[i](r) } ; r(0) })([function (r) { global.main = r(1) }, function () { return ({ a }) => ({ a }) }])',
    { a: 1 },
    { a: 1 },
  ],
  ['exports.main', 'exports.main = ({ a }) => ({ a })', { a: 1 }, { a: 1 }],
  ['module.exports.main', 'module.exports = { main: ({ a }) => ({ a }) }', { a: 1 }, { a: 1 }],
  [
    'openwhisk is there',
    'const ow = require("openwhisk"); function main() { return { there: typeof ow({ apihost: "x", api_key: "y" }).actions.invoke } }',
    {},
    { there: 'function' },
  ],
  [
    'a rejected promise',
    'const main = () => Promise.reject({ code: 404, text: "South" })',
    {},
    { error: { code: 404, text: 'South' } },
  ],
  ['a rejection without a message', 'const main = () => Promise.reject()', {}, { error: {} }],
  ['default parameters', 'function main({ a = "default", b }) { return { a, b } }', { b: 2 }, { a: 'default', b: 2 }],
  [
    'async and await',
    'const later = (x) => new Promise((resolve) => setTimeout(resolve, 5, x)); async function main() { return { five: await later(5) } }',
    {},
    { five: 5 },
  ],
  ['an async function that throws', 'async function main() { throw { code: 1 } }', {}, { error: { code: 1 } }],
  [
    'a thrown object of the user’s',
    'function main() { const e = new Error("mine"); e.code = 7; return Promise.reject(e) }',
    {},
    { error: { code: 7, message: 'mine', name: 'Error' } },
  ],
  ['an array', 'function main(args) { return args.map((x) => x * 2) }', [1, 2], [2, 4]],
  ['null', 'function main() { return null }', {}, null],
  ['gc', 'function main() { return { gc: typeof gc } }', {}, { gc: 'function' }],
]

const RETURN = (from: string): string => `exports.main = (args) => ({ from: '${from}', ...args })`

export function describeNodejsRuntime(name: string, start: StartRuntime): void {
  const check = checkerFor(start)
  const failure = (answer: HttpAnswer): string => {
    assert.equal(answer.status, 502)
    const beginning = 'Initialization has failed due to: '
    assert.ok(errorOf(answer).startsWith(beginning), errorOf(answer))
    return errorOf(answer).slice(beginning.length)
  }

  describe(`${name}: Node.js`, { concurrency: 2 }, () => {
    for (const [title, code, value, expected, status = 200] of TEXTS) {
      check(`runtimes 1.8: ${title}`, async (on) => {
        await initText(on, code)
        const answer = await run(on, value)
        assert.equal(answer.status, status)
        if (status === 502) assert.match(errorOf(answer), new RegExp(String(expected)))
        else assert.deepEqual(withoutStack(answer.body), expected)
        await printed(on, 1)
      })
    }

    check('runtimes 1.8: a package that is missing', async (on) => {
      assert.match(
        failure(await init(on, { code: 'require("no-such-package"); const main = () => ({})' })),
        /no-such-package/,
      )
      assert.match((await printed(on, 1)).stderr, /^Error during initialization:/)
    })

    check('runtimes 1.8: states', async (on) => {
      await initText(
        on,
        'const main = ({ ms, bad }) => { if (bad) throw new Error("no"); return new Promise((go) => setTimeout(go, ms, {})) }',
      )
      const [slow, other] = await Promise.all([run(on, { ms: 300 }), run(on, { ms: 300 })])
      const errors = [slow, other].map((answer) => [answer.status, errorOf(answer)])
      assert.deepEqual(
        errors.toSorted(([one], [other]) => Number(one) - Number(other)),
        [
          [200, ''],
          [403, 'System not ready, status is running.'],
        ],
      )
      const text = await run(on, 'a text')
      assert.deepEqual(
        [text.status, errorOf(text)],
        [403, "Internal system error: the argument must be a dictionary but has type 'string'."],
      )
      assert.equal((await run(on, { bad: 1 })).status, 502)
      assert.equal(errorOf(await run(on, {})), 'System not ready, status is stopped.')
      await printed(on, 2)
    })

    const archives: Readonly<
      Record<string, readonly [files: Readonly<Record<string, string>>, main: string, body: unknown]>
    > = {
      'a package.json': [
        { 'package.json': '{"main":"first.js"}', 'first.js': RETURN('first') },
        'main',
        { from: 'first', a: 1 },
      ],
      'no package.json': [{ 'index.js': RETURN('index') }, 'main', { from: 'index', a: 1 }],
      'a main of another file': [
        { 'other.js': 'exports.niam = () => ({ from: "other" })' },
        'other.niam',
        { from: 'other' },
      ],
      'a nested main': [
        { 'other.js': 'exports.niam = { xyz: () => ({ from: "xyz" }) }' },
        'other.niam.xyz',
        { from: 'xyz' },
      ],
      'a main that overrides package.json': [
        { 'package.json': '{"main":"index.js"}', 'index.js': RETURN('index'), 'other.js': RETURN('other') },
        'other.main',
        { from: 'other', a: 1 },
      ],
      'an entry of another name': [{ 'index.js': 'exports.niam = () => ({ from: "niam" })' }, 'niam', { from: 'niam' }],
      'a working directory': [
        {
          'index.js': 'exports.main = () => ({ text: require("fs").readFileSync("data.txt", "utf8") })',
          'data.txt': 'here',
        },
        'main',
        { text: 'here' },
      ],
      'packages of its own': [
        {
          'index.js': 'exports.main = () => ({ n: require("own") })',
          'node_modules/own/index.js': 'module.exports = 5',
        },
        'main',
        { n: 5 },
      ],
      'an ES module': [
        { 'package.json': '{"type":"module"}', 'index.js': 'export const main = () => ({ esm: true })' },
        'main',
        { esm: true },
      ],
    }
    for (const [title, [files, main, body]] of Object.entries(archives)) {
      check(`runtimes 1.8: an archive with ${title}`, async (on) => {
        const answer = await init(on, await zipped(files, { main }))
        assert.equal(answer.status, 200, errorOf(answer))
        assert.deepEqual((await run(on, { a: 1 })).body, body)
      })
    }

    check('runtimes 1.8: archives that are none', async (on) => {
      const bytes = Buffer.from('504b0304ffffffffffff', 'hex').toString('base64')
      assert.equal(
        failure(await init(on, { code: bytes, binary: true })),
        'There was an error uncompressing the action Zip archive.',
      )
      await printed(on, 1)
    })

    check('runtimes 1.8: an archive that is no action', async (on) => {
      assert.match(failure(await init(on, await zipped({ 'hello.js': '' }))), /package\.json or index\.js/)
    })

    check('a run that writes to the descriptors itself never counts as silent', async (on) => {
      await initText(
        on,
        'const fs = require("fs"); const main = ({ d }) => { if (d) fs.writeSync(1, "direct\\n"); return {} }',
      )
      assert.equal((await run(on, {})).headers['x-stave-output'], 'none')
      assert.equal((await run(on, { d: 1 })).headers['x-stave-output'], undefined)
      assert.equal((await run(on, {})).headers['x-stave-output'], undefined)
      assert.equal((await printed(on, 3)).stdout, 'direct\n')
    })

    const concurrent = { __OW_ALLOW_CONCURRENT: 'true' }
    const OVERLAPPING = `let running = 0, most = 0
      const pause = () => new Promise((go) => setTimeout(go, 50))
      async function main({ n }) {
        most = Math.max(most, ++running)
        if (n % 2) process.stdout.write('out ' + n)
        await pause()
        running--
        return { n, most, id: process.env.__OW_ACTIVATION_ID }
      }`
    const twenty = (on: RuntimeSubject): Promise<readonly HttpAnswer[]> =>
      Promise.all(Array.from({ length: 20 }, (_, n) => run(on, { n }, { context: { activation_id: `id${n}` } })))

    check(
      'runtimes 1.8: __OW_ALLOW_CONCURRENT lets runs overlap, each in its context',
      async (on) => {
        await initText(on, OVERLAPPING)
        const bodies = (await twenty(on)).map(({ body }) => body as { n: number; most: number; id: string })
        assert.deepEqual(
          bodies.map(({ n, id }) => [n, id]),
          bodies.map((_, n) => [n, `id${n}`]),
        )
        assert.ok(bodies.some(({ most }) => most > 1))
        const { stdout } = await printed(on, 20)
        assert.deepEqual(stdout.split('\n').filter((line) => line !== '').length, 10)
        assert.ok(!stdout.includes('\u001e'))
      },
      concurrent,
    )

    check(
      'overlapping runs are told apart where the platform offers it, sentinels included',
      async (on) => {
        const value = { name: 'test', main: 'main', binary: false, code: OVERLAPPING }
        const answer = await post(on, '/init', { value }, { headers: { 'x-stave-concurrent': '1' } })
        assert.equal(answer.headers['x-stave-concurrent'], '1')
        const answers = await twenty(on)
        assert.deepEqual(
          answers.map(({ headers }) => headers['x-stave-output']),
          answers.map((_, n) => (n % 2 ? undefined : 'none')),
        )
        const expected = answers.flatMap((_, n) => {
          const end = `id${n} ${SENTINEL}`
          return n % 2 ? [`id${n} out ${n}`, end] : [end]
        })
        let lines: readonly string[] = []
        const deadline = Date.now() + 10_000
        while (lines.length < expected.length && Date.now() < deadline) {
          lines = (await on.logs()).stdout.split('\n').filter((line) => line !== '')
        }
        assert.deepEqual(lines.toSorted(), expected.map((line) => `\u001e${line}`).toSorted())
      },
      concurrent,
    )
  })
}

const SENTINEL = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX'

/** An error's stack is whatever the interpreter makes of it. */
function withoutStack(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body, (key, value: unknown) => (key === 'stack' ? undefined : value)))
}
