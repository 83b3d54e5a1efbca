/** Compositions in a real server: what a conductor may say, what it is told, what is recorded, and where it ends. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Answer, Body, TestServer } from './server.ts'
import { dispose, startServer } from './server.ts'

/** One answer of a conductor. Without `state` of its own it gets the rest of the script back. */
interface Continuation {
  readonly action?: unknown
  readonly params?: unknown
  readonly state?: unknown
  readonly [field: string]: unknown
}

/** Says what its script says, one line a run; what it was told besides is the result once the script is at its end. */
const CONDUCTOR = `function main({ script = [], ...told }) {
  const [line, ...rest] = script
  if (line === undefined) return { params: told }
  return { state: { ...line.keep, script: rest }, ...line }
}`
const CONDUCTS = { annotations: [{ key: 'conductor', value: true }] }
const TOO_MANY = 'Too many actions in the composition.'

const annotationsOf = ({ annotations }: Body): Record<string, unknown> =>
  Object.fromEntries(annotations.map(({ key, value }) => [key, value]))

describe('4.13: compositions', () => {
  let server: TestServer
  const made = async (answer: Promise<Answer>): Promise<void> => {
    const { status, text } = await answer
    assert.equal(status, 200, text)
  }
  const conduct = (script: readonly Continuation[], rest: object = {}): Promise<Answer> =>
    server.invoke('conduct', { script, ...rest })
  const resultOf = async (script: readonly Continuation[], rest: object = {}): Promise<unknown> => {
    const { status, body, text } = await conduct(script, rest)
    assert.equal(status, 200, text)
    return body.response.result
  }

  before(async () => {
    server = await startServer()
    await made(server.put('conduct', CONDUCTOR, CONDUCTS))
    await made(server.put('echo', 'function main(args) { return args }', { limits: { memory: 512 } }))
    await made(server.put('bound', 'function main(args) { return args }', { parameters: [{ key: 'b', value: 1 }] }))
    await made(server.put('fail', 'function main(args) { return { error: { was: args }, more: 1 } }'))
    await made(server.put('list', 'function main() { return [1, 2] }'))
    await made(server.call('PUT', '/packages/pkg', {}))
    await made(server.put('pkg/inner', 'function main(args) { return { from: "pkg", ...args } }'))
    const exec = { kind: 'sequence', components: ['/_/echo', '/_/echo', '/_/echo'] }
    await made(server.call('PUT', '/actions/three', { exec }))
  })
  after(async () => {
    await server.stop()
    dispose(server)
  })

  describe('what a conductor says', () => {
    test('without action it has ended: with `params`, with what else it says where there are none', async () => {
      assert.deepEqual(await resultOf([{ params: { a: 1 }, other: 2 }]), { a: 1 })
      assert.deepEqual(await resultOf([{ params: [1, 'x'] }]), { value: [1, 'x'] })
      assert.deepEqual(await resultOf([{ params: null }]), { value: null })
      assert.deepEqual(await resultOf([{ other: 2, state: { a: 1 } }]), { other: 2, state: { a: 1 } })
    })

    test('a component is given `params` over what is bound to it, nothing else where there are none', async () => {
      assert.deepEqual(await resultOf([{ action: 'bound', params: { a: 1 } }]), { b: 1, a: 1 })
      assert.deepEqual(await resultOf([{ action: 'bound', params: 7 }]), { b: 1, value: 7 })
      assert.deepEqual(await resultOf([{ action: 'bound' }], { given: 'to the conductor alone' }), { b: 1 })
    })

    test('the conductor is given what came of it, overlaid by `state`, which is for the next run only', async () => {
      const kept = { action: 'echo', params: { a: 1, b: 1 }, keep: { b: 2, c: 2 } }
      assert.deepEqual(await resultOf([kept]), { a: 1, b: 2, c: 2 })
      const forgotten = { action: 'echo', params: { script: [], x: 1 }, state: { y: 1 } }
      assert.deepEqual(await resultOf([kept, forgotten]), { x: 1, y: 1 })
    })

    test('a state that is no object is boxed; none clears the one of before', async () => {
      assert.deepEqual(await resultOf([{ action: 'echo', state: 'text' }]), { state: 'text' })
      await made(
        server.put(
          'forgets',
          'const main = (a) => (a.n === 1 ? { action: "echo", params: { n: 2 } } : a.n === 2 ? { params: a } : { action: "echo", params: { n: 1 }, state: { s: 1 } })',
          CONDUCTS,
        ),
      )
      assert.deepEqual((await server.invoke('forgets')).body.response.result, { n: 2 })
    })

    test('names: of the caller, of a package, in full, in its place `_`', async () => {
      for (const action of ['pkg/inner', '/_/pkg/inner', '_/pkg/inner', 'guest/pkg/inner', '/guest/pkg/inner']) {
        assert.deepEqual(await resultOf([{ action }]), { from: 'pkg' }, action)
      }
      for (const action of ['echo', '/_/echo', '/guest/echo']) {
        assert.deepEqual(await resultOf([{ action, params: { x: 1 } }]), { x: 1 }, action)
      }
      assert.deepEqual(await resultOf([{ action: '/whisk.system/utils/echo', params: { x: 1 } }]), { x: 1 })
      assert.deepEqual(await resultOf([{ action: 'three', params: { x: 1 } }]), { x: 1 })
    })
  })

  describe('what a conductor is told', () => {
    test('of a name that is none', async () => {
      for (const action of [null, 1, true, '', '/', '/a', 'a/b/c/d', '/a/b/c/d', 'a b+', ['echo'], { name: 'echo' }]) {
        const { body } = await conduct([{ action, params: { x: 1 }, keep: { kept: 1 } }])
        // What it is told of is data: it has ended well, with that as its result.
        assert.equal(body.response.status, 'success')
        const error = `Failed to parse action name from json value ${JSON.stringify(action)} during composition.`
        assert.deepEqual(body.response.result, { error, kept: 1 })
      }
    })

    test('of an action that is not there, and of one that is not for the caller', async () => {
      const failures: readonly (readonly [string, string])[] = [
        ['nothing', "Failed to resolve action with name 'guest/nothing' during composition."],
        ['pkg/nothing', "Failed to resolve action with name 'guest/pkg/nothing' during composition."],
        [
          'nowhere/nothing',
          "Failed entitlement check for action with name 'guest/nowhere/nothing' during composition.",
        ],
        ['/whisk.system/x', "Failed entitlement check for action with name 'whisk.system/x' during composition."],
        ['whisk.system/x/y', "Failed entitlement check for action with name 'whisk.system/x/y' during composition."],
      ]
      for (const [action, error] of failures) {
        const { body } = await conduct([{ action }])
        assert.deepEqual(body.response.result, { error }, action)
        // It was run once more to be told, which it says in the end.
        assert.equal(body.logs.length, 2)
      }
    })

    test('of a component that failed, with the error alone; it decides what becomes of it', async () => {
      const recovers =
        'const main = (a) => (a.error ? { params: { caught: a.error, s: a.s } } : { action: "fail", params: { x: 1 }, state: { s: 1 } })'
      await made(server.put('recovers', recovers, CONDUCTS))
      const { status, body } = await server.invoke('recovers')
      assert.equal(status, 200)
      assert.deepEqual(body.response.result, { caught: { was: { x: 1 } }, s: 1 })
      assert.equal(body.logs.length, 3)
    })

    test('of a result that is a list', async () => {
      const { body } = await conduct([{ action: 'list' }])
      assert.deepEqual(body.response.result, {
        error: "Failed to resolve action with name 'guest/list' during composition.",
      })
    })
  })

  describe('how it ends', () => {
    test('with the error of the conductor, whatever else it says', async () => {
      const { status, body } = await conduct([{ action: 'echo' }, { error: { mine: 1 }, action: 'echo', params: {} }])
      assert.equal(status, 502)
      assert.equal(body.response.status, 'application error')
      assert.deepEqual(body.response.result, { error: { mine: 1 } })
      assert.equal(body.logs.length, 3)
    })

    test('with the failure of the conductor', async () => {
      await made(
        server.put(
          'throws',
          'function main(a) { if (a.x) throw new Error("no"); return { action: "echo", params: { x: 1 } } }',
          CONDUCTS,
        ),
      )
      const { status, body } = await server.invoke('throws')
      assert.equal(status, 502)
      assert.equal(body.response.status, 'action developer error')
      assert.equal(body.logs.length, 3)
    })

    test('fifty components and no more; that there were too many is the conductor’s to answer', async () => {
      const echo = { action: 'echo', params: {} }
      const fifty = await conduct(Array.from({ length: 50 }, () => echo))
      assert.equal(fifty.status, 200)
      assert.equal(fifty.body.logs.length, 101)
      const more = await conduct(Array.from({ length: 51 }, () => echo))
      assert.deepEqual(more.body.response.result, { error: TOO_MANY })
    })

    test('a conductor that never comes to an end is ended after 101 runs', async () => {
      await made(server.put('endless', 'const main = () => ({ action: "nothing" })', CONDUCTS))
      const { status, body } = await server.invoke('endless')
      assert.equal(status, 502)
      assert.equal(body.response.status, 'application error')
      assert.deepEqual(body.response.result, { error: TOO_MANY })
      assert.equal(body.logs.length, 101)
    })

    test('inner compositions run on the account of the outer one, sequences count once', async () => {
      const three = { action: 'three', params: {} }
      assert.equal((await conduct(Array.from({ length: 50 }, () => three))).status, 200)
      const inner = {
        action: 'conduct',
        params: { script: Array.from({ length: 20 }, () => ({ action: 'echo', params: {} })) },
      }
      assert.equal((await conduct([inner, inner])).status, 200)
      const { body } = await conduct([inner, inner, inner])
      assert.deepEqual(body.response.result, { error: TOO_MANY })
    })
  })

  describe('what is recorded', () => {
    test('the composition under the name of its conductor, with the ids of all steps and the sum of their durations', async () => {
      const { status, body, headers } = await conduct([
        { action: 'echo', params: { a: 1 } },
        { action: 'three', params: {} },
      ])
      assert.equal(status, 200)
      assert.equal(headers.get('x-openwhisk-activation-id'), body.activationId)
      const parts = await Promise.all(body.logs.map((id) => server.activation(id)))
      assert.deepEqual(
        parts.map(({ name }) => name),
        ['conduct', 'echo', 'conduct', 'three', 'conduct'],
      )
      let sum = 0
      for (const part of parts) {
        assert.equal(part['cause'], body.activationId)
        assert.equal(annotationsOf(part)['causedBy'], 'sequence')
        sum += part.duration
      }
      assert.equal(body.duration, sum)
      const { waitTime, ...annotations } = annotationsOf(body)
      assert.equal(typeof waitTime, 'number')
      assert.deepEqual(annotations, {
        path: 'guest/conduct',
        kind: 'sequence',
        conductor: true,
        topmost: true,
        limits: { timeout: 60_000, memory: 512, logs: 10, concurrency: 1 },
      })
      assert.equal(body['name'], 'conduct')
      assert.deepEqual(await server.activation(body.activationId), body)
      // What the conductor itself came to is a record of its own, of its own kind.
      assert.match(String(annotationsOf(parts[0] ?? body)['kind']), /^nodejs:/)
    })

    test('an inner composition by its id alone, with a record that says what it is a part of', async () => {
      const inner = { action: 'conduct', params: { script: [{ action: 'echo', params: {} }] } }
      const { body } = await conduct([inner])
      assert.equal(body.logs.length, 3)
      const part = await server.activation(body.logs[1] ?? '')
      assert.equal(part['cause'], body.activationId)
      assert.equal(part.logs.length, 3)
      assert.partialDeepStrictEqual(annotationsOf(part), { topmost: false, conductor: true, causedBy: 'sequence' })
    })

    test('a composition in a sequence', async () => {
      const exec = { kind: 'sequence', components: ['/_/conduct', '/_/echo'] }
      await made(server.call('PUT', '/actions/holds', { exec }))
      const { body } = await server.invoke('holds', { script: [{ action: 'echo', params: { x: 1 } }] })
      assert.deepEqual(body.response.result, { x: 1 })
      assert.equal(body.logs.length, 2)
      assert.partialDeepStrictEqual(annotationsOf(await server.activation(body.logs[0] ?? '')), {
        conductor: true,
        topmost: false,
      })
    })

    test('through a binding: the path is the provider’s, the binding is named', async () => {
      await made(server.put('pkg/conduct', CONDUCTOR, CONDUCTS))
      await made(server.call('PUT', '/packages/tied', { binding: { namespace: '_', name: 'pkg' } }))
      const { body } = await server.invoke('tied/conduct', { script: [{ action: 'echo', params: {} }] })
      assert.partialDeepStrictEqual(annotationsOf(body), { path: 'guest/pkg/conduct', binding: 'guest/tied' })
    })

    test('of callers who do not wait: 202, the record when it has ended', async () => {
      const { status, body } = await server.invoke('conduct', { script: [{ action: 'echo', params: { x: 1 } }] }, '')
      assert.equal(status, 202)
      const record = await server.activation(body.activationId)
      assert.deepEqual(record.response.result, { x: 1 })
      assert.equal(record.logs.length, 3)
    })
  })

  test('4.11: the annotation counts as any truth does', async () => {
    const exec = { kind: 'nodejs:default', code: CONDUCTOR }
    for (const [value, conducts] of [
      ['no', true],
      [{}, true],
      [1, true],
      [0, false],
      ['', false],
      [null, false],
      [false, false],
    ] as const) {
      await made(
        server.call('PUT', '/actions/maybe?overwrite=true', { exec, annotations: [{ key: 'conductor', value }] }),
      )
      const { body } = await server.invoke('maybe', { script: [{ params: { ended: 1 } }] })
      assert.equal('conductor' in annotationsOf(body), conducts, JSON.stringify(value))
    }
  })
})
