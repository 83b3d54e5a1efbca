/** What kill -9 leaves of fires: every one that was answered is there in the end, and no rule's action runs twice. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reporting, runCounter } from './run-counter.ts'
import type { TestServer } from './server.ts'
import { dispose, startServer } from './server.ts'

const RULES = ['a', 'b', 'c', 'd']
/** When the server is killed: so many ms after so many answers. While fires are answered, expanded, their calls run, their records stored. */
const KILLS: readonly (readonly [answers: number, afterMs: number])[] = [
  [1, 0],
  [5, 0],
  [20, 0],
  [25, 5],
  [25, 25],
  [25, 100],
]
const FIRES = 25

test('S3-57: after kill -9 at any moment, no fire that was answered is lost and no rule is run twice', async () => {
  const counter = await runCounter()
  let server: TestServer = await startServer()
  const accepted = new Map<string, number>()
  try {
    await server.call('PUT', '/triggers/t', {})
    for (const rule of RULES) {
      const code = reporting(counter.port, 15, `args.fire + '.${rule}'`)
      assert.equal((await server.put(rule, code)).status, 200)
      const made = await server.call('PUT', `/rules/${rule}-rule`, { trigger: '/_/t', action: `/_/${rule}` })
      assert.equal(made.status, 200)
    }
    for (const [round, [answers, afterMs]] of KILLS.entries()) {
      const enough = Promise.withResolvers<void>()
      let answered = 0
      const fires = Array.from({ length: FIRES }, async (_, index) => {
        const fire = round * FIRES + index
        const { status, body } = await server.call('POST', '/triggers/t', { fire })
        assert.equal(status, 202)
        accepted.set(body.activationId, fire)
        if (++answered === answers) enough.resolve()
      })
      // Those that had no answer when it was killed may be there or not, but not in part.
      const settled = Promise.allSettled(fires)
      await enough.promise
      await new Promise((resolve) => setTimeout(resolve, afterMs))
      await server.kill()
      for (const outcome of await settled) {
        if (outcome.status === 'rejected') assert.match(String(outcome.reason), /fetch failed|terminated/)
      }
      server = await startServer({ dataDir: server.dataDir })
    }
    let succeeded = 0
    const calls = new Set<string>()
    for (const [id, fire] of accepted) {
      const { logs, response } = await server.activation(id, 30_000)
      assert.deepEqual(response.result, { fire })
      const lines = logs.map((line) => JSON.parse(line) as { rule: string; activationId: string })
      assert.deepEqual(
        lines.map(({ rule }) => rule),
        RULES.map((rule) => `guest/${rule}-rule`),
      )
      for (const { rule, activationId } of lines) {
        calls.add(activationId)
        const call = await server.activation(activationId, 30_000)
        const ran = counter.runs.get(`${fire}.${call['name'] as string}`) ?? 0
        assert.equal(`guest/${call['name'] as string}-rule`, rule)
        if (call.response.success) {
          assert.equal(ran, 1)
          succeeded++
        } else assert.equal(call.response.status, 'whisk internal error')
      }
    }
    assert.equal(calls.size, accepted.size * RULES.length)
    assert.ok(succeeded > calls.size / 2, `${succeeded} of ${calls.size} calls were run to their end`)
    const twice = [...counter.runs].filter(([, runs]) => runs > 1)
    assert.deepEqual(twice, [])
    assert.equal(await server.metric('stave_journal_entries'), 0)
  } finally {
    await server.stop()
    dispose(server)
    counter.close()
  }
})
