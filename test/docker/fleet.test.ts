/** An invoker with a Docker Engine, as on the nodes of a cluster: the containers of a server that has no engine of its own. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { InvokerProcess } from '../e2e/fleet-processes.ts'
import { startControl, startInvoker, upOf } from '../e2e/fleet-processes.ts'
import { dispose, eventually } from '../e2e/server.ts'
import { INSTANCE_LABEL } from '../../src/containers/docker/settings.ts'
import { needEngine } from './engine-api.ts'
import { dockerHost, skipWithoutEngine } from './engine.ts'
import type { Listed } from './server-kit.ts'
import { localManifest } from './server-kit.ts'

const GREET = 'function main({ name }) { console.log("greeting", name); return { greeting: `Hello ${name}` } }'

async function onEngine(): Promise<readonly Listed[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [INSTANCE_LABEL] }))
  return (await needEngine(dockerHost, 'GET', `/containers/json?all=1&filters=${filters}`)).json() as readonly Listed[]
}

describe('an invoker with a Docker Engine', { skip: skipWithoutEngine }, () => {
  let control: Awaited<ReturnType<typeof startControl>>
  let invoker: InvokerProcess

  before(async () => {
    control = await startControl({ flags: ['--runtimes-manifest', localManifest()] })
    const docker = { STAVE_CONTAINERS_PROVIDER: 'docker', DOCKER_HOST: dockerHost }
    invoker = await startInvoker('node-a', control.url, { env: docker })
    await upOf(control.invokers, 1)
  })
  after(async () => {
    await invoker.stop()
    await control.server.stop()
    dispose(control.server)
  })

  test('S0-5: actions run in containers of its engine, with their logs, and warm the second time', async () => {
    const { server } = control
    await server.put('greet', GREET)
    const first = await server.invoke('greet', { name: 'World' })
    assert.equal(first.status, 200, first.text)
    assert.deepEqual(first.body.response.result, { greeting: 'Hello World' })
    const record = await server.activation(first.body.activationId)
    assert.match(record.logs.join('\n'), /stdout: greeting World$/)
    const second = await server.invoke('greet', { name: 'again' })
    assert.match(second.headers.get('x-stave-start') ?? '', /^(?:warm|thawed)$/)
    assert.equal((await onEngine()).length, 1)
  })

  test('S2-12: what rests is suspended on its engine, and resumed for the next call', async () => {
    const { server } = control
    const [{ Id: id } = assert.fail('there is no container')] = await onEngine()
    await eventually('it is suspended', async () => (await server.metric(SUSPENDED)) >= 1, 20_000)
    assert.equal((await server.invoke('greet', { name: 'you' })).headers.get('x-stave-start'), 'thawed')
    assert.deepEqual(
      (await onEngine()).map(({ Id }) => Id),
      [id],
    )
  })

  test('S0-20: when it is told to go nothing of it is left on the engine', async () => {
    assert.equal(await invoker.stop(), 0)
    assert.deepEqual(await onEngine(), [])
    assert.equal((await control.invokers())[0]?.state, 'away')
  })
})

const SUSPENDED = 'stave_factory_operation_seconds_count{provider="invokers",operation="suspend"}'
