import assert from 'node:assert/strict'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { systemTimers } from '../../model/clock.ts'
import type { ActivationId } from '../../model/ids.ts'
import type { RuntimeReply } from '../runtime-channel.ts'
import type { HttpChannel } from './http-channel.ts'
import { createHttpChannel } from './http-channel.ts'
import type { SentinelOutput } from './sentinel-output.ts'
import { SENTINEL } from '../sentinel.ts'
import { createSentinelOutput } from './sentinel-output.ts'

type Answer = (body: string, req: IncomingMessage, res: ServerResponse) => void

interface Scene {
  readonly channel: HttpChannel
  readonly output: SentinelOutput
  readonly server: Server
  readonly connections: () => number
}

const closing: (() => void)[] = []
after(() => closing.forEach((close) => close()))

/** A runtime that answers as the test wants. */
async function open(answer: Answer, options: { readonly concurrent?: boolean } = {}): Promise<Scene> {
  let connections = 0
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => answer(Buffer.concat(chunks).toString(), req, res))
  })
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const output = createSentinelOutput(true, systemTimers)
  const channel = createHttpChannel({
    origin: `http://127.0.0.1:${port}`,
    output,
    concurrent: options.concurrent === true,
    answerLimitBytes: 1000,
  })
  closing.push(() => {
    channel.close()
    server.close().closeAllConnections()
  })
  return { channel, output, server, connections: () => connections }
}

function init(channel: HttpChannel, message = '{"value":{}}'): Promise<RuntimeReply> {
  return new Promise((resolve) => {
    channel.init(message, resolve)
  })
}

function run(channel: HttpChannel, message = '{"value":{}}'): Promise<RuntimeReply> {
  return new Promise((resolve) => {
    channel.run('0'.repeat(32) as ActivationId, message, resolve)
  })
}

const ok: Answer = (_body, _req, res) => res.end('{"ok":true}')

describe('HTTP channel', () => {
  test('messages arrive as they are, answers with status and body', async () => {
    const seen: string[] = []
    const { channel } = await open((body, req, res) => {
      seen.push(`${req.method} ${req.url} ${req.headers['content-type']} ${body}`)
      res.writeHead(req.url === '/init' ? 200 : 502).end('{"error":"no"}')
    })
    await init(channel, '{"value":{"code":"ü"}}')
    const reply = await run(channel, Buffer.from('{"value":{"a":"ü"}}').toString('latin1'))
    assert.deepEqual(seen, [
      'POST /init application/json {"value":{"code":"ü"}}',
      'POST /run application/json {"value":{"a":"ü"}}',
    ])
    assert.deepEqual(reply, { type: 'answer', status: 502, body: Buffer.from('{"error":"no"}') })
  })

  test('the connection is kept between runs', async () => {
    const { channel, connections } = await open(ok)
    await init(channel)
    for (let round = 0; round < 5; round++) await run(channel)
    assert.equal(connections(), 1)
  })

  test('S2-12: a container that was suspended is met on a new connection', async () => {
    const { channel, connections } = await open(ok)
    await init(channel)
    channel.rest()
    assert.equal((await run(channel)).type, 'answer')
    assert.equal(connections(), 2)
  })

  test('S2-12: a runtime that keeps connections for longer than the channel is met on the one that there is', async () => {
    for (const [kept, expected] of [
      ['timeout=86400', 1],
      ['timeout=5, max=100', 2],
    ] as const) {
      const { channel, connections } = await open((_body, _req, res) => {
        res.setHeader('Keep-Alive', kept).end('{}')
      })
      await init(channel)
      channel.rest()
      assert.equal((await run(channel)).type, 'answer')
      assert.equal(connections(), expected, kept)
    }
  })

  test('what exceeds the limit is counted, its beginning kept', async () => {
    const { channel } = await open((_body, _req, res) => res.end('x'.repeat(5_000_000)))
    const reply = await run(channel)
    assert.equal(reply.type, 'tooLarge')
    assert.deepEqual(
      reply.type === 'tooLarge' && [reply.status, reply.length, reply.prefix.length],
      [200, 5_000_000, 1000],
    )
  })

  test('an answer without a length is taken', async () => {
    const { channel } = await open((_body, _req, res) => {
      res.write('{"a"')
      setImmediate(() => res.end(':1}'))
    })
    assert.deepEqual(await run(channel), { type: 'answer', status: 200, body: Buffer.from('{"a":1}') })
  })

  test('a runtime that breaks off has lost the run', async () => {
    const { channel } = await open((_body, req) => req.socket.destroy())
    assert.deepEqual(await run(channel), { type: 'lost' })
    assert.equal(channel.broken, true)
  })

  test('a runtime that breaks off in the middle of its answer has lost the run', async () => {
    const { channel } = await open((_body, req, res) => {
      res.writeHead(200, { 'Content-Length': '10' }).write('{"a"')
      setImmediate(() => req.socket.destroy())
    })
    assert.deepEqual(await run(channel), { type: 'lost' })
  })

  test('a runtime that does not listen any more has not begun the run', async () => {
    const { channel, server } = await open(ok)
    await init(channel)
    channel.rest()
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
    assert.deepEqual(await run(channel), { type: 'lost', reached: false })
  })

  test('a connection that the runtime has closed while idle costs nothing', async () => {
    const { channel, server } = await open(ok)
    await init(channel)
    server.closeIdleConnections()
    await delay(20)
    assert.equal((await run(channel)).type, 'answer')
  })

  test('close answers what is in flight, and what comes later, with lost', async () => {
    const { channel } = await open(() => undefined)
    const waiting = run(channel)
    await delay(20)
    channel.close()
    channel.close()
    assert.deepEqual(await waiting, { type: 'lost' })
    assert.deepEqual(await run(channel), { type: 'lost', reached: false })
  })

  test('close answers a run whose connection was still being made as one that has not begun', async () => {
    const { channel, server } = await open(ok)
    await run(channel)
    channel.rest()
    server.close().closeAllConnections()
    const waiting = run(channel)
    channel.close()
    assert.deepEqual(await waiting, { type: 'lost', reached: false })
  })

  test('runs overlap where the container was started for it and the init went well', async () => {
    const held: ServerResponse[] = []
    const { channel } = await open(
      (_body, req, res) => {
        if (req.url === '/init') return ok('', req, res)
        held.push(res)
        if (held.length === 3) for (const each of held) each.end('{}')
      },
      { concurrent: true },
    )
    assert.equal(channel.concurrent, false)
    await init(channel)
    assert.equal(channel.concurrent, true)
    const replies = await Promise.all([run(channel), run(channel), run(channel)])
    assert.deepEqual(new Set(replies.map(({ type }) => type)), new Set(['answer']))
  })

  test('output is whole when both sentinels of the run were seen', async () => {
    const { channel, output } = await open(ok)
    let text = ''
    channel.onOutput = (stream, chunk) => {
      text += `${stream}:${chunk.toString()}`
    }
    await init(channel)
    await run(channel)
    output.feed('stdout', Buffer.from('hello\n'))
    output.feed('stdout', Buffer.from(`${SENTINEL}\n`))
    let whole: boolean | undefined
    channel.drained((told) => (whole = told))
    assert.equal(whole, undefined)
    output.feed('stderr', Buffer.from(`no end${SENTINEL}\n`))
    assert.equal(whole, true)
    assert.equal(text, 'stdout:hello\nstderr:no end')
  })

  test('a run that says that it printed nothing is not waited for, and does not shift the sentinels of the next', async () => {
    let none = true
    const { channel, output } = await open((_body, _req, res) => {
      if (none) res.setHeader('X-Stave-Output', 'none')
      res.end('{}')
    })
    await run(channel)
    assert.equal(channel.outputPending, false)
    none = false
    await run(channel)
    assert.equal(channel.outputPending, true)
    let whole: boolean | undefined
    channel.drained((told) => (whole = told))
    for (const stream of ['stdout', 'stderr'] as const) output.feed(stream, Buffer.from(`${SENTINEL}\n`))
    assert.equal(whole, undefined)
    for (const stream of ['stdout', 'stderr'] as const) output.feed(stream, Buffer.from(`${SENTINEL}\n`))
    assert.equal(whole, true)
  })

  test('a run that has left its sentinels out is not counted; every run offers that', async () => {
    const offers: unknown[] = []
    let headers: Readonly<Record<string, string>> = { 'X-Stave-Output': 'none', 'X-Stave-Silent': '1' }
    const { channel, output } = await open((_body, req, res) => {
      offers.push(req.headers['x-stave-silent'])
      res.writeHead(200, headers).end('{}')
    })
    await init(channel)
    await run(channel)
    assert.equal(channel.outputPending, false)
    headers = {}
    await run(channel)
    let whole: boolean | undefined
    channel.drained((told) => (whole = told))
    assert.equal(whole, undefined)
    for (const stream of ['stdout', 'stderr'] as const) output.feed(stream, Buffer.from(`${SENTINEL}\n`))
    assert.equal(whole, true)
    assert.deepEqual(offers, [undefined, '1', '1'])
  })

  test('after output that never became whole, the container takes no further run', async () => {
    const { channel, output } = await open(ok)
    await run(channel)
    output.whenWhole = (_run, done) => done(false)
    channel.drained(() => undefined)
    assert.deepEqual(await run(channel), { type: 'lost', reached: false })
  })
})
