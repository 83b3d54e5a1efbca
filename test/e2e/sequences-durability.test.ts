/** Sequences and compositions that nobody waits for, and a server that is killed in the middle of them: they go on where they were. */

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { dispose, eventually, startServer } from './server.ts'
import type { Body, TestServer } from './server.ts'

const INTERRUPTED = 'The action was interrupted by a failure of the platform.'
const STEPS = 6
const RESUMED = 'stave_journal_calls_total{event="resumed"}'

/** Counts the runs of each activation id, told by HTTP: what the platform cannot forget, deny or repeat. */
async function runCounter(): Promise<{ port: number; runs: Map<string, number>; close(): void }> {
  const runs = new Map<string, number>()
  const server = createServer((req, res) => {
    const id = (req.url ?? '').slice(1)
    runs.set(id, (runs.get(id) ?? 0) + 1)
    res.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, runs, close: () => server.close() }
}

/** Reports its run, takes its time, and returns what `result` makes of `args`. */
const reporting = (port: number, ms: number, result: string): string => `
  const http = require('http')
  function main(args) {
    const id = process.env.__OW_ACTIVATION_ID
    return new Promise((resolve, reject) => {
      http.get('http://127.0.0.1:${port}/' + id, (res) => {
        res.resume()
        setTimeout(() => resolve(${result}), ${ms})
      }).on('error', reject)
    })
  }`
const SEEN = '{ seen: [...(args.seen || []), id] }'
const CONDUCT = `{ ...((args.seen || []).length < ${STEPS} ? { action: 'work', params: { seen: args.seen } } : { params: { seen: args.seen } }) }`

interface Kind {
  readonly name: string
  readonly idempotent: boolean
  /** Steps of one that comes to its end. */
  readonly steps: number
}

async function killedInTheMiddle(kind: Kind): Promise<void> {
  const counter = await runCounter()
  let server: TestServer = await startServer()
  const accepted: string[] = []
  let resumed = 0
  try {
    const annotations = [{ key: 'idempotent', value: kind.idempotent }]
    await server.put('work', reporting(counter.port, 40, SEEN), { annotations })
    const conductor = [...annotations, { key: 'conductor', value: true }]
    await server.put('conduct', reporting(counter.port, 1, CONDUCT), { annotations: conductor })
    const components = Array.from({ length: STEPS }, () => '/_/work')
    const inner = { kind: 'sequence', components: components.slice(1) }
    assert.equal((await server.call('PUT', '/actions/inner', { exec: inner })).status, 200)
    const outer = { kind: 'sequence', components: ['/_/work', '/_/inner'] }
    assert.equal((await server.call('PUT', '/actions/sequence', { exec: outer })).status, 200)
    for (let round = 0; round < 4; round++) {
      const before = counter.runs.size
      for (let call = 0; call < 4; call++) {
        const { status, body } = await server.invoke(kind.name, {}, '')
        assert.equal(status, 202)
        accepted.push(body.activationId)
      }
      // In the middle: some steps of the first ones have been run, and not nearly all.
      await eventually('steps are run', () => counter.runs.size > before + 2 * round)
      await new Promise((resolve) => setTimeout(resolve, 15 * round))
      await server.kill()
      server = await startServer({ dataDir: server.dataDir })
      await eventually('the journal is taken up', async () => (await server.metric(RESUMED)) > 0)
      resumed += await server.metric(RESUMED)
    }
    assert.ok(resumed >= 4, `${resumed} went on after a kill`)
    // One that no kill meets: all the others may have been in the middle of a step.
    accepted.push((await server.invoke(kind.name, {}, '')).body.activationId)
    await check(server, accepted, counter.runs, kind)
  } finally {
    await server.stop()
    dispose(server)
    counter.close()
  }
}

async function check(
  server: TestServer,
  accepted: readonly string[],
  runs: ReadonlyMap<string, number>,
  { idempotent, steps }: Kind,
): Promise<void> {
  const known = new Set<string>()
  let interrupted = 0
  for (const id of accepted) {
    const record = await server.activation(id, 60_000)
    const leaves = await leavesOf(server, record)
    for (const leaf of leaves) {
      known.add(leaf.activationId)
      const ran = runs.get(leaf.activationId) ?? 0
      if (!idempotent) assert.ok(ran <= 1, `${leaf.activationId} ran ${ran} times`)
      if (leaf.response.success) assert.ok(ran >= 1, `${leaf.activationId} says that it ran`)
      else assert.deepEqual(leaf.response.result, { error: INTERRUPTED })
    }
    if (record.response.success) {
      assert.equal(leaves.length, steps)
      const seen = record.response.result['seen']
      assert.ok(Array.isArray(seen) && seen.length === STEPS, record.activationId)
      // Each step was given what the one before it returned.
      assert.deepEqual(
        seen,
        leaves.filter(({ name }) => name === 'work').map(({ activationId }) => activationId),
      )
    } else {
      interrupted++
      assert.equal(idempotent, false, JSON.stringify(record.response))
      assert.equal(record.response.status, 'whisk internal error')
      assert.equal(leaves.at(-1)?.response.status, 'whisk internal error')
    }
  }
  // Nothing ran that is not told of: no step changed its id.
  assert.deepEqual(
    [...runs.keys()].filter((id) => !known.has(id)),
    [],
  )
  // At most the steps that were under way when the server was killed.
  assert.ok(interrupted < accepted.length, `${interrupted} of ${accepted.length} were interrupted`)
}

/** The records of the actions that a flow ran, in order, those of inner flows in their place. */
async function leavesOf(server: TestServer, record: Body): Promise<readonly Body[]> {
  const leaves: Body[] = []
  for (const id of record.logs) {
    const part = await server.activation(id)
    assert.equal(part['cause'], record.activationId)
    const isFlow = part.annotations.some(({ key }) => key === 'topmost')
    leaves.push(...(isFlow ? await leavesOf(server, part) : [part]))
  }
  return leaves
}

test('S4-78: after kill -9 a sequence goes on after its last finished step, and none runs twice', () =>
  killedInTheMiddle({ name: 'sequence', idempotent: false, steps: STEPS }))

test('S4-78: after kill -9 a sequence of idempotent actions comes to its end', () =>
  killedInTheMiddle({ name: 'sequence', idempotent: true, steps: STEPS }))

test('S4-80: after kill -9 a composition of idempotent actions comes to its end', () =>
  killedInTheMiddle({ name: 'conduct', idempotent: true, steps: 2 * STEPS + 1 }))
