/** Actions that fail or mean harm: each ends in OpenWhisk's exact outcome, takes only its own container with it, and leaves nothing on the host. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { assertNothingLeft, assertOnlyKnownContainers } from './leftovers.ts'
import type { Answer, TestServer } from './server.ts'
import { PROVIDER, dispose, eventually, startServer } from './server.ts'

const DEVELOPER_ERROR = 'action developer error'
const APPLICATION_ERROR = 'application error'
const INIT_EXITED = 'The action did not initialize and exited unexpectedly.'
const RUN_EXITED = 'The action did not produce a valid response and exited unexpectedly.'
const OUT_OF_MEMORY = 'The action exhausted its memory and was aborted.'
const LOGS_MAY_BE_MISSING = 'The action did not initialize or run as expected. Log data might be missing.'
const LINE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr): /

interface Failure {
  readonly what: string
  readonly code: string
  readonly limits?: Readonly<Record<string, number>>
  readonly error: string | RegExp
  /** What the runtime of the image says of it instead: in there it is process and HTTP server in one, and speaks as OpenWhisk's do. */
  readonly inImage?: string | RegExp
  readonly status?: string
  /** The container stays: the failure is the application's. */
  readonly stays?: true
  /** The same action works when it is called with `{"fine": true}`. */
  readonly recovers?: true
}

const nodeMain = (body: string): string =>
  `const fs = require('fs'); const cp = require('child_process')
function main(args) { if (args.fine) return { fine: true }; ${body} }`

const NODE: readonly Failure[] = [
  {
    what: 'memory exhaustion by buffers',
    code: nodeMain('const all = []; for (;;) all.push(Buffer.alloc(8 << 20, 1))'),
    limits: { memory: 128 },
    error: OUT_OF_MEMORY,
    recovers: true,
  },
  {
    what: 'memory exhaustion by objects',
    code: nodeMain(
      'const all = []; for (;;) all.push(new Array(1000).fill(0).map((_, i) => ({ i, text: `${i} ${all.length}` })))',
    ),
    limits: { memory: 128 },
    error: OUT_OF_MEMORY,
    recovers: true,
  },
  {
    what: 'memory exhaustion in init',
    code: 'const all = []; for (;;) all.push(Buffer.alloc(8 << 20, 1)); function main() {}',
    limits: { memory: 128 },
    error: OUT_OF_MEMORY,
  },
  {
    what: 'the time limit in a run that computes',
    code: nodeMain('for (;;);'),
    limits: { timeout: 400 },
    error: 'The action exceeded its time limits of 400 milliseconds.',
    recovers: true,
  },
  {
    what: 'the time limit in a run that waits',
    code: nodeMain('return new Promise(() => {})'),
    limits: { timeout: 400 },
    error: 'The action exceeded its time limits of 400 milliseconds.',
    recovers: true,
  },
  {
    what: 'the time limit in init',
    code: 'for (;;); function main() {}',
    limits: { timeout: 700 },
    error: 'The action exceeded its time limits of 700 milliseconds during initialization.',
  },
  {
    what: 'a fork bomb',
    code: nodeMain("cp.spawn('/bin/sh', ['-c', ':(){ :|:& };:']).on('error', () => {}); return new Promise(() => {})"),
    limits: { timeout: 1500, memory: 512 },
    error: 'The action exceeded its time limits of 1500 milliseconds.',
    recovers: true,
  },
  { what: 'process.exit in init', code: 'process.exit(0); function main() {}', error: INIT_EXITED },
  { what: 'abort in init', code: 'process.abort(); function main() {}', error: INIT_EXITED },
  { what: 'a signal to itself in init', code: "process.kill(process.pid, 'SIGKILL'); for (;;);", error: INIT_EXITED },
  {
    what: 'an exception in init',
    code: "throw new Error('nooo'); function main() {}",
    error: /^Initialization has failed due to: Error: nooo\n/,
  },
  { what: 'process.exit in a run', code: nodeMain('process.exit(0)'), error: RUN_EXITED, recovers: true },
  { what: 'abort in a run', code: nodeMain('process.abort()'), error: RUN_EXITED, recovers: true },
  {
    what: 'a signal to itself in a run',
    code: nodeMain("process.kill(process.pid, 'SIGKILL'); return new Promise(() => {})"),
    error: RUN_EXITED,
    recovers: true,
  },
  {
    what: 'a run that throws',
    code: nodeMain("throw new Error('nooo')"),
    error: 'An error has occurred: Error: nooo',
    recovers: true,
  },
  {
    what: 'an exception nobody catches, in a timer',
    code: nodeMain("setTimeout(() => { throw new Error('late') }); return new Promise(() => {})"),
    error: RUN_EXITED,
    recovers: true,
  },
  { what: 'a syntax error', code: 'function main( {', error: /^Initialization has failed due to: .*SyntaxError: /s },
  {
    what: 'a missing main',
    code: 'function other() {}',
    error: /^(Initialization has failed due to: |Action entrypoint)/,
  },
  {
    what: 'a result that is no object',
    code: nodeMain("return 'text'"),
    error: 'The action did not return a dictionary.',
    recovers: true,
  },
  {
    what: 'a result that is null',
    code: nodeMain('return null'),
    error: 'The action did not produce a valid JSON or JSON Array response: null',
    recovers: true,
  },
  {
    what: 'a result over the limit',
    code: nodeMain("return { text: 'x'.repeat(3 << 20) }"),
    status: APPLICATION_ERROR,
    error:
      /^The action produced a response that exceeded the allowed length: 3145739 > 1048576 bytes\. The truncated response was: \{"text":"x{1000}/,
    stays: true,
    recovers: true,
  },
  {
    what: 'an answer of hundreds of megabytes',
    code: nodeMain("return { text: 'x'.repeat(100 << 20) }"),
    limits: { memory: 512 },
    status: APPLICATION_ERROR,
    error: /^The action produced a response that exceeded the allowed length: 104857611 > 1048576 bytes\./,
    stays: true,
    recovers: true,
  },
  {
    what: 'an endless answer on the platform’s own descriptor',
    code: nodeMain(
      "const piece = 'x'.repeat(1 << 20); for (;;) { try { fs.writeSync(3, piece) } catch (e) { if (e.code !== 'EAGAIN') throw e } }",
    ),
    limits: { timeout: 2000 },
    error: /^(The action exceeded its time limits of 2000 milliseconds\.|An error has occurred: Error: EBADF.*)$/,
    // In there the descriptor is no pipe of the platform's, but something of Node's own.
    inImage: /^An error has occurred: Error: EINVAL/,
    recovers: true,
  },
  {
    what: 'an application error',
    code: nodeMain("return { error: 'mine', other: 1 }"),
    status: APPLICATION_ERROR,
    error: 'mine',
    stays: true,
    recovers: true,
  },
  {
    what: 'a rejected promise',
    code: nodeMain("return Promise.reject('mine')"),
    status: APPLICATION_ERROR,
    error: 'mine',
    stays: true,
    recovers: true,
  },
]

const pythonMain = (body: string): string =>
  `import os, signal, sys, time\ndef main(args):\n    if args.get('fine'):\n        return {'fine': True}\n${body
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')}\n`

const PYTHON: readonly Failure[] = [
  {
    what: 'memory exhaustion',
    code: pythonMain("held = []\nwhile True:\n    held.append(b'x' * (8 << 20))"),
    limits: { memory: 128 },
    error: OUT_OF_MEMORY,
    recovers: true,
  },
  {
    what: 'memory exhaustion in init',
    code: "held = []\nwhile True:\n    held.append(b'x' * (8 << 20))\n",
    limits: { memory: 128 },
    error: OUT_OF_MEMORY,
  },
  {
    what: 'the time limit in a run',
    code: pythonMain('while True:\n    pass'),
    limits: { timeout: 400 },
    error: 'The action exceeded its time limits of 400 milliseconds.',
    recovers: true,
  },
  {
    what: 'the time limit in init',
    code: 'import time\ntime.sleep(60)\ndef main(args):\n    return {}\n',
    limits: { timeout: 700 },
    error: 'The action exceeded its time limits of 700 milliseconds during initialization.',
  },
  {
    what: 'a fork bomb',
    code: pythonMain('while True:\n    try:\n        os.fork()\n    except OSError:\n        pass'),
    limits: { timeout: 1500, memory: 512 },
    error: /^The action (exceeded its time limits of 1500 milliseconds|exhausted its memory and was aborted)\.$/,
    recovers: true,
  },
  {
    what: 'exit in init',
    code: 'import os\nos._exit(0)\n',
    error: INIT_EXITED,
    inImage: 'Cannot start action. Check logs for details.',
  },
  { what: 'abort in init', code: 'import os\nos.abort()\n', error: INIT_EXITED },
  {
    what: 'an exception in init',
    code: "raise Exception('nooo')\n",
    error: 'Cannot start action. Check logs for details.',
  },
  {
    what: 'exit in a run',
    code: pythonMain('os._exit(0)'),
    error: RUN_EXITED,
    inImage: 'command exited',
    recovers: true,
  },
  { what: 'sys.exit in a run', code: pythonMain('sys.exit(3)'), error: 'command exited', recovers: true },
  { what: 'abort in a run', code: pythonMain('os.abort()'), error: RUN_EXITED, recovers: true },
  {
    what: 'a signal to itself in a run',
    code: pythonMain('os.kill(os.getpid(), signal.SIGKILL)'),
    error: RUN_EXITED,
    recovers: true,
  },
  {
    what: 'an exception in a run',
    code: pythonMain("raise Exception('mine')"),
    status: APPLICATION_ERROR,
    error: 'mine',
    stays: true,
    recovers: true,
  },
  {
    what: 'a syntax error',
    code: 'def main(:\n',
    error: 'The action failed to generate or locate a binary. See logs for details.',
  },
  {
    what: 'a missing main',
    code: 'def other(args):\n    return {}\n',
    error: 'Cannot start action. Check logs for details.',
  },
  {
    what: 'a result that is no object',
    code: pythonMain("return 'text'"),
    error: 'The action did not return a dictionary or array.',
    recovers: true,
  },
  {
    what: 'a result over the limit',
    code: pythonMain("return {'text': 'x' * (3 << 20)}"),
    status: APPLICATION_ERROR,
    error:
      /^The action produced a response that exceeded the allowed length: 3145739 > 1048576 bytes\. The truncated response was: \{"text":"x{1000}/,
    stays: true,
    recovers: true,
  },
]

describe('1.6, 4.11: outcomes of actions that fail', () => {
  let server: TestServer
  before(async () => {
    server = await startServer()
  })
  after(async () => {
    try {
      assert.ok(server.memoryMb() < 300, `${server.memoryMb()} MB`)
      await assertOnlyKnownContainers(server)
      assert.equal(await server.stop(), 0)
      await assertNothingLeft(server)
    } finally {
      await server.stop()
      dispose(server)
    }
  })

  const families: readonly (readonly [string, readonly Failure[]])[] = [
    ['nodejs', NODE],
    ['python', PYTHON],
  ]
  for (const [family, failures] of families) {
    describe(family, { concurrency: 2 }, () => {
      for (const [index, failure] of failures.entries()) {
        test(failure.what, () => check(server, `${family}${index}`, `${family}:default`, failure))
      }
    })
  }
})

async function check(server: TestServer, name: string, kind: string, failure: Failure): Promise<void> {
  const { code, limits = {}, inImage, status = DEVELOPER_ERROR, stays, recovers } = failure
  const error = PROVIDER === 'docker' && inImage !== undefined ? inImage : failure.error
  assert.equal((await server.put(name, code, { exec: { kind, code }, limits })).status, 200)
  const answer = await server.invoke(name)
  assert.equal(answer.status, 502, answer.text.slice(0, 500))
  assertOutcome(answer.body.response, status, error)
  assert.equal(answer.headers.get('x-openwhisk-activation-id'), answer.body.activationId)
  const record = await server.activation(answer.body.activationId)
  assertOutcome(record.response, status, error)
  if (status === DEVELOPER_ERROR) {
    assert.match(record.logs.at(-1) ?? '', LINE)
    assert.equal(record.logs.at(-1)?.slice(31), `stderr: ${LOGS_MAY_BE_MISSING}`)
  }
  const timedOut: unknown = record.annotations.find(({ key }) => key === 'timeout')?.value
  const message = String(record.response.result['error'])
  assert.equal(timedOut, message.startsWith('The action exceeded its time limits'), 'annotation timeout')
  if (message.startsWith('The action exceeded its time limits'))
    assert.ok(record.duration >= (limits['timeout'] ?? 0), `duration ${record.duration}`)
  if (stays === undefined)
    await eventually('the container is gone', async () => (await server.containersOf(name)).length === 0)
  if (recovers === undefined) return
  const next = await server.invoke(name, { fine: true })
  assert.deepEqual([next.status, next.body.response.result], [200, { fine: true }])
  if (stays === true) assert.equal(next.headers.get('x-stave-start'), 'warm')
}

function assertOutcome(response: Answer['body']['response'], status: string, error: string | RegExp): void {
  assert.equal(response.status, status)
  assert.equal(response.success, false)
  assert.deepEqual(Object.keys(response.result), ['error'])
  const message = String(response.result['error'])
  if (typeof error === 'string') assert.equal(message, error)
  else assert.match(message, error)
}
