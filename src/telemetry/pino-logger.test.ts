import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import type { Clock } from '../model/clock.ts'
import { silentLogger } from './logger.ts'
import { createLogger } from './pino-logger.ts'
import type { LoggerOptions, RootLogger } from './pino-logger.ts'

const clock: Clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6), monotonic: () => 0 }

async function open(options: Partial<LoggerOptions>): Promise<{ readonly log: RootLogger; written: () => string }> {
  let text = ''
  const destination = {
    write(chunk: string) {
      text += chunk
    },
  }
  const log = await createLogger({ level: 'info', format: 'json', terminal: false, clock, destination, ...options })
  return { log, written: () => text }
}

test('H.1: lines are JSON with time, level, message, the fields and those of the parents', async () => {
  const { log, written } = await open({})
  const request = log.child({ transactionId: 'tid1' })
  request.child({ role: 'router' }).info({ status: 200 }, 'answered')
  request.error({ error: new Error('no disk', { cause: 'full' }) }, 'lost')
  const [first, second] = written()
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
  assert.deepEqual(first, {
    level: 'info',
    time: '2026-01-02T03:04:05.006Z',
    transactionId: 'tid1',
    role: 'router',
    status: 200,
    message: 'answered',
  })
  assert.ok(typeof second === 'object' && second !== null && 'error' in second)
  const { error } = second
  assert.ok(typeof error === 'object' && error !== null && 'message' in error && 'stack' in error && 'cause' in error)
  assert.deepEqual([error.message, error.cause], ['no disk', 'full'])
})

test('the level decides, and debugEnabled tells it', async () => {
  const { log, written } = await open({ level: 'warn' })
  log.debug({}, 'no')
  log.info({}, 'no')
  log.child({}).info({}, 'no')
  log.warn({}, 'yes')
  log.error({}, 'yes')
  assert.equal(written().trim().split('\n').length, 2)
  assert.equal(log.debugEnabled, false)
  assert.equal((await open({ level: 'debug' })).log.debugEnabled, true)
  const silent = await open({ level: 'silent' })
  silent.log.error({}, 'no')
  assert.equal(silent.written(), '')
})

test('secrets are covered in message, fields and child fields', async () => {
  const { log, written } = await open({})
  const secret = 'abcdefghijklmnop'
  log.child({ authorization: secret }).info({ headers: { cookie: secret } }, `Bearer ${secret}`)
  assert.ok(!written().includes(secret), written())
})

test('lines cannot be forged by what users put into them', async () => {
  const { log, written } = await open({})
  log.info({ name: 'a\n{"level":"error"}' }, 'x","level":"fatal')
  assert.equal(written().trim().split('\n').length, 1)
})

test('pretty lines are for people and say the same', async () => {
  for (const options of [
    { format: 'pretty', terminal: false },
    { format: 'auto', terminal: true },
  ] as const) {
    const chunks: string[] = []
    const destination = new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk.toString())
        done()
      },
    })
    const { log } = await open({ ...options, destination })
    log.child({ transactionId: 'tid1' }).warn({ status: 503 }, 'busy')
    log.flush()
    await new Promise((resolve) => setImmediate(resolve))
    const text = chunks.join('')
    assert.match(text, /WARN.*busy/)
    assert.match(text, /tid1/)
    assert.match(text, /503/)
    assert.equal(text.includes('\u001b['), options.terminal)
  }
})

test('the silent logger does nothing', () => {
  silentLogger.child({ a: 1 }).error({}, 'x')
  assert.equal(silentLogger.debugEnabled, false)
})
