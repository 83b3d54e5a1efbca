/** Images of users by way of the API: what works, and what everything that does not work ends as. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { MESSAGES } from '../../src/proxy/classify.ts'
import type { Answer, PoolEntry, TestServer } from '../e2e/server.ts'
import { eventually } from '../e2e/server.ts'
import { needEngine } from './engine-api.ts'
import { dockerHost, skipWithoutEngine } from './engine.ts'
import { containerOf, startDockerServer, stopDockerServer } from './server-kit.ts'
import { NODEJS_IMAGE, TEST_IMAGES } from './test-images.ts'

const LOCAL = ['--docker-pull-policy', 'never', '--containers-start-timeout-ms', '10000']
const blackbox = (image: string, code?: string): object => ({
  kind: 'blackbox',
  image,
  ...(code !== undefined && { code }),
})

async function put(server: TestServer, name: string, exec: object, limits: object = {}): Promise<void> {
  const { status, text } = await server.call('PUT', `/actions/${name}`, { exec, limits })
  assert.equal(status, 200, text)
}

const outcome = ({ status, body, text }: Answer): readonly unknown[] => [
  status,
  body.response?.result ?? JSON.parse(text),
]

interface HostConfig {
  readonly ReadonlyRootfs: boolean
  readonly CapDrop: readonly string[]
}

async function hostConfig(server: TestServer, action: string): Promise<HostConfig> {
  const { Id } = await containerOf(server, action)
  const inspected = (await needEngine(dockerHost, 'GET', `/containers/${Id}/json`)).json()
  return (inspected as { readonly HostConfig: HostConfig }).HostConfig
}

describe('images of users', { skip: skipWithoutEngine }, () => {
  let server: TestServer
  before(async () => {
    server = await startDockerServer(LOCAL)
    await put(server, 'own', blackbox(TEST_IMAGES.blackbox), { timeout: 3000, memory: 128 })
  })
  after(async () => stopDockerServer(server))

  test('S1-7: an image without code works, warm as well; what it prints without sentinels is its log', async () => {
    for (const print of ['first\n', 'second\n']) {
      const { status, body } = await server.invoke('own', { print })
      assert.equal(status, 200)
      assert.deepEqual(body.response.result, { image: 'blackbox', id: body.activationId, value: { print } })
      const { logs } = await server.activation(body.activationId)
      assert.deepEqual(
        logs.map((line) => line.replace(/^\S+ /, '')),
        [`stdout: ${print.trim()}`],
      )
    }
  })

  test('S1-7: an image with code gets it with its init', async () => {
    await put(server, 'withcode', blackbox(NODEJS_IMAGE, 'function main({ n }) { console.log(n); return { n } }'))
    const { status, text, body } = await server.invoke('withcode', { n: 7 })
    assert.equal(status, 200, text)
    assert.deepEqual(body.response.result, { n: 7 })
  })

  const outcomes: readonly (readonly [string, object, number, object])[] = [
    ['an answer without a length', { chunked: true, raw: '{"chunked":true}' }, 200, { chunked: true }],
    ['an array', { raw: '[1,2]' }, 200, [1, 2]],
    ['no JSON', { raw: 'no' }, 502, { error: MESSAGES.invalidRun('no') }],
    ['an empty answer', { raw: '' }, 502, { error: MESSAGES.invalidRun('') }],
    ['an error of its own', { raw: '{"error":"mine","more":1}' }, 502, { error: 'mine' }],
    ['a status of 500', { status: 500, raw: '{"error":"mine"}' }, 502, { error: 'mine' }],
    ['a connection that is hung up', { hangUp: true }, 502, { error: MESSAGES.runExited }],
    ['an exit', { exit: 3 }, 502, { error: MESSAGES.runExited }],
    ['memory that runs out', { megabytes: 400 }, 502, { error: MESSAGES.outOfMemory }],
    ['a run that does not end', { sleepMs: 60_000 }, 502, { error: MESSAGES.timedOut(3000) }],
  ]
  for (const [what, args, status, result] of outcomes) {
    test(`S1-9: ${what}`, async () => {
      assert.deepEqual(outcome(await server.invoke('own', args)), [status, result])
      assert.equal((await server.invoke('own', {})).status, 200, 'the next call works')
    })
  }

  test('S1-9: an answer that is too large is cut off', async () => {
    // The argument just passes; with what the image adds it is too much.
    const { status, body } = await server.invoke('own', { pad: 'x'.repeat(1_048_500) })
    assert.equal(status, 502)
    assert.match(
      String(body.response.result['error']),
      /^The action produced a response that exceeded the allowed length: \d+ > 1048576 bytes\./,
    )
    assert.equal((await server.invoke('own', {})).status, 200)
  })

  const broken: readonly (readonly [string, string])[] = [
    ['whose command is not in it', TEST_IMAGES.noCommand],
    ['that never listens', TEST_IMAGES.neverListens],
    ['that ends at once', TEST_IMAGES.exitsAtOnce],
    ['that is not there', 'stave-test/none-such:local'],
  ]
  for (const [index, [what, image]] of broken.entries()) {
    test(`S1-8: an image ${what}: the call ends readably, and says which image in the log`, async () => {
      await put(server, `broken${index}`, blackbox(image))
      const { body } = await server.invoke(`broken${index}`)
      assert.equal(body.response.success, false)
      assert.equal(typeof body.response.result['error'], 'string')
      await eventually('the log names it', () => server.output().includes(image))
      assert.equal((await server.invoke('own', {})).status, 200)
    })
  }

  test('S0-9: its root is writable unless its label says that it need not be; it has no capabilities', async () => {
    await server.invoke('own', {})
    await put(server, 'runtime', { kind: 'nodejs:default', code: 'function main() { return {} }' })
    assert.equal((await server.invoke('runtime')).status, 200)
    const [own, runtime] = [await hostConfig(server, 'own'), await hostConfig(server, 'runtime')]
    assert.deepEqual([own.ReadonlyRootfs, runtime.ReadonlyRootfs], [false, true])
    for (const { CapDrop } of [own, runtime]) assert.deepEqual(CapDrop, ['ALL'])
  })

  test('S0-9: root of a user’s image is without power', async () => {
    const code = `const fs = require('fs')
      function main() { return { status: fs.readFileSync('/proc/self/status', 'utf8') } }`
    const name = 'stave-test/root:local'
    const base = (await needEngine(dockerHost, 'POST', '/containers/create', { Image: NODEJS_IMAGE })).json() as {
      readonly Id: string
    }
    await needEngine(dockerHost, 'POST', `/commit?container=${base.Id}&repo=stave-test/root&tag=local`, { User: '0:0' })
    await needEngine(dockerHost, 'DELETE', `/containers/${base.Id}`)
    try {
      await put(server, 'root', blackbox(name, code))
      const { status, text, body } = await server.invoke('root')
      assert.equal(status, 200, text)
      const seen = String(body.response.result['status'])
      assert.match(seen, /^CapEff:\t0+$/m)
      assert.match(seen, /^NoNewPrivs:\t1$/m)
    } finally {
      await needEngine(dockerHost, 'DELETE', `/images/${name}?force=1`)
    }
  })

  test('S1-7: where they are switched off, a call ends as that of an image that cannot be had', async () => {
    const without = await startDockerServer([...LOCAL, '--docker-blackbox', 'false'])
    try {
      await put(without, 'own', blackbox(TEST_IMAGES.blackbox))
      assert.deepEqual(outcome(await without.invoke('own')), [
        502,
        { error: `Failed to pull container image '${TEST_IMAGES.blackbox}'.` },
      ])
    } finally {
      await stopDockerServer(without)
    }
  })
})

describe('images of users that are called often', { skip: skipWithoutEngine }, () => {
  let server: TestServer
  before(async () => {
    server = await startDockerServer([...LOCAL, '--containers-image-stem-cells', '1'])
  })
  after(async () => stopDockerServer(server))

  const waiting = async (): Promise<readonly string[]> => {
    const { body } = await server.admin('GET', '/admin/pool')
    const entries = body as unknown as readonly PoolEntry[]
    return entries.filter(({ state }) => state === 'stem').map(({ id }) => id)
  }
  const startOf = ({ headers }: Answer): string | null => headers.get('x-stave-start')

  test('#3389: have stem cells: a new action gets one with its own memory, and keeps it; another takes its place', async () => {
    for (const name of ['a', 'b']) {
      await put(server, name, blackbox(TEST_IMAGES.blackbox), { memory: 256 })
      assert.equal(startOf(await server.invoke(name)), 'cold')
    }
    await eventually('one waits', async () => (await waiting()).length === 1)
    const [cell] = await waiting()

    await put(server, 'c', blackbox(TEST_IMAGES.blackbox), { memory: 512 })
    const first = await server.invoke('c', { print: 'said\n' })
    assert.equal(first.status, 200, first.text)
    assert.equal(startOf(first), 'stem')
    assert.deepEqual(
      (await server.activation(first.body.activationId)).logs.map((line) => line.replace(/^\S+ /, '')),
      ['stdout: said'],
    )
    assert.equal(startOf(await server.invoke('c')), 'warm')
    assert.deepEqual(
      (await server.containersOf('c')).map(({ id }) => id),
      [cell],
    )
    const { Id } = await containerOf(server, 'c')
    const inspected = (await needEngine(dockerHost, 'GET', `/containers/${Id}/json`)).json() as {
      readonly HostConfig: { readonly Memory: number }
    }
    assert.equal(inspected.HostConfig.Memory, 512 * 1024 * 1024)
    await eventually('another one waits', async () => (await waiting()).some((id) => id !== cell))
  })

  test('another image, and one of which only one container was started, have none', async () => {
    const before = await waiting()
    await put(server, 'derived', blackbox(TEST_IMAGES.derived, 'function main() { return {} }'))
    assert.equal(startOf(await server.invoke('derived')), 'cold')
    await put(server, 'kind', { kind: 'nodejs:default', code: 'function main() { return {} }' })
    assert.equal(startOf(await server.invoke('kind')), 'cold')
    assert.deepEqual(await waiting(), before)
  })
})
