/** A server that is killed with its containers in all states: the next one takes over those that were suspended, and removes all others of its own. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { instanceOf } from '../../src/containers/docker/instance.ts'
import { ID_LABEL, INSTANCE_LABEL, POOL_LABELS } from '../../src/containers/docker/settings.ts'
import type { Body, TestServer } from '../e2e/server.ts'
import { eventually } from '../e2e/server.ts'
import { needEngine } from './engine-api.ts'
import { dockerHost, skipWithoutEngine } from './engine.ts'
import { containerOf, listed, startDockerServer, stopDockerServer } from './server-kit.ts'
import { TEST_IMAGES } from './test-images.ts'

const CODE = (version: number): string => `
function main({ n, ms = 0 }) {
  console.log('run ' + n)
  const answer = { n, version: ${version}, boot: globalThis.boot ??= Math.random(), secret: process.env.SECRET }
  return new Promise((resolve) => setTimeout(resolve, ms, answer))
}`
const GRACE = ['--containers-pause-grace-ms', '300']
const NEVER = ['--containers-pause-grace-ms', '600000']
const LONG_MS = 60_000
const WAIT_MS = 30_000

const resultOf = ({ response }: Body): Readonly<Record<string, unknown>> => response.result
const idsOf = async (server: TestServer): Promise<readonly string[]> =>
  (await listed(server)).map(({ Id }) => Id).toSorted()

/** What the platform keeps of labels that the engine does not change. */
const labelsIn = (dataDir: string): object =>
  JSON.parse(readFileSync(join(dataDir, 'docker-labels.json'), 'utf8')) as object

/** A container that nobody of these servers has made, with labels of an instance and an epoch. */
async function stranger(instance: string, labels: object): Promise<string> {
  const created = await needEngine(dockerHost, 'POST', '/containers/create', {
    Image: TEST_IMAGES.neverListens,
    Labels: { [INSTANCE_LABEL]: instance, [ID_LABEL]: 'stranger', [POOL_LABELS]: JSON.stringify(labels) },
  })
  const { Id } = created.json() as { readonly Id: string }
  await needEngine(dockerHost, 'POST', `/containers/${Id}/start`)
  return Id
}

const isRunning = async (id: string): Promise<boolean> => {
  const { State } = (await needEngine(dockerHost, 'GET', `/containers/${id}/json`)).json() as {
    readonly State: { readonly Running: boolean }
  }
  return State.Running
}

async function untilSuspended(server: TestServer, count: number): Promise<void> {
  const suspended = 'stave_docker_pauses_total{event="suspends"}'
  await eventually('idle containers are suspended', async () => (await server.metric(suspended)) >= count)
}

describe('containers of a server that was killed', { skip: skipWithoutEngine }, () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'stave-adoption-'))
  const strangers: string[] = []
  after(async () => {
    for (const id of strangers) await needEngine(dockerHost, 'DELETE', `/containers/${id}?force=1`)
    rmSync(dataDir, { recursive: true, force: true })
  })

  test('S1-11: the suspended are taken over with their code and what it remembers; busy ones, stem cells and doubtful ones go', async () => {
    const first = await startDockerServer([...GRACE, '--containers-stem-cells', '{"python":1}'], { dataDir })
    await first.put('kept', CODE(1), { parameters: [{ key: 'n', value: 7 }] })
    await first.put('changed', CODE(1))
    await first.put('overlapping', CODE(1), { limits: { concurrency: 3 } })
    await first.put('busy', CODE(1), { limits: { timeout: LONG_MS } })
    const kept = resultOf((await first.invoke('kept')).body)
    await first.invoke('changed', { n: 1 })
    const overlapping = resultOf((await first.invoke('overlapping', { n: 1 })).body)
    await untilSuspended(first, 3)
    const [keptId, changedId] = await Promise.all(
      ['kept', 'changed'].map(async (name) => (await containerOf(first, name)).Id),
    )
    void first.invoke('busy', { n: 1, ms: LONG_MS }).catch(() => undefined)
    await eventually('it is busy', async () =>
      (await first.containersOf('busy')).some(({ state }) => state === 'active'),
    )
    await delay(300)
    const busyId = (await containerOf(first, 'busy')).Id
    await first.kill()
    const left = await idsOf(first)
    assert.ok(left.length >= 5, `${left.length}`)
    strangers.push(await stranger('another-platform', { 'stave-owner': 'x', 'stave-epoch': '1' }))

    const second = await startDockerServer(GRACE, { dataDir })
    try {
      await eventually('only the suspended are left', async () => (await listed(second)).length === 2, WAIT_MS)
      assert.deepEqual(new Set(await idsOf(second)), new Set([keptId, changedId]))
      assert.ok(left.includes(busyId), 'the kill had left the busy one')
      const { status, body } = await second.invoke('kept')
      assert.equal(status, 200)
      assert.deepEqual(resultOf(body), kept, 'the same process, warm')
      const { logs, annotations } = await second.activation(body.activationId)
      assert.deepEqual(
        logs.map((line) => line.replace(/^\S+ /, '')),
        ['stdout: run 7'],
      )
      assert.ok(!annotations.some(({ key }) => key === 'initTime'))
      await second.put('changed', CODE(2))
      assert.equal(resultOf((await second.invoke('changed', { n: 2 })).body)['version'], 2)
      assert.notEqual(resultOf((await second.invoke('overlapping', { n: 2 })).body)['boot'], overlapping['boot'])
      assert.ok(await isRunning(strangers[0] ?? ''), 'another platform’s container is left alone')
    } finally {
      await second.kill()
    }
    // And once more, with containers that were adopted before: they were suspended again, or not.
    const third = await startDockerServer(NEVER, { dataDir })
    try {
      await third.invoke('kept')
      assert.ok((await third.containersOf('kept')).length === 1)
    } finally {
      await third.kill()
    }
    const fourth = await startDockerServer(NEVER, { dataDir })
    await eventually('what was running idle is removed', async () => (await listed(fourth)).length === 0, WAIT_MS)
    assert.equal((await fourth.invoke('kept')).status, 200)
    await stopDockerServer(fourth)
  })

  test('S1-11: what began as a stem cell is taken over as the container of the action that it serves', async () => {
    const first = await startDockerServer([...GRACE, '--containers-stem-cells', '{"nodejs":1}'])
    const { dataDir: own } = first
    let taken: { readonly Id: string; readonly result: object }
    try {
      await eventually('a stem cell waits', async () =>
        (await first.admin('GET', '/admin/pool')).text.includes('"state":"stem"'),
      )
      await first.put('kept', CODE(1), { limits: { memory: 512 } })
      const { headers, body } = await first.invoke('kept', { n: 1 })
      assert.equal(headers.get('x-stave-start'), 'stem')
      await untilSuspended(first, 1)
      taken = { Id: (await containerOf(first, 'kept')).Id, result: resultOf(body) }
    } finally {
      await first.kill()
    }

    const second = await startDockerServer(GRACE, { dataDir: own })
    try {
      await eventually('the other stem cell is removed', async () => (await listed(second)).length === 1, WAIT_MS)
      const again = await second.invoke('kept', { n: 1 })
      assert.deepEqual(resultOf(again.body), taken.result, 'the same process, warm')
      assert.equal((await containerOf(second, 'kept')).Id, taken.Id)
      assert.deepEqual(Object.keys(labelsIn(own)), [taken.Id])
    } finally {
      assert.equal(await second.stop(), 0)
      assert.deepEqual(labelsIn(own), {})
      rmSync(own, { recursive: true, force: true })
    }
  })

  test('S1-11: containers of a later epoch are not touched', async () => {
    const server = await startDockerServer(NEVER)
    await server.put('kept', CODE(1))
    assert.equal((await server.invoke('kept', { n: 1 })).status, 200)
    const labels = JSON.parse((await containerOf(server, 'kept')).Labels[POOL_LABELS] ?? '{}') as Record<string, string>
    await server.kill()
    const later = await stranger(instanceOf({ nodeName: '', dataDir: server.dataDir }), {
      ...labels,
      'stave-epoch': String(Number(labels['stave-epoch']) + 1_000_000_000),
    })
    const next = await startDockerServer(NEVER, { dataDir: server.dataDir })
    try {
      await eventually('it has noticed', () => next.output().includes('a later leader is at work'))
      await eventually('what is older is removed', async () => (await listed(next)).length === 1)
      assert.ok(await isRunning(later))
    } finally {
      await needEngine(dockerHost, 'DELETE', `/containers/${later}?force=1`)
      await stopDockerServer(next)
    }
  })

  test('S1-11: user code cannot freeze its own container', async () => {
    const server = await startDockerServer(NEVER)
    try {
      const code = `
        const fs = require('fs')
        const attempt = (path) => { try { fs.writeFileSync(path, 'FROZEN'); return 'done' } catch (error) { return error.code } }
        function find(directory, depth) {
          let found = []
          try {
            for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
              const path = directory + '/' + entry.name
              if (/^(freezer.state|cgroup.freeze|cgroup.procs)$/.test(entry.name)) found.push(path)
              else if (entry.isDirectory() && depth > 0) found = found.concat(find(path, depth - 1))
            }
          } catch {}
          return found
        }
        function main() { return { tried: find('/sys/fs/cgroup', 3).map((path) => [path, attempt(path)]) } }`
      await server.put('enemy', code)
      const { status, text, body } = await server.invoke('enemy')
      assert.equal(status, 200, text)
      const tried = body.response.result['tried'] as readonly (readonly [string, string])[]
      assert.ok(tried.length > 0)
      for (const [path, came] of tried) assert.notEqual(came, 'done', path)
    } finally {
      await stopDockerServer(server)
    }
  })
})
