/** Which records are kept, and what `X-OW-EXTRA-LOGGING: on` does for one request. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Answer, TestServer } from './server.ts'
import { dispose, eventually, startServer } from './server.ts'

const EXTRA = { 'X-OW-EXTRA-LOGGING': 'on' }

describe('8.9: storage levels', () => {
  let server: TestServer
  before(async () => {
    server = await startServer({
      env: {
        STAVE_ACTIVATIONS_STORE_BLOCKING: 'failures',
        CONFIG_whisk_activation_storeNonBlockingResultLevel: 'STORE_FAILURES_NOT_APPLICATION_ERRORS',
      },
    })
    await server.put('good', 'function main() { console.log("kept"); return { good: true } }')
    await server.put('bad', 'function main() { return { error: "of its own" } }')
    await server.put('broken', 'function main() { throw new Error("thrown") }')
  })
  after(async () => {
    assert.equal(await server.stop(), 0)
    dispose(server)
  })

  const invoke = (name: string, blocking: boolean, headers: Record<string, string> = {}): Promise<Answer> =>
    server.call('POST', `/actions/${name}?blocking=${blocking}`, {}, headers)
  /** Status of GET once nothing of it is under way any more. */
  async function kept({ body: { activationId } }: Answer): Promise<number> {
    await eventually('it has ended', async () => (await server.metric('stave_journal_entries')) === 0)
    return (await server.call('GET', `/activations/${activationId}`)).status
  }

  for (const [name, blocking, plain] of [
    ['good', true, 404],
    ['bad', true, 200],
    ['broken', true, 200],
    ['good', false, 404],
    ['bad', false, 404],
    ['broken', false, 200],
  ] as const) {
    test(`a ${blocking ? 'blocking' : 'non-blocking'} call of ${name}: ${plain}, with extra logging 200`, async () => {
      assert.equal(await kept(await invoke(name, blocking)), plain)
      assert.equal(await kept(await invoke(name, blocking, EXTRA)), 200)
      assert.equal(await kept(await invoke(name, blocking, { 'X-OW-EXTRA-LOGGING': 'yes' })), plain)
    })
  }

  test('what is kept by the header is whole, logs included, and what is not is counted', async () => {
    const { body } = await invoke('good', true, { 'x-ow-extra-logging': 'ON' })
    const record = await server.activation(body.activationId)
    assert.match(record.logs.join(), /stdout: kept$/)
    assert.ok((await server.metric('stave_activations_total{event="unstored"}')) >= 3)
  })

  test('1.6: the header gets debug lines for its request alone, without what was passed or answered', async () => {
    await server.call('POST', '/actions/good?blocking=true', { s: 'secret-1' }, { ...EXTRA, 'X-Request-ID': 'asked-1' })
    await server.call('POST', '/actions/good?blocking=true', {}, { 'X-Request-ID': 'quiet-1' })
    await server.call('GET', '/actions/good', undefined, { ...EXTRA, 'X-Request-ID': 'asked-2' })
    await eventually(
      'lines of both',
      () => /"asked-1"[^\n]*"request"/.test(server.output()) && server.output().includes('asked-2'),
    )
    const lines = server
      .output()
      .split('\n')
      .filter((line) => line.includes('asked-1'))
    assert.ok(
      lines.some((line) => line.includes('"level":"debug"') && line.includes('"activationId"')),
      lines.join('\n'),
    )
    assert.ok(!server.output().includes('quiet-1'))
    assert.ok(!server.output().includes('secret-1'))
  })

  test('S4-16: a namespace that stores nothing stores nothing, whatever the header says', async () => {
    assert.equal((await server.admin('PATCH', '/admin/limits/guest', { storeActivations: false })).status, 200)
    assert.equal(await kept(await invoke('broken', true, EXTRA)), 404)
    assert.equal((await server.admin('DELETE', '/admin/limits/guest')).status, 200)
    assert.equal(await kept(await invoke('broken', true)), 200)
  })
})
