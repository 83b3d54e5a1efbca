import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { CliRun, CliSetting } from './run-cli.ts'
import { runCli } from './run-cli.ts'
import type { ScriptedApi } from './scripted-api.ts'
import { startScriptedApi } from './scripted-api.ts'

const ID = '0f1a2b3c4d5e6f708192a3b4c5d6e7f8'
const LINE = '2016-02-10T15:18:26.454914123Z stdout: hi'
const RECORD = {
  namespace: 'guest',
  name: 'hello',
  version: '0.0.1',
  subject: 'guest',
  activationId: ID,
  start: 1700000000000,
  end: 1700000000050,
  duration: 50,
  publish: false,
  response: { status: 'application error', success: false, result: { error: 'boom' }, size: 17 },
  logs: [LINE],
  annotations: [
    { key: 'path', value: 'guest/hello' },
    { key: 'kind', value: 'nodejs:24' },
    { key: 'initTime', value: 25 },
  ],
}
const { response: _response, logs: _logs, subject: _subject, ...SUMMARY } = { ...RECORD, statusCode: 1 }

describe('stave activation', () => {
  let api: ScriptedApi
  const cli = (args: readonly string[], setting: CliSetting = {}): Promise<CliRun> =>
    runCli(['--apihost', api.url, '-u', 'u:k', 'activation', ...args], setting)

  /** Answers every listing since some time. */
  const lists = (items: () => readonly unknown[]): void =>
    api.on('GET /_/activations?since=*', () => ({ status: 200, body: items() }))

  before(async () => {
    api = await startScriptedApi()
    api.on(`GET /_/activations/${ID}`, { status: 200, body: RECORD })
    api.on(`GET /_/activations/${ID}/logs`, { status: 200, body: { logs: RECORD.logs } })
    api.on(`GET /_/activations/${ID}/result`, { status: 200, body: RECORD.response })
  })
  after(() => api.close())
  beforeEach(() => void api.requests.splice(0))

  test('S4-2: list is the table of wsk', async () => {
    const trigger = {
      ...SUMMARY,
      name: 't',
      annotations: [],
      end: undefined,
      duration: undefined,
      statusCode: undefined,
    }
    const body = [{ ...SUMMARY, namespace: 'a'.repeat(25) }, trigger]
    api.on('GET /_/activations?skip=0&limit=30', { status: 200, body })
    const { out, code } = await cli(['list'])
    assert.equal(code, 0)
    const [header, first, second] = out.split('\n')
    assert.equal(
      header,
      'Datetime            Activation ID                    Kind      Start Duration   Status            Entity',
    )
    assert.match(first ?? '', /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d /)
    assert.equal(
      first?.slice(20),
      `${ID} nodejs:24 cold  50ms       application error aaaaaaaaaaaaaaaaa.../hello:0.0.1`,
    )
    assert.equal(second?.slice(20), `${ID} unknown   warm  0s         success           guest/t:0.0.1`)
  })

  test('S4-2: list hands its filters on', async () => {
    api.on('GET /_/activations?skip=2&limit=0&since=5&upto=9&docs=true&name=pkg%2Fhello', {
      status: 200,
      body: [RECORD],
    })
    const { out } = await cli(['list', 'pkg/hello', '-s', '2', '-l', '0', '--since', '5', '--upto', '9', '--full'])
    assert.equal(out, `activations\n${JSON.stringify(RECORD, null, 4)}\n`)
  })

  test('S4-2: get prints the record, a field, its logs, or one line', async () => {
    assert.equal((await cli(['get', ID])).out, `ok: got activation ${ID}\n${JSON.stringify(RECORD, null, 4)}\n`)
    assert.equal((await cli(['get', ID, 'duration'])).out, `ok: got activation ${ID}, displaying field duration\n50\n`)
    assert.equal((await cli(['get', ID, '--logs'])).out, 'hi\n')
    assert.match(
      (await cli(['get', ID, '--summary'])).out,
      / cold {2}50ms {7}application error guest\/hello:0\.0\.1\n$/,
    )
    assert.deepEqual(JSON.parse((await cli(['get', ID, '--json'])).out), RECORD)
  })

  test('S4-2: logs and result, stripped or not, of an id or the latest', async () => {
    assert.equal((await cli(['logs', ID])).out, `${LINE}\n`)
    assert.equal((await cli(['logs', ID, '--strip'])).out, 'hi\n')
    assert.equal((await cli(['result', ID])).out, '{\n    "error": "boom"\n}\n')
    api.on('GET /_/activations?limit=1&name=hello', { status: 200, body: [SUMMARY] })
    assert.equal((await cli(['logs', '--last', 'hello', '-r'])).out, 'hi\n')
    api.on('GET /_/activations?limit=1', { status: 200, body: [] })
    assert.deepEqual(await cli(['result', '-l']), { code: 1, out: '', err: 'error: There is no activation yet.\n' })
    assert.equal((await cli(['result'])).code, 2)
  })

  test('S4-2: an unknown id is 148, a malformed one 144', async () => {
    const error = 'Activation id length is 3 but must be 32.'
    api.on('GET /_/activations/abc', { status: 400, body: { code: 'T', error } })
    const run = await cli(['get', 'abc'])
    assert.deepEqual(run, { code: 144, out: '', err: `error: Unable to get activation 'abc': ${error} (code T)\n` })
  })

  test('S4-2: poll prints new activations with their logs until its time is over', async () => {
    let time = 1_700_000_000_000
    lists(() => [{ ...SUMMARY, activationId: ID, end: 1_700_000_000_050 }])
    const { out, code } = await cli(['poll', '--exit', '1', '--since-minutes', '1'], { now: () => (time += 1) })
    assert.equal(code, 0)
    assert.equal(
      out,
      `Enter Ctrl-c to exit.\nPolling for activation logs\n\nActivation: 'hello' (${ID})\n[\n    "${LINE}"\n]\n`,
    )
  })

  test('logs --follow prints the lines of activations that end from now on, and ends cleanly when interrupted', async () => {
    const late = 'f'.repeat(32)
    api.on(`GET /_/activations/${late}/logs`, { status: 200, body: { logs: ['2016-02-10T15:18:26.4Z stderr: late'] } })
    const start = 1_700_000_100_000
    lists(() => [
      // Began before we looked and ended after.
      { ...SUMMARY, activationId: late, name: 'slow', start: start - 60_000, end: start + 10 },
      // Ended before.
      { ...SUMMARY, activationId: ID },
    ])
    let interrupt = (): void => undefined
    const run = await cli(['logs', '--follow', '--strip'], {
      now: () => start,
      onSignal: (signal, listener) => {
        if (signal === 'SIGINT') interrupt = listener
        return () => undefined
      },
      onOut: () => interrupt(),
    })
    assert.deepEqual(run, { code: 0, out: 'slow late\n', err: '' })
  })
})
