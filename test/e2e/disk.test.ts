/** The disk of the data directory is full: writes are refused, reads and warm calls go on, nothing accepted is lost, and room is enough to mend it. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { SmallDisk } from '../conformance/small-disk.ts'
import { mountSmallDisk } from '../conformance/small-disk.ts'
import type { Answer, Body, TestServer } from './server.ts'
import { eventually, startServer } from './server.ts'

const UNAVAILABLE = 'The server is currently unavailable (because it is overloaded or down for maintenance).'
const directory = mkdtempSync(join(tmpdir(), 'stave-disk-'))
const disk = mountSmallDisk(directory, 48)
if (disk === undefined) rmSync(directory, { recursive: true })

describe('a full disk', { skip: disk === undefined && 'only root may mount a small disk' }, () => {
  let server: TestServer
  let small: SmallDisk
  /** Ids of all that was accepted, with the result that each must have. */
  const accepted = new Map<string, unknown>()
  before(async () => {
    assert.ok(disk !== undefined)
    small = disk
    server = await startServer({ dataDir: directory })
    await server.put('echo', 'function main(a) { return { n: a.n } }')
    await server.put('other', 'function main() { return {} }')
  })
  after(async () => {
    await server.stop()
    small.unmount()
    rmSync(directory, { recursive: true, force: true })
  })

  async function blocking(n: number): Promise<void> {
    const { status, body, text } = await server.invoke('echo', { n })
    assert.equal(status, 200, text)
    assert.deepEqual(body.response.result, { n })
    accepted.set(body.activationId, n)
  }

  async function nonBlocking(n: number, padding = ''): Promise<Answer> {
    const answer = await server.invoke('echo', { n, padding }, '')
    if (answer.status === 202) accepted.set(answer.body.activationId, n)
    return answer
  }

  async function assertRefused(answer: Answer): Promise<void> {
    assert.equal(answer.status, 503, answer.text)
    assert.equal(answer.body.error, UNAVAILABLE)
    assert.equal(answer.body.code, answer.headers.get('x-request-id'))
    assert.equal(answer.headers.get('retry-after'), '1')
    // Whoever is told the transaction id finds the reason in the log.
    const logged = (): string | undefined =>
      server
        .output()
        .split('\n')
        .find((line) => line.includes(`"transactionId":"${answer.body.code}"`))
    await eventually('the reason is in the log', () => logged() !== undefined)
    assert.match(logged() ?? '', /"level":"error".*full/)
  }

  const readiness = async (): Promise<{ status: number; body: Body }> => server.admin('GET', '/readyz')

  test('writes are answered 503 while reads and warm calls go on', async () => {
    for (let n = 0; n < 20; n++) await blocking(n)
    for (let n = 0; n < 20; n++) assert.equal((await nonBlocking(n)).status, 202)
    small.fill()
    const code = `function main() {} // ${'x'.repeat(3 << 20)}`
    await assertRefused(await server.put('new', code))
    await assertRefused(await server.put('echo', code))
    const padding = 'x'.repeat(900_000)
    let refused = 0
    for (let n = 100; n < 140 && refused < 3; n++) {
      const answer = await nonBlocking(n, padding)
      if (answer.status === 202) continue
      await assertRefused(answer)
      refused++
    }
    assert.equal(refused, 3)
    for (let n = 200; n < 500; n++) await blocking(n)
    assert.equal((await server.call('GET', '/actions/echo')).status, 200)
    assert.equal((await server.call('GET', '/actions/new')).status, 404)
    assert.equal((await server.call('GET', '/actions')).status, 200)
    for (const id of [...accepted.keys()].slice(-20)) {
      assert.equal((await server.activation(id)).response.result['n'], accepted.get(id))
    }
    assert.equal((await server.admin('GET', '/livez')).status, 200)
  })

  test('readiness says what is wrong', async () => {
    let last: Body | undefined
    await eventually('not ready', async () => {
      const { status, body } = await readiness()
      last = body
      return status === 503
    })
    const checks = last?.['checks'] as readonly { readonly name: string; readonly reason: string }[]
    assert.ok(checks.length > 0)
    assert.match(JSON.stringify(checks), /full|space/i)
  })

  test('with room again it recovers by itself, and all that was accepted is there', async () => {
    small.free()
    await eventually('ready', async () => (await readiness()).status === 200, 20_000)
    assert.equal((await server.put('new', 'function main() { return {} }')).status, 200)
    assert.equal((await nonBlocking(1000)).status, 202)
    await blocking(1001)
    await assertAllThere()
    await eventually('all are stored', async () => (await server.metric('stave_activations_pending')) === 0, 20_000)
    assert.equal(await server.metric('stave_journal_entries'), 0)
  })

  test('and after a restart', async () => {
    assert.equal(await server.stop(), 0)
    server = await startServer({ dataDir: directory })
    await assertAllThere()
    const { body } = await server.call('GET', '/activations?count=true')
    assert.equal(body['activations'], accepted.size)
  })

  async function assertAllThere(): Promise<void> {
    for (const [id, n] of accepted) {
      const { response } = await server.activation(id, 20_000)
      assert.deepEqual([response.status, response.result], ['success', { n }])
    }
  }
})
