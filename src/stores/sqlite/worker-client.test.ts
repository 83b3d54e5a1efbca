import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { storesFixture } from '../../../test/conformance/sqlite-stores.ts'
import { systemClock } from '../../model/clock.ts'
import { StoreUnavailable } from '../artifact-store.ts'
import type { DatabaseSettings } from './protocol.ts'
import type { WorkerClientOptions } from './worker-client.ts'
import { WorkerClient } from './worker-client.ts'

const fixture = storesFixture()
const clients: WorkerClient[] = []
after(() => Promise.all(clients.map((client) => client.close())))

function open(options: Partial<WorkerClientOptions> = {}): WorkerClient {
  const directory = fixture.directory()
  const settings = (name: string): DatabaseSettings => ({ file: join(directory, `${name}.db`), synchronous: 'normal' })
  const client = new WorkerClient({
    databases: { artifacts: settings('artifacts'), activations: settings('activations'), journal: settings('journal') },
    busyTimeoutMs: 100,
    operationTimeoutMs: 5000,
    maxCalls: 100,
    maxCharacters: 1_000_000,
    clock: systemClock,
    workerFile: new URL('../../../test/conformance/sqlite/failing-worker.ts', import.meta.url),
    ...options,
  })
  clients.push(client)
  return client
}

describe('WorkerClient', () => {
  it('bounds the number of calls under way', async () => {
    const client = open({ maxCalls: 3 })
    const calls = await Promise.allSettled(Array.from({ length: 5 }, () => client.call('artifacts', 'getLimits', 'ns')))
    assert.deepEqual(
      calls.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
    )
    assert.equal(client.refused, 2)
    assert.equal(client.underWay, 0)
    await client.call('artifacts', 'getLimits', 'ns')
  })

  it('bounds the size of calls under way', async () => {
    const client = open({ maxCharacters: 100 })
    const large = client.call('artifacts', 'putLimits', 'ns', 'x'.repeat(200))
    await assert.rejects(client.call('artifacts', 'getLimits', 'ns'), StoreUnavailable)
    await large
    assert.equal(await client.call('artifacts', 'getLimits', 'ns'), 'x'.repeat(200))
  })

  it('rejects a call that has no answer in time', async () => {
    const client = open({ operationTimeoutMs: 1500 })
    await client.control('artifacts', 'open')
    await assert.rejects(client.call('artifacts', 'getLimits', 'hang'), /did not answer within 1500 ms/)
    assert.equal(client.timeouts, 1)
    assert.equal(client.underWay, 0)
  })

  it('rejects what is under way when the thread dies, and starts another, which gets the journal', async () => {
    const client = open()
    await client.call('journal', 'append', 1, 'id', 'lane', 0, 0, 'payload')
    await sleep(500)
    const crash = client.call('artifacts', 'getLimits', 'crash')
    const beside = client.call('journal', 'append', 2, 'other', 'lane', 0, 0, 'payload')
    await assert.rejects(crash, StoreUnavailable)
    await assert.rejects(beside, StoreUnavailable)
    assert.equal(client.crashes, 1)
    assert.deepEqual(await client.call('journal', 'held'), [1, 'lane', 7])
  })

  it('does not start a thread that dies at once in a loop', async () => {
    const client = open({ workerFile: new URL('data:text/javascript,process.exit(1)') })
    await assert.rejects(client.control('artifacts', 'open'), /thread of the store ended: exit code 1/)
    await assert.rejects(client.control('artifacts', 'open'), /about to be started again/)
  })

  it('rejects calls after it was closed', async () => {
    const client = open()
    const waiting = client.control('artifacts', 'open')
    await client.close()
    await client.close()
    await assert.rejects(waiting, StoreUnavailable)
    await assert.rejects(client.call('artifacts', 'getLimits', 'ns'), StoreUnavailable)
  })
})
