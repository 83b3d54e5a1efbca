/** Sequences in a real server: what goes from component to component, what is recorded, who may call what, and what callers who do not wait get. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { GUEST, dispose, eventually, startServer } from './server.ts'
import type { Answer, Body, TestServer } from './server.ts'

const TAG = `function main(args) {
  if (Array.isArray(args)) return { array: args }
  const { tag, seen = [], ...rest } = args
  return { ...rest, seen: [...seen, tag] }
}`
const MISSING = 'Sequence component does not exist.'
const TOO_MANY = 'Too many actions in the sequence.'

const annotationsOf = ({ annotations }: Body): Record<string, unknown> =>
  Object.fromEntries(annotations.map(({ key, value }) => [key, value]))

describe('4.12: sequences', () => {
  let server: TestServer
  const sequence = (name: string, components: readonly string[], rest: object = {}): Promise<Answer> =>
    server.call('PUT', `/actions/${name}?overwrite=true`, { exec: { kind: 'sequence', components }, ...rest })
  const made = async (answer: Promise<Answer>): Promise<void> => {
    const { status, text } = await answer
    assert.equal(status, 200, text)
  }
  const tag = (name: string, rest: object = {}): Promise<void> =>
    made(server.put(name, TAG, { parameters: [{ key: 'tag', value: name }], ...rest }))

  before(async () => {
    server = await startServer()
    await tag('a')
    await tag('b', { limits: { memory: 128 } })
    await tag('c', { limits: { memory: 512 } })
    await made(server.put('fail', 'function main(args) { return { error: { was: args }, more: 1 } }'))
    await made(server.put('crash', 'function main() { process.exit(1) }'))
    await made(server.put('list', 'function main(args) { return [args, 2] }'))
    await made(server.put('echo', 'function main(args) { return args }', { parameters: [{ key: 'bound', value: 1 }] }))
    await made(sequence('abc', ['/_/a', '/_/b', '/_/c']))
  })
  after(async () => {
    await server.stop()
    dispose(server)
  })

  test('4.12, 13.3: each component is given what the one before returned, and all are recorded', async () => {
    const { status, body, headers } = await server.invoke('abc', { x: { y: ['ü', '😀'] } })
    assert.equal(status, 200)
    assert.deepEqual(body.response.result, { x: { y: ['ü', '😀'] }, seen: ['a', 'b', 'c'] })
    assert.equal(headers.get('x-openwhisk-activation-id'), body.activationId)
    assert.equal(body.logs.length, 3)
    const parts = await Promise.all(body.logs.map((id) => server.activation(id)))
    assert.deepEqual(
      parts.map(({ name }) => name),
      ['a', 'b', 'c'],
    )
    let sum = 0
    for (const part of parts) {
      assert.equal(part['cause'], body.activationId)
      assert.equal(annotationsOf(part)['causedBy'], 'sequence')
      assert.equal(annotationsOf(part)['path'], `guest/${String(part['name'])}`)
      sum += part.duration
    }
    assert.equal(body.duration, sum)
    const { waitTime, ...annotations } = annotationsOf(body)
    assert.equal(typeof waitTime, 'number')
    assert.deepEqual(annotations, {
      path: 'guest/abc',
      kind: 'sequence',
      topmost: true,
      limits: { timeout: 60000, memory: 512, logs: 10, concurrency: 1 },
    })
    const stored = await server.activation(body.activationId)
    assert.deepEqual(stored, body)
    assert.equal(stored['cause'], undefined)
    assert.ok(Number(stored['end']) >= Number(stored['start']))
  })

  test('4.7: the payload goes to the first component as it is; what is bound to the sequence is not merged in', async () => {
    await made(sequence('s', ['/_/echo'], { parameters: [{ key: 'mine', value: 1 }] }))
    const { body } = await server.invoke('s', { given: 1, big: 12345678901234567890n.toString() })
    assert.deepEqual(body.response.result, { bound: 1, given: 1, big: '12345678901234567890' })
  })

  test('numbers that JavaScript cannot hold pass from component to component unchanged', async (t) => {
    const kind = server.facts.kinds.find((known) => known.startsWith('python'))
    if (kind === undefined) return t.skip('no Python on this host')
    const code =
      'def main(args):\n    return {"n": args.get("n", 12345678901234567890) + 1, **{k: args[k] for k in args if k != "n"}}'
    await made(
      server.call('PUT', '/actions/count?overwrite=true', {
        exec: { kind, code },
        parameters: [{ key: 'p', value: 1 }],
      }),
    )
    await made(sequence('s', ['/_/count', '/_/count', '/_/count']))
    const { text } = await server.invoke('s', {}, 'blocking=true&result=true')
    assert.match(text, /"n": ?12345678901234567893\b/)
  })

  test('4.12: the first error ends it, with the status and result of that component', async () => {
    await made(sequence('s', ['/_/a', '/_/fail', '/_/b']))
    const { status, body } = await server.invoke('s')
    assert.equal(status, 502)
    assert.equal(body.response.status, 'application error')
    assert.deepEqual(body.response.result, { error: { was: { seen: ['a'] } } })
    assert.equal(body.logs.length, 2)
    assert.equal((await server.activation(body.logs[1] ?? ''))['name'], 'fail')
    const bare = await server.invoke('s', {}, 'blocking=true&result=true')
    assert.equal(bare.status, 502)
    assert.deepEqual(JSON.parse(bare.text), { error: { was: { seen: ['a'] } } })
  })

  test('4.12: a component that crashes ends it as a developer error', async () => {
    await made(sequence('s', ['/_/a', '/_/crash', '/_/b']))
    const { status, body } = await server.invoke('s')
    assert.equal(status, 502)
    assert.equal(body.response.status, 'action developer error')
    assert.equal(body.logs.length, 2)
  })

  test('4.12: an `error` in the payload ends nothing', async () => {
    await made(sequence('s', ['/_/a', '/_/b']))
    const { status, body } = await server.invoke('s', { error: 'given' })
    // What comes out of the first component has it, too, and that ends it.
    assert.equal(status, 502)
    assert.equal(body.logs.length, 1)
    assert.deepEqual(body.response.result, { error: 'given' })
  })

  test('4.9, 4.10: arrays are passed on as they are, without what is bound, and answered raw', async () => {
    await made(sequence('s', ['/_/list', '/_/a']))
    assert.deepEqual((await server.invoke('s', { x: 1 })).body.response.result, { array: [{ x: 1 }, 2] })
    await made(sequence('t', ['/_/a', '/_/list']))
    const { status, text } = await server.invoke('t', { x: 1 })
    assert.equal(status, 200)
    assert.deepEqual(JSON.parse(text), [{ x: 1, seen: ['a'] }, 2])
  })

  test('4.12: inner sequences have records of their own, and the outer one lists those', async () => {
    await made(sequence('outer', ['/_/a', '/_/abc', '/_/b']))
    const { body } = await server.invoke('outer')
    assert.deepEqual(body.response.result, { seen: ['a', 'a', 'b', 'c', 'b'] })
    assert.equal(body.logs.length, 3)
    const inner = await server.activation(body.logs[1] ?? '')
    assert.equal(inner['name'], 'abc')
    assert.equal(inner['cause'], body.activationId)
    assert.equal(inner.logs.length, 3)
    assert.partialDeepStrictEqual(annotationsOf(inner), { topmost: false, causedBy: 'sequence', kind: 'sequence' })
    assert.deepEqual(inner.response.result, { seen: ['a', 'a', 'b', 'c'] })
    assert.equal((await server.activation(inner.logs[0] ?? ''))['cause'], inner.activationId)
    const parts = await Promise.all([body.logs[0], body.logs[2]].map((id) => server.activation(id ?? '')))
    assert.equal(body.duration, inner.duration + parts.reduce((sum, { duration }) => sum + duration, 0))
  })

  test('4.12: a component that is missing when its turn comes is an application error', async () => {
    await tag('gone')
    await made(sequence('s', ['/_/a', '/_/gone', '/_/b']))
    await made(sequence('t', ['/_/s', '/_/b']))
    await made(server.call('DELETE', '/actions/gone'))
    const { status, body } = await server.invoke('s')
    assert.equal(status, 502)
    assert.equal(body.response.status, 'application error')
    assert.deepEqual(body.response.result, { error: MISSING })
    assert.equal(body.logs.length, 1)
    const outer = await server.invoke('t')
    assert.deepEqual(outer.body.response.result, { error: MISSING })
    assert.equal(outer.body.logs.length, 1)
  })

  test('4.12: so is one whose name has become a package’s', async () => {
    await tag('turned')
    await made(sequence('s', ['/_/a', '/_/turned']))
    await made(server.call('DELETE', '/actions/turned'))
    await made(server.call('PUT', '/packages/turned', {}))
    const { status, body } = await server.invoke('s')
    assert.equal(status, 502)
    assert.deepEqual(body.response.result, { error: MISSING })
    assert.equal(body.logs.length, 1)
  })

  test('4.12: a sequence without a component that ran has no limits annotation', async () => {
    await tag('gone')
    await made(sequence('s', ['/_/gone']))
    await made(server.call('DELETE', '/actions/gone'))
    const { body } = await server.invoke('s')
    assert.equal('limits' in annotationsOf(body), false)
    assert.deepEqual([body.duration, body.logs], [0, []])
  })

  test('4.12: no more than fifty run, however long inner sequences have become since', async () => {
    await made(sequence('inner', ['/_/a']))
    await made(
      sequence(
        's',
        Array.from({ length: 4 }, () => '/_/inner'),
      ),
    )
    await made(
      sequence(
        'inner',
        Array.from({ length: 15 }, () => '/_/a'),
      ),
    )
    const { status, body } = await server.invoke('s')
    assert.equal(status, 502)
    assert.deepEqual(body.response.result, { error: TOO_MANY })
    assert.equal(body.logs.length, 4)
    assert.equal((await server.activation(body.logs[3] ?? '')).logs.length, 5)
  })

  test('4.10: a wait that ends is 202, and the sequence goes its way', async () => {
    await made(server.put('slow', 'const main = (a) => new Promise((r) => setTimeout(() => r(a), 300))'))
    await made(sequence('s', ['/_/slow', '/_/slow', '/_/a']))
    await server.invoke('slow')
    const { status, body } = await server.invoke('s', { x: 1 }, 'blocking=true&timeout=100')
    assert.equal(status, 202)
    const record = await server.activation(body.activationId)
    assert.deepEqual(record.response.result, { x: 1, seen: ['a'] })
    assert.ok(record.duration >= 600)
  })

  test('a caller who goes away does not end what has begun', async () => {
    await made(server.put('slow', 'const main = (a) => new Promise((r) => setTimeout(() => r(a), 200))'))
    await made(sequence('leave', ['/_/slow', '/_/a', '/_/b']))
    await server.invoke('slow')
    const gone = new AbortController()
    const call = fetch(`${server.url}/api/v1/namespaces/_/actions/leave?blocking=true`, {
      method: 'POST',
      signal: gone.signal,
      headers: { Authorization: `Basic ${Buffer.from(GUEST).toString('base64')}` },
    })
    setTimeout(() => gone.abort(), 100)
    await assert.rejects(call)
    await eventually('the sequence ends', async () => {
      const { body } = await server.call('GET', '/activations?name=leave&docs=true')
      const [record] = body as unknown as readonly Body[]
      return record?.response.success === true && record.logs.length === 3
    })
  })

  test('4.10: non-blocking', async () => {
    const { status, body } = await server.invoke('abc', { x: 1 }, '')
    assert.equal(status, 202)
    const record = await server.activation(body.activationId)
    assert.deepEqual(record.response.result, { x: 1, seen: ['a', 'b', 'c'] })
    assert.equal(record.logs.length, 3)
    assert.equal((await server.activation(record.logs[2] ?? ''))['cause'], body.activationId)
  })

  test('4.9: final on a sequence refuses its own parameter only', async () => {
    await made(sequence('s', ['/_/a'], { annotations: [{ key: 'final', value: true }] }))
    assert.equal((await server.invoke('s', { _actions: [] })).status, 400)
    assert.equal((await server.invoke('s', { tag: 'mine' })).status, 200)
  })

  test('4.7: conductor on a sequence is ignored', async () => {
    await made(sequence('s', ['/_/a'], { annotations: [{ key: 'conductor', value: true }] }))
    const { body } = await server.invoke('s')
    assert.equal('conductor' in annotationsOf(body), false)
    assert.deepEqual(body.response.result, { seen: ['a'] })
  })

  test('4.8: a component that is a sequence may become code, and the other way round', async () => {
    await made(sequence('part', ['/_/a', '/_/b']))
    await made(sequence('s', ['/_/part']))
    assert.deepEqual((await server.invoke('s')).body.response.result, { seen: ['a', 'b'] })
    await tag('part')
    assert.deepEqual((await server.invoke('s')).body.response.result, { seen: ['part'] })
  })

  test('9: components cost no calls a minute, and one place in flight with their sequence', async () => {
    await server.admin('PUT', '/admin/limits/guest', { invocationsPerMinute: 6000, concurrentInvocations: 1 })
    try {
      await eventually('the limit holds', async () => {
        const { body } = await server.call('GET', '/limits')
        return body['concurrentInvocations'] === 1
      })
      assert.equal((await server.invoke('abc')).status, 200)
    } finally {
      await server.admin('DELETE', '/admin/limits/guest')
    }
  })
})
