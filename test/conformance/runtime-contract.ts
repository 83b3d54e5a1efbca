/**
 * OpenWhisk's HTTP contract as every runtime of ours has to keep it: the canonical test set of OpenWhisk's own runtimes, the rules of transport, shutting down, and
 * what we say beyond the contract. Run on processes by `runtimes/LANGUAGE/http-front.test.ts`, on containers by `test/docker/images.test.ts`.
 */

import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { describe } from 'node:test'
import type { HttpAnswer, RuntimeSubject, StartRuntime } from './runtime-subject.ts'
import { checkerFor, errorOf, eventually, init, initText, post, printed, run } from './runtime-subject.ts'

/** The same few actions in each language. */
export interface ContractCode {
  readonly ECHO: string
  readonly NOT_JSON: string
  readonly NIAM: string
  /** Prints `hello stdout` and `hello stderr`, returns its argument. */
  readonly TALKING_ECHO: string
  /** Prints and returns as `winter`: `delimiter`, a space, a snowman, a space, `delimiter`. */
  readonly UNICODE: string
  /** Returns `SOME_VAR` and `ANOTHER_VAR` as they were when the code was loaded, as `some` and `another`. */
  readonly LOAD_TIME: string
  /** Returns api_host, api_key, namespace, action_name, action_version, activation_id, transaction_id and deadline from the environment. */
  readonly CONTEXT: string
  readonly BROKEN: string
  /**
   * With `print` prints `no newline` and no newline; with `untilTold` prints `begun`, and goes on for two seconds after SIGTERM; with `child` starts an interpreter
   * that prints `child` on the streams of the container. Returns `{}`.
   */
  readonly VARIOUS: string
  readonly notDictionary: string
  readonly notInitialized: { readonly status: number; readonly error: string }
  readonly badRequest: { readonly status: number; readonly error: RegExp }
  readonly initOk: unknown
}

/** Declares the tests. `start` starts a fresh runtime; each test ends those that it started. */
export function describeRuntimeContract(name: string, code: ContractCode, start: StartRuntime): void {
  const check = checkerFor(start)
  const refused = (answer: HttpAnswer, status: number, error: string): void =>
    assert.deepEqual([answer.status, answer.body], [status, { error }])

  describe(`${name}: OpenWhisk's contract`, { concurrency: 2 }, () => {
    check('runtimes 1.2: no code, no content: refused, and another init may follow', async (on) => {
      for (const body of [{ value: { name: 'test', main: 'main', code: '' } }, { value: {} }, {}, '']) {
        refused(await post(on, '/init', body), 403, 'Missing main/no code to execute.')
      }
      const answer = await init(on, { code: code.ECHO })
      assert.deepEqual([answer.status, answer.body], [200, code.initOk])
      await run(on, {})
      await printed(on, 1)
    })

    check('runtimes 1.14: a result that is not JSON, of a run without value', async (on) => {
      await initText(on, code.NOT_JSON)
      refused(await post(on, '/run', {}), 502, code.notDictionary)
      await printed(on, 1)
    })

    check('runtimes 1.14: a missing or null value is {}', async (on) => {
      await initText(on, code.ECHO)
      assert.deepEqual((await post(on, '/run', {})).body, {})
      assert.deepEqual((await post(on, '/run', { value: null })).body, {})
      assert.deepEqual((await post(on, '/run', '')).body, {})
    })

    check('runtimes 1.2: a second init is refused, in the log too, and has no sentinel', async (on) => {
      await initText(on, code.ECHO)
      const text = 'Cannot initialize the action more than once.'
      refused(await init(on, { code: code.ECHO }), 403, text)
      assert.deepEqual((await run(on, { still: 1 })).body, { still: 1 })
      const { stdout, stderr } = await printed(on, 1)
      assert.ok((stdout + stderr).includes(text))
    })

    check('runtimes 1.14: an entry point other than main', async (on) => {
      await initText(on, code.NIAM, 'niam')
      assert.deepEqual((await run(on, { a: 'b' })).body, { a: 'b' })
    })

    check('runtimes 1.14: echo of everything JSON has, output on both streams, a sentinel for each run', async (on) => {
      await initText(on, code.TALKING_ECHO)
      const values: readonly unknown[] = [
        { string: 'hello' },
        { string: '❄ ☃ ❄ \u2028' },
        { numbers: [42, -1.5, 1e300, 12345678901234] },
        { object: { nested: { deep: [null, true, { a: '' }] } } },
        [1, 'two', { three: 3 }],
        [],
      ]
      for (const value of values) {
        const answer = await run(on, value)
        assert.deepEqual([answer.status, answer.body], [200, value])
        assert.equal(answer.headers['x-stave-output'], undefined)
      }
      const { stdout, stderr } = await printed(on, values.length)
      assert.equal(stdout, 'hello stdout\n'.repeat(values.length))
      assert.equal(stderr, 'hello stderr\n'.repeat(values.length))
    })

    check('runtimes 1.14: unicode in source, arguments, logs and result', async (on) => {
      await initText(on, code.UNICODE)
      assert.deepEqual((await run(on, { delimiter: '❄' })).body, { winter: '❄ ☃ ❄' })
      assert.equal((await printed(on, 1)).stdout, '❄ ☃ ❄\n')
    })

    check('runtimes 1.14: the environment of the init is there while the code loads', async (on) => {
      const answer = await init(on, { code: code.LOAD_TIME, env: { SOME_VAR: 'xyz', ANOTHER_VAR: '' } })
      assert.equal(answer.status, 200)
      assert.deepEqual((await run(on, {})).body, { some: 'xyz', another: '' })
    })

    check(
      'runtimes 1.3: the context of each run is in its environment, the host of the API in that of the container',
      async (on) => {
        await initText(on, code.CONTEXT)
        for (const number of [1, 2]) {
          const context = {
            api_key: 'abc:123',
            namespace: 'zzz',
            action_name: '/zzz/pkg/xxx',
            action_version: '0.0.1',
            activation_id: `id${number}`,
            transaction_id: 'tid_110',
            deadline: String(number),
          }
          const { body } = await run(on, {}, { context })
          assert.deepEqual(body, { api_host: 'http://api.test:3233', ...context })
        }
      },
      { __OW_API_HOST: 'http://api.test:3233' },
    )

    check('runtimes 1.14: an argument of a megabyte', async (on) => {
      await initText(on, code.ECHO)
      const value = { large: 'x❄'.repeat(256 * 1024) }
      assert.deepEqual((await run(on, value)).body, value)
    })

    check('runtimes 1.5: code of twenty megabytes', async (on) => {
      const filler = `${code.ECHO.includes('def ') ? '#' : '//'} ${'x'.repeat(1021)}\n`
      await initText(on, filler.repeat(20 * 1024) + code.ECHO)
      assert.deepEqual((await run(on, { a: 1 })).body, { a: 1 })
    })

    check('runtimes 1.8: code that does not parse: 502, the reason in the log, a sentinel', async (on) => {
      const answer = await init(on, { code: code.BROKEN })
      assert.equal(answer.status, 502)
      assert.ok(errorOf(answer).length > 0)
      const { stdout, stderr } = await printed(on, 1)
      assert.match((stdout + stderr).toLowerCase(), /error[^]*syntax|syntax[^]*error/)
    })

    check('runtimes 1.8, 1.9: a run before the init', async (on) => {
      refused(await run(on, {}), code.notInitialized.status, code.notInitialized.error)
    })

    check('runtimes 1.8, 1.9: what is no JSON object is refused, and the runtime goes on', async (on) => {
      for (const [path, body] of [
        ['/init', '{"value":'],
        ['/init', '5'],
        ['/run', 'null'],
      ] as const) {
        const answer = await post(on, path, body)
        assert.equal(answer.status, code.badRequest.status)
        assert.match(errorOf(answer), code.badRequest.error)
      }
      assert.ok((await post(on, '/other', {})).status >= 400)
      await initText(on, code.ECHO)
      assert.deepEqual((await run(on, { a: 1 })).body, { a: 1 })
      await printed(on, 1)
    })

    check('runtimes 1.1: many runs on one connection, and beside it new ones', async (on) => {
      await initText(on, code.ECHO)
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      try {
        const sockets = new Set<unknown>()
        agent.on('free', (socket) => sockets.add(socket))
        for (let number = 0; number < 50; number++) {
          assert.deepEqual((await run(on, { number }, { agent })).body, { number })
          if (number % 10 === 0) assert.deepEqual((await run(on, { other: number })).body, { other: number })
        }
        assert.equal(sockets.size, 1)
      } finally {
        agent.destroy()
      }
      await printed(on, 55)
    })

    check('runtimes 1.1: a body in chunks, in bits, and one that waits to be asked for', async (on) => {
      await initText(on, code.ECHO)
      const chunks = ['{"value":', '{"a":', '1}}'].map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join('')
      const head = 'POST /run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n'
      const chunked = await raw(on, [`${head}Transfer-Encoding: chunked\r\n\r\n`, ...`${chunks}0\r\n\r\n`.split('')])
      assert.match(chunked, /^HTTP\/1\.1 200 [^]*\r\n\r\n\{"a":1\}$/)
      const sized = await raw(on, [
        ...`${head}Content-Length: 17\r\nExpect: 100-continue\r\n\r\n`.split(''),
        '{"value":{"b":2}}',
      ])
      assert.match(sized, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 [^]*\r\n\r\n\{"b":2\}$/)
    })

    check('runtimes 1.1: a body beyond all bounds is refused and does no harm', async (on) => {
      await initText(on, code.ECHO)
      const answer = await raw(on, ['POST /run HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n{'])
      assert.match(answer, /^HTTP\/1\.1 (?:500|413) /)
      assert.deepEqual((await run(on, { a: 1 })).body, { a: 1 })
    })

    check('runtimes 1.1: on SIGTERM a run is answered, others hear 503, and it ends with 0', async (on) => {
      await initText(on, code.VARIOUS)
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      await run(on, {}, { agent })
      const slow = run(on, { untilTold: true })
      await eventually(async () => (await on.logs()).stdout.includes('begun'))
      const ended = on.terminate()
      let other: HttpAnswer
      do other = await run(on, {})
      while (other.status === 403)
      refused(other, 503, 'The action container is shutting down.')
      assert.equal((await run(on, {}, { agent })).status, 503)
      agent.destroy()
      assert.equal((await slow).status, 200)
      assert.equal(await ended, 0)
    })

    check('runtimes 1.1: on SIGTERM it ends with 0 where nothing is under way', async (on) => {
      assert.equal(await on.terminate(), 0)
    })
  })

  describe(`${name}: beyond OpenWhisk's contract`, { concurrency: 2 }, () => {
    check('a run that printed nothing says so; one that did, or an init before it, does not', async (on) => {
      await initText(on, code.VARIOUS)
      const silent = async (value: unknown): Promise<boolean> =>
        (await run(on, value)).headers['x-stave-output'] === 'none'
      assert.deepEqual(
        [await silent({}), await silent({}), await silent({ print: true }), await silent({})],
        [true, true, false, true],
      )
      assert.equal((await printed(on, 4)).stdout, 'no newline\n')
    })

    check('a run that printed nothing has no sentinels where the platform offers that', async (on) => {
      await initText(on, code.VARIOUS)
      const headers = { 'x-stave-silent': '1' }
      const said = async (value: unknown): Promise<readonly unknown[]> => {
        const answer = await run(on, value, { headers })
        return [answer.headers['x-stave-output'], answer.headers['x-stave-silent']]
      }
      assert.deepEqual(
        [await said({}), await said({ print: true }), await said({}), await said({})],
        [
          ['none', '1'],
          [undefined, undefined],
          ['none', '1'],
          ['none', '1'],
        ],
      )
      // Not offered, not done: the last sentinel shows that none is still to come.
      assert.equal((await run(on, {})).headers['x-stave-silent'], undefined)
      assert.equal((await printed(on, 2)).stdout, 'no newline\n')
    })

    check('an init that printed is in the first run’s output', async (on) => {
      await initText(
        on,
        code.ECHO.includes('def ') ? `print('loading')\n${code.ECHO}` : `console.log('loading');${code.ECHO}`,
      )
      assert.equal((await run(on, {})).headers['x-stave-output'], undefined)
      assert.equal((await run(on, {})).headers['x-stave-output'], 'none')
      assert.equal((await printed(on, 2)).stdout, 'loading\n')
    })

    check('from the first process on that has the streams nothing is said any more', async (on) => {
      await initText(on, code.VARIOUS)
      assert.equal((await run(on, {})).headers['x-stave-output'], 'none')
      assert.equal((await run(on, { child: true })).headers['x-stave-output'], undefined)
      assert.equal((await run(on, {})).headers['x-stave-output'], undefined)
      assert.equal((await printed(on, 3)).stdout, 'child\n')
    })

    check('an offer to tell runs apart is not taken by a container that does not let them overlap', async (on) => {
      const headers = { 'x-stave-concurrent': '1' }
      const answer = await post(
        on,
        '/init',
        { value: { name: 'test', main: 'main', binary: false, code: code.TALKING_ECHO } },
        { headers },
      )
      assert.deepEqual([answer.status, answer.headers['x-stave-concurrent']], [200, undefined])
      await run(on, {})
      assert.equal((await printed(on, 1)).stdout, 'hello stdout\n')
    })
  })
}

/** Writes these texts one after the other and resolves with all that comes back until the other side closes. */
function raw({ address }: RuntimeSubject, parts: readonly string[]): Promise<string> {
  const { socketPath, host, port } = address
  const socket = connect(
    typeof socketPath === 'string' ? { path: socketPath } : { host: host ?? '', port: Number(port) },
  )
  socket.setNoDelay(true)
  return new Promise((resolve, reject) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
    })
    socket.once('error', reject).once('close', () => resolve(text))
    for (const part of parts) socket.write(part)
  })
}
