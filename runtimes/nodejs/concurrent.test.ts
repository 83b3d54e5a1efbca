/** Several runs at once in one container, overlapping or sent ahead of their turn: output, context and answers belong to the right run. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeOnEveryNode } from './every-node.ts'

const RECORD_SEPARATOR = String.fromCharCode(0x1e)
const CONCURRENT = { environment: { __OW_ALLOW_CONCURRENT: 'true' } }

function text(code: string): Readonly<Record<string, unknown>> {
  return { name: 'test', main: 'main', binary: false, code, env: {} }
}

/** Lines by the activation that they are attributed to; '' are those of none. */
function linesOf(output: string): ReadonlyMap<string, readonly string[]> {
  const byId = new Map<string, string[]>()
  for (const line of output.split('\n').slice(0, -1)) {
    const end = line.startsWith(RECORD_SEPARATOR) ? line.indexOf(' ') : 0
    const id = line.slice(1, Math.max(1, end))
    const content = end === 0 ? line : line.slice(end + 1)
    byId.set(id, [...(byId.get(id) ?? []), content])
  }
  return byId
}

describeOnEveryNode('overlapping runs', (start) => {
  test('S4-60: announced at init, answered in the order of completion', async () => {
    const launcher = await start(CONCURRENT)
    const init = await launcher.init(text('const main = ({ ms }) => new Promise((go) => setTimeout(go, ms, { ms }))'))
    assert.deepEqual(init, { status: 200, body: { ok: true, concurrent: true } })
    const answers = await Promise.all([
      launcher.run({ ms: 120 }, { activation_id: 'slow' }),
      launcher.run({ ms: 1 }, { activation_id: 'fast' }),
      launcher.run('x', { activation_id: 'bad' }),
    ])
    assert.deepEqual(
      answers.map((answer) => (answer === 'lost' ? answer : [answer.id, answer.status])),
      [
        ['bad', 403],
        ['fast', 200],
        ['slow', 200],
      ],
    )
    await launcher.end()
  })

  test('S4-60: output and context of 40 runs at once stay apart', async () => {
    const launcher = await start(CONCURRENT)
    const code = `const pause = () => new Promise((go) => setTimeout(go, Math.random() * 10))
      console.log('loading')
      async function main({ n }) {
        process.stdout.write('start '); await pause()
        process.stdout.write(Buffer.from(n + '\\nsecond ')); await pause(); console.log(n); console.error('ü' + n)
        await pause(); process.stdout.write('no newline ' + n)
        return { n, id: process.env.__OW_ACTIVATION_ID, tid: process.env.__OW_TRANSACTION_ID, host: process.env.__OW_API_HOST ?? null }
      }`
    await launcher.init(text(code))
    const numbers = Array.from({ length: 40 }, (_, index) => index)
    const answers = await Promise.all(
      numbers.map((n) => launcher.run({ n }, { activation_id: `id${n}`, transaction_id: `t${n}` })),
    )
    for (const answer of answers) {
      assert.ok(answer !== 'lost')
      const { n } = answer.body as { n: number }
      assert.deepEqual(answer, { id: `id${n}`, status: 200, body: { n, id: `id${n}`, tid: `t${n}`, host: null } })
    }
    const { stdout, stderr } = launcher.printed()
    const printed = linesOf(stdout)
    assert.deepEqual(printed.get(''), ['loading'])
    for (const n of numbers) {
      assert.deepEqual(printed.get(`id${n}`), [`start ${n}`, `second ${n}`, `no newline ${n}`])
      assert.deepEqual(linesOf(stderr).get(`id${n}`), [`ü${n}`])
    }
    await launcher.end()
  })

  test('S4-60: very long lines without an end are cut, not held for ever', async () => {
    const launcher = await start(CONCURRENT)
    await launcher.init(
      text('function main() { for (let i = 0; i < 10; i++) process.stdout.write("x".repeat(100_000)); return {} }'),
    )
    await launcher.run({}, { activation_id: 'long' })
    const lines = linesOf(launcher.printed().stdout).get('long') ?? []
    assert.equal(lines.join('').length, 1_000_000)
    assert.ok(lines.length > 1 && lines.every((line) => line.length < 500_000))
    await launcher.end()
  })

  test('S4-60: a synchronous throw stops the action, runs under way are still answered', async () => {
    const launcher = await start(CONCURRENT)
    await launcher.init(
      text(
        'const main = ({ bad }) => { if (bad) throw new Error("no"); return new Promise((go) => setTimeout(go, 30, { done: 1 })) }',
      ),
    )
    const answers = await Promise.all([
      launcher.run({}, { activation_id: 'good' }),
      launcher.run({ bad: 1 }, { activation_id: 'bad' }),
      launcher.run({}, { activation_id: 'late' }),
    ])
    assert.deepEqual(answers, [
      { id: 'bad', status: 502, body: { error: 'An error has occurred: Error: no' } },
      { id: 'late', status: 403, body: { error: 'System not ready, status is stopped.' } },
      { id: 'good', status: 200, body: { done: 1 } },
    ])
    await launcher.end()
  })

  test('S4-60: an id that would break the line is left out', async () => {
    const launcher = await start(CONCURRENT)
    await launcher.init(
      text('const main = (args) => { console.log("printed"); process.stdout.write("no end"); return args }'),
    )
    assert.deepEqual(await launcher.run({ a: 1 }, { activation_id: 'x y\n@z' }), { status: 200, body: { a: 1 } })
    assert.equal(launcher.printed().stdout, 'printed\nno end\n')
    await launcher.end()
  })
})

describeOnEveryNode('runs sent ahead of their turn', (start) => {
  const init = (code: string): string => JSON.stringify({ value: text(code), pipelined: true })

  test('S4-52: offered at init and accepted, run one after the other, answered in order, output attributed', async () => {
    const launcher = await start()
    const code = `let running = 0
      async function main({ n }) {
        if (++running > 1) throw new Error('overlap')
        process.stdout.write('n=' + n + (n % 2 ? '' : '\\n'))
        if (n % 3 === 0) await new Promise((go) => setTimeout(go, 5))
        running--
        return { n, id: process.env.__OW_ACTIVATION_ID }
      }`
    assert.deepEqual(await launcher.send(init(code)), { status: 200, body: { ok: true, pipelined: true } })
    const numbers = Array.from({ length: 30 }, (_, index) => index)
    const answers = await Promise.all(numbers.map((n) => launcher.run({ n }, { activation_id: `id${n}` })))
    assert.deepEqual(
      answers,
      numbers.map((n) => ({ status: 200, body: { n, id: `id${n}` } })),
    )
    const printed = linesOf(launcher.printed().stdout)
    for (const n of numbers) assert.deepEqual(printed.get(`id${n}`), [`n=${n}`])
    await launcher.end()
  })

  test('S4-72: each answer says what the run took, without what it waited for others', async () => {
    const launcher = await start()
    await launcher.send(
      init('const main = ({ ms }) => ms === 0 ? {} : new Promise((done) => setTimeout(() => done({}), ms))'),
    )
    await Promise.all([200, 0, 200, 0].map((ms) => launcher.run({ ms })))
    const [slow = 0, fast = Infinity, ...more] = launcher.times
    assert.equal(more.length, 2, 'an init says nothing of it')
    assert.ok(slow >= 199, `${slow} ms`)
    assert.ok(fast < slow / 2, `${fast} ms`)
    await launcher.end()
  })

  test('S4-52: thousands that answer at once do not nest', async () => {
    const launcher = await start()
    await launcher.send(init('let n = 0; const main = async () => ({ n: n++ })'))
    const answers = await Promise.all(Array.from({ length: 5000 }, () => launcher.run({})))
    assert.ok(answers.every((answer, n) => answer !== 'lost' && (answer.body as { n: number }).n === n))
    await launcher.end()
  })

  test('S4-52: what comes after a failure is not run and says so', async () => {
    const launcher = await start()
    await launcher.send(init('const main = ({ bad }) => { if (bad) throw new Error("no"); return {} }'))
    const answers = await Promise.all([launcher.run({}), launcher.run({ bad: 1 }), launcher.run({}), launcher.run({})])
    assert.deepEqual(
      answers.map((answer) => (answer === 'lost' ? answer : answer.status)),
      [200, 502, 503, 503],
    )
    await launcher.end()
  })
  test('runtimes 1.7: last words without a newline are heard when the action ends the process', async () => {
    const launcher = await start()
    await launcher.send(
      init('function main() { process.stdout.write("out"); process.stderr.write("err"); process.exit(3) }'),
    )
    assert.equal(await launcher.run({}, { activation_id: 'last' }), 'lost')
    assert.equal(await launcher.end(), 3)
    const { stdout, stderr } = launcher.printed()
    assert.deepEqual([linesOf(stdout).get('last'), linesOf(stderr).get('last')], [['out'], ['err']])
  })
})
