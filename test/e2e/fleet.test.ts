/** A control plane with invokers as operators run them: they are added and taken away under load, killed, and outlive their control plane. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { parseAllDocuments } from 'yaml'
import { ROOM, startControl, startInvoker, upOf } from './fleet-processes.ts'
import type { InvokerProcess } from './fleet-processes.ts'
import type { Answer, PoolEntry, TestServer } from './server.ts'
import { dispose, eventually } from './server.ts'

const SLOW = 'const main = ({ ms }) => new Promise((resolve) => setTimeout(resolve, ms, { done: true }))'
/** Longest silence by default: what is unwell is known to be so after that. */
const HEALTH_PERIOD_MS = 10_000

type Control = Awaited<ReturnType<typeof startControl>>

async function nodesOf(server: TestServer, action: string): Promise<ReadonlySet<string>> {
  const serving = (await server.containersOf(action)).filter(({ state }) => state === 'idle' || state === 'active')
  return new Set(serving.map(({ node }) => node))
}

/** Calls all the time until it is ended; resolves with the answers that were no success. */
function load(
  server: TestServer,
  action: string,
  atOnce: number,
): { end(): Promise<{ calls: number; failed: readonly Answer[] }> } {
  let goesOn = true
  let calls = 0
  const failed: Answer[] = []
  const callers = Array.from({ length: atOnce }, async () => {
    while (goesOn) {
      // Longer than a container takes to start: whoever waits wants one of its own, and not a turn in another's.
      const answer = await server.invoke(action, { ms: 400 })
      calls++
      if (answer.status !== 200) failed.push(answer)
    }
  })
  return {
    async end() {
      goesOn = false
      await Promise.all(callers)
      return { calls, failed }
    },
  }
}

describe('a fleet of invokers', () => {
  let control: Control
  const running = new Map<string, InvokerProcess>()

  async function add(...nodes: readonly string[]): Promise<void> {
    for (const invoker of await Promise.all(nodes.map((node) => startInvoker(node, control.url)))) {
      running.set(invoker.node, invoker)
    }
  }

  async function take(...nodes: readonly string[]): Promise<readonly (number | null | undefined)[]> {
    const codes = await Promise.all(nodes.map(async (node) => running.get(node)?.stop()))
    for (const node of nodes) running.delete(node)
    return codes
  }

  before(async () => {
    control = await startControl({ env: { INVOKER_COUNT: '1' } })
    assert.equal((await control.server.put('slow', SLOW)).status, 200)
  })
  after(async () => {
    await Promise.all([...running.values()].map((invoker) => invoker.stop()))
    await control.server.stop()
    dispose(control.server)
  })

  test('S0-20: without invokers nothing is ready, and a call waits for the first of them', async () => {
    const { body } = await control.server.admin('GET', '/readyz')
    assert.match(JSON.stringify(body), /no invoker is registered: start `stave invoker` on a node/)
    const call = control.server.invoke('slow', { ms: 1 })
    await delay(300)
    await add('node-0')
    assert.equal((await call).status, 200)
    await eventually('it is ready', async () => (await control.server.admin('GET', '/readyz')).status === 200)
  })

  test('a kind that no node has is said to be that', async () => {
    const { server } = control
    await server.call('PUT', '/actions/old', { exec: { kind: 'java:8', code: 'x', main: 'X' } })
    const { status, body } = await server.invoke('old')
    assert.equal(status, 502)
    assert.deepEqual(body.response.result, { error: "no node runs the kind 'java:8'" })
  })

  test('S1-8: from one to five each gets work within a health period, from five to two none fails', async () => {
    const { server } = control
    const work = load(server, 'slow', 5 * ROOM - 2)
    await delay(500)
    await add('node-1', 'node-2', 'node-3', 'node-4')
    await upOf(control.invokers, 5)
    await eventually('all five have work', async () => (await nodesOf(server, 'slow')).size === 5, HEALTH_PERIOD_MS)
    assert.deepEqual(await take('node-1', 'node-2', 'node-4'), [0, 0, 0])
    await upOf(control.invokers, 2)
    assert.deepEqual([...(await nodesOf(server, 'slow'))].toSorted(), ['node-0', 'node-3'])
    await delay(500)
    const { calls, failed } = await work.end()
    assert.deepEqual(
      failed.map(({ status, text }) => `${status} ${text}`),
      [],
    )
    assert.ok(calls > 50, `${calls} calls`)
    const states = Object.fromEntries((await control.invokers()).map(({ node, state }) => [node, state]))
    const away = { 'node-1': 'away', 'node-2': 'away', 'node-4': 'away' }
    assert.deepEqual(states, { 'node-0': 'up', 'node-3': 'up', ...away })
    assert.equal(await server.metric('stave_invokers_total{event="lost"}'), 0)
    assert.equal(await server.metric('stave_invokers_total{event="released"}'), 3)
  })

  test('S1-9: INVOKER_COUNT said one all the while, and was told once that it means nothing', () => {
    assert.equal(control.server.output().match(/INVOKER_COUNT is deprecated and ignored/g)?.length, 1)
  })

  test('S0-5: an invoker that comes back has its number, and the operator sees which are up', async () => {
    const numbers = new Map((await control.invokers()).map(({ node, number }) => [node, number]))
    assert.equal(new Set(numbers.values()).size, 5)
    await add('node-2')
    await upOf(control.invokers, 3)
    const again = new Map((await control.invokers()).map(({ node, number }) => [node, number]))
    assert.deepEqual(again, numbers)
  })

  test('S0-8: a node that dies takes its runs with it and no others, and is worked around', async () => {
    const { server } = control
    // Nothing is known of how long it takes: nobody waits for a busy container of it.
    await server.put('slower', SLOW)
    const calls = Array.from({ length: 3 * ROOM }, () => server.invoke('slower', { ms: 4000 }))
    await eventually('all are at work', async () => {
      const pool = (await server.admin('GET', '/admin/pool')).body as unknown as readonly PoolEntry[]
      return pool.filter(({ state }) => state === 'active').length === 3 * ROOM
    })
    const died = running.get('node-2')
    running.delete('node-2')
    await died?.kill()
    const statuses = (await Promise.all(calls)).map(({ status }) => status)
    assert.equal(statuses.filter((status) => status === 200).length, 2 * ROOM)
    assert.ok(statuses.filter((status) => status !== 200).every((status) => status === 502 || status === 500))
    await upOf(control.invokers, 2)
    assert.equal((await server.invoke('slow', { ms: 1 })).status, 200)
    assert.equal(await server.metric('stave_invokers_total{event="lost"}'), 1)
  })

  test('S0-5: containers outlive their control plane, and serve the next one without another init', async () => {
    const { server, port } = control
    await eventually('all are idle', async () =>
      (await server.containersOf('slow')).every(({ state }) => state === 'idle'),
    )
    await server.invoke('slow', { ms: 1 })
    await server.kill()
    control = await startControl({ dataDir: server.dataDir, port })
    await upOf(control.invokers, 2)
    await eventually('they are taken over', async () => (await nodesOf(control.server, 'slow')).size > 0)
    const answer = await control.server.invoke('slow', { ms: 1 })
    assert.equal(answer.status, 200, answer.text)
    assert.match(answer.headers.get('x-stave-start') ?? '', /^(?:warm|thawed)$/)
  })

  test('S0-5: an invoker without the token is refused, says so in its readiness, and goes on trying', async () => {
    const stranger = await startInvoker('stranger', control.url, {
      env: { STAVE_INVOKERS_TOKEN: 'quite another token' },
    })
    await eventually('it is refused', async () => (await stranger.inside('/readyz')).text.includes('401'))
    assert.equal((await stranger.inside('/readyz')).status, 503)
    assert.equal((await stranger.inside('/livez')).status, 200)
    assert.match((await stranger.inside('/metrics')).text, /^stave_invoker_registered 0$/m)
    assert.equal(
      (await control.invokers()).some(({ node }) => node === 'stranger'),
      false,
    )
    assert.equal(await stranger.stop(), 0)
  })
})

/** A cluster's nodes by their labels, with the DaemonSet of the manifest: each node that its affinity accepts has an invoker, the others have none. */
function scheduler(url: string): {
  label(node: string, labels: Readonly<Record<string, string>>): Promise<void>
  stop(): Promise<void>
} {
  const manifests = parseAllDocuments(readFileSync('deploy/kubernetes/invoker-dcf.yml', 'utf8'))
  const daemonSet = manifests.map((each) => each.toJS() as DaemonSet).find(({ kind }) => kind === 'DaemonSet')
  const terms =
    daemonSet?.spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms
  assert.ok(terms !== undefined && terms.length > 0)
  const pods = new Map<string, InvokerProcess>()
  return {
    async label(node, labels) {
      const isChosen = terms.some(({ matchExpressions }) =>
        matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? '')),
      )
      const pod = pods.get(node)
      if (isChosen && pod === undefined) pods.set(node, await startInvoker(node, url))
      if (isChosen || pod === undefined) return
      pods.delete(node)
      assert.equal(await pod.stop(), 0)
    },
    async stop() {
      await Promise.all([...pods.values()].map((pod) => pod.stop()))
    },
  }
}

interface DaemonSet {
  readonly kind: string
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly affinity: {
          readonly nodeAffinity: {
            readonly requiredDuringSchedulingIgnoredDuringExecution: {
              readonly nodeSelectorTerms: readonly {
                readonly matchExpressions: readonly { readonly key: string; readonly values: readonly string[] }[]
              }[]
            }
          }
        }
      }
    }
  }
}

test('S0-20: labelled nodes have an invoker, others none; without its label a node drains and is gone', async () => {
  const { server, url, invokers } = await startControl()
  const cluster = scheduler(url)
  const isInvoker = { 'openwhisk-role': 'invoker' }
  const numbers = async (): Promise<unknown> =>
    Object.fromEntries((await invokers()).map(({ node, number, state }) => [node, { number, state }]))
  try {
    await cluster.label('a', isInvoker)
    await cluster.label('b', isInvoker)
    await cluster.label('c', { 'openwhisk-role': 'core' })
    await upOf(invokers, 2)
    assert.deepEqual(await numbers(), { a: { number: 0, state: 'up' }, b: { number: 1, state: 'up' } })
    await server.put('slow', SLOW)
    const calls = Array.from({ length: 2 * ROOM }, () => server.invoke('slow', { ms: 1500 }))
    await eventually('both have work', async () => (await nodesOf(server, 'slow')).size === 2)
    await cluster.label('b', {})
    assert.deepEqual(await numbers(), { a: { number: 0, state: 'up' }, b: { number: 1, state: 'away' } })
    for (const { status, text } of await Promise.all(calls)) assert.equal(status, 200, text)
    assert.deepEqual([...(await nodesOf(server, 'slow'))], ['a'])
    await cluster.label('b', isInvoker)
    await upOf(invokers, 2)
    assert.deepEqual(await numbers(), { a: { number: 0, state: 'up' }, b: { number: 1, state: 'up' } })
  } finally {
    await cluster.stop()
    await server.stop()
    dispose(server)
  }
})
