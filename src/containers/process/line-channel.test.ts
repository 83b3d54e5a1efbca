import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { PassThrough } from 'node:stream'
import type { Readable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ActivationId } from '../../model/ids.ts'
import type { RuntimeReply } from '../runtime-channel.ts'
import type { LineChannel } from './line-channel.ts'
import { createLineChannel } from './line-channel.ts'

const ID = (digit: string): ActivationId => digit.repeat(32) as ActivationId

/** A channel whose other end the test writes to. */
function piped(limitBytes = 1000) {
  const streams = {
    stdin: new PassThrough(),
    answers: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
  }
  return { ...streams, channel: createLineChannel(streams, limitBytes) }
}

/** The reply with its body copied: it is only valid during the callback. */
function copy(reply: RuntimeReply): unknown {
  if (reply.type === 'lost') return reply
  return reply.type === 'answer'
    ? {
        status: reply.status,
        body: reply.body.toString(),
        ...(reply.tookMs !== undefined && { tookMs: reply.tookMs }),
      }
    : { status: reply.status, length: reply.length, prefix: reply.prefix.toString() }
}

const init = (channel: LineChannel): Promise<unknown> =>
  new Promise((resolve) => channel.init('{}', (reply) => resolve(copy(reply))))
const run = (channel: LineChannel, id: ActivationId = ID('1')): Promise<unknown> =>
  new Promise((resolve) => channel.run(id, '{}', (reply) => resolve(copy(reply))))

/** A real process that runs `script` in bash, with descriptor 3 as the line of answers. */
function processChannel(script: string): { channel: LineChannel; kill(): void } {
  const child = spawn('bash', ['-c', script], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] })
  const [stdin, stdout, stderr, answers] = child.stdio
  assert.ok(stdin !== null && stdout !== null && stderr !== null && answers instanceof Object)
  const streams = { stdin, stdout, stderr, answers: answers as Readable }
  return { channel: createLineChannel(streams, 1_000_000), kill: () => child.kill('SIGKILL') }
}

test('the first line says that the runtime is ready; a runtime that ends before it is not', async () => {
  const good = piped()
  good.answers.write('{"ok":true}\n')
  await good.channel.ready
  const bad = piped()
  bad.answers.end()
  await assert.rejects(bad.channel.ready)
})

test('runtimes 1.9: answers, statuses, and one line per message whatever the chunks are (property)', async () => {
  const answer = fc.record({ status: fc.constantFrom(200, 403, 502), text: fc.json({ maxDepth: 2 }) })
  await fc.assert(
    fc.asyncProperty(
      fc.array(answer, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 7 }),
      async (rows, size) => {
        const { channel, answers } = piped(100_000)
        answers.write('{"ok":true}\n')
        await channel.ready
        for (const { status, text } of rows) {
          const reply = run(channel)
          const line = Buffer.from(`${status === 200 ? '' : `!${status} `}${text}\n`)
          for (let at = 0; at < line.length; at += size) {
            answers.write(line.subarray(at, at + size))
            if (line.length < 100) await new Promise((resolve) => setImmediate(resolve))
          }
          assert.deepEqual(await reply, { status, body: text })
        }
      },
    ),
    { numRuns: 40 },
  )
})

test('an answer over the limit is cut off and counted, not collected', async () => {
  const { channel, answers } = piped(10)
  answers.write('{"ok":true}\n')
  await channel.ready
  const reply = run(channel)
  for (let index = 0; index < 100; index++) answers.write('0123456789')
  answers.write('\n')
  assert.deepEqual(await reply, { status: 200, length: 1000, prefix: '0123456789' })
})

test('overlapping runs are told apart by their ids, and so is what they print', async () => {
  const { channel, answers, stdout } = piped()
  answers.write('{"ok":true}\n')
  await channel.ready
  const initialised = init(channel)
  answers.write('{"ok":true,"concurrent":true}\n')
  await initialised
  assert.equal(channel.concurrent, true)
  const printed: [string, string | undefined][] = []
  channel.onOutput = (_stream, chunk, id) => printed.push([chunk.toString(), id])
  const [first, second] = [run(channel, ID('a')), run(channel, ID('b'))]
  stdout.write(`\u001E${ID('b')} from b\n\u001E${ID('a')} from a\nfrom nobody\n`)
  answers.write(`@${ID('b')} {"b":1}\n@${ID('a')} !502 {"error":"a"}\n`)
  assert.deepEqual(await second, { status: 200, body: '{"b":1}' })
  assert.deepEqual(await first, { status: 502, body: '{"error":"a"}' })
  await new Promise((resolve) => channel.drained(resolve))
  assert.deepEqual(printed, [
    ['from b\n', ID('b')],
    ['from a\n', ID('a')],
    ['from nobody\n', undefined],
  ])
})

test('8.7: output that never ends is not waited for: what was read is not the whole', async () => {
  const { channel, answers, stdout } = piped()
  answers.write('{"ok":true}\n')
  await channel.ready
  channel.onOutput = () => undefined
  const reply = run(channel)
  answers.write('{}\n')
  await reply
  let printing = true
  const print = (): void => {
    stdout.write('more\n')
    if (printing) setImmediate(print)
  }
  print()
  assert.equal(await new Promise((resolve) => channel.drained(resolve)), false)
  printing = false
})

test('output that is still in the pipe when the answer is read is waited for, unless the runtime marks its answers', async () => {
  const { channel, answers, stdout } = piped()
  answers.write('{"ok":true}\n')
  await channel.ready
  const printed: string[] = []
  channel.onOutput = (_stream, chunk) => printed.push(chunk.toString())
  const reply = run(channel)
  answers.write('{}\n')
  await reply
  assert.equal(channel.outputPending, true)
  setImmediate(() => stdout.write('late\n'))
  await new Promise((resolve) => channel.drained(resolve))
  assert.deepEqual(printed, ['late\n'])

  const initialised = init(channel)
  answers.write('{"ok":true,"pipelined":true}\n')
  await initialised
  const pending: boolean[] = []
  for (const line of ['{}', '{}', '+{}', '{}', `+!502 {"error":1}`]) {
    const next = run(channel)
    answers.write(`${line}\n`)
    await next
    pending.push(channel.outputPending)
  }
  // What was printed while the code was loaded is marked by nobody: the first run waits for it.
  assert.deepEqual(pending, [true, false, true, false, true])
  stdout.write('printed by a child process\n')
  await new Promise((resolve) => setImmediate(resolve))
  const last = run(channel)
  answers.write('{}\n')
  await last
  assert.equal(channel.outputPending, true)
})

test('what a run took by the account of a runtime that takes runs ahead; of others the mark is none', async () => {
  const { channel, answers } = piped()
  answers.write('{"ok":true}\n')
  await channel.ready
  const replyTo = (line: string): Promise<unknown> => {
    const reply = run(channel)
    answers.write(`${line}\n`)
    return reply
  }
  assert.deepEqual(await replyTo('~52 {}'), { status: 200, body: '~52 {}' })
  const initialised = init(channel)
  answers.write('{"ok":true,"pipelined":true}\n')
  await initialised
  assert.deepEqual(await replyTo('~52 {}'), { tookMs: 0.052, status: 200, body: '{}' })
  assert.deepEqual(await replyTo('~1500000 +!502 {"error":1}'), { tookMs: 1500, status: 502, body: '{"error":1}' })
  assert.equal(channel.outputPending, true)
  assert.deepEqual(await replyTo('{}'), { status: 200, body: '{}' })
  // The action's own writing to descriptor 3.
  assert.deepEqual(await replyTo('~x'), { tookMs: 0, status: 200, body: '~x' })
})

test('when the process ends, what is in flight is lost, after its last words were heard', async () => {
  const { channel } = processChannel(`echo '{"ok":true}' >&3; read line; echo 'last words' >&2; exit 1`)
  let heard = ''
  channel.onOutput = (stream, chunk) => {
    heard += `${stream}: ${chunk.toString()}`
  }
  await channel.ready
  assert.deepEqual(await run(channel), { type: 'lost' })
  assert.equal(heard, 'stderr: last words\n')
  assert.deepEqual(await run(channel), { type: 'lost' })
})

test('runtimes 1.7: last words without a newline are heard, and whose they are', async () => {
  const { channel, answers, stdout, stderr } = piped()
  answers.write('{"ok":true}\n')
  await channel.ready
  const initialised = init(channel)
  answers.write('{"ok":true,"pipelined":true}\n')
  await initialised
  const heard: unknown[] = []
  channel.onOutput = (stream, chunk, id) => void heard.push([stream, chunk.toString(), id])
  const reply = run(channel)
  stdout.write(`\x1e${ID('1')} whole\n\x1e${ID('1')} half`)
  stderr.end('of a child')
  await new Promise((resolve) => setImmediate(resolve))
  answers.end()
  assert.deepEqual(await reply, { type: 'lost' })
  assert.deepEqual(heard, [
    ['stdout', 'whole\n', ID('1')],
    ['stdout', 'half', ID('1')],
    ['stderr', 'of a child', undefined],
  ])
})

test('all output written before an answer has been delivered when the channel is drained, megabytes of it', async () => {
  const { channel, kill } = processChannel(
    `echo '{"ok":true}' >&3; while read line; do head -c 3000000 /dev/zero | tr '\\0' x; echo; echo '{}' >&3; done`,
  )
  let bytes = 0
  channel.onOutput = (_stream, chunk) => {
    bytes += chunk.length
  }
  await channel.ready
  for (let round = 1; round <= 3; round++) {
    await run(channel)
    await new Promise((resolve) => channel.drained(resolve))
    assert.equal(bytes, round * 3_000_001)
  }
  kill()
})

test('a process that never stops printing does not hold the event loop or the drain', async () => {
  const { channel, kill } = processChannel(`echo '{"ok":true}' >&3; read line; echo '{}' >&3; yes`)
  await channel.ready
  await run(channel)
  let turns = 0
  const timer = setInterval(() => turns++, 5)
  await new Promise((resolve) => channel.drained(resolve))
  await new Promise((resolve) => setTimeout(resolve, 100))
  clearInterval(timer)
  kill()
  assert.ok(turns >= 5, `${turns} turns of the event loop`)
})

test('lines that nobody asked for do not become the answer of nobody', async () => {
  const { channel, answers } = piped()
  answers.write('{"ok":true}\n{"spoof":1}\n')
  await channel.ready
  await new Promise((resolve) => setImmediate(resolve))
  const reply = run(channel)
  answers.write('{"real":1}\n')
  assert.deepEqual(await reply, { status: 200, body: '{"real":1}' })
})
