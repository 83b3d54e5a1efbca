/** What containers reach: the API, and of this host and of each other nothing else, with each kind of network and each packet filter. */

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { Container, ContainerSpec } from '../../src/containers/container-factory.ts'
import type { DockerNetworkMode } from '../../src/containers/docker/settings.ts'
import { findTool } from '../../src/containers/host/find-tool.ts'
import { systemClock } from '../../src/model/clock.ts'
import { deadlineIn } from '../../src/model/deadline.ts'
import { randomIds } from '../../src/model/ids.ts'
import { init, run } from '../conformance/container-factory.ts'
import { eventually } from '../e2e/server.ts'
import { needEngine } from './engine-api.ts'
import { dockerHost, privateEngine, skipWithoutPrivateEngine } from './engine.ts'
import type { OpenedFactory } from './factory-kit.ts'
import { NODE, openFactory } from './factory-kit.ts'
import { startDockerServer, stopDockerServer } from './server-kit.ts'

/** Tries addresses, and tells what it sees of itself. Refused, unreachable and silent are all `no`: what counts is that nothing answers. */
const PROBE = `
const net = require('net'), fs = require('fs'), dns = require('dns'), os = require('os')
function reach({ host, port }) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: 1500 })
    const over = (answer) => () => { socket.destroy(); resolve(answer) }
    socket.once('connect', over('yes')).once('error', over('no')).once('timeout', over('no'))
  })
}
async function main({ targets = [], names = [], paths = [] }) {
  const reached = await Promise.all(targets.map(reach))
  const found = await Promise.all(names.map((name) => dns.promises.reverse(name).catch(() => [])))
  const seen = paths.filter((path) => fs.existsSync(path))
  const addresses = Object.values(os.networkInterfaces()).flat().filter(({ internal }) => !internal)
  return {
    reached, found, seen, resolv: fs.readFileSync('/etc/resolv.conf', 'utf8'), api: process.env.__OW_API_HOST,
    addresses: addresses.map(({ address }) => address), families: [...new Set(addresses.map(({ family }) => family))],
  }
}`

interface Seen {
  readonly reached: readonly string[]
  readonly found: readonly (readonly string[])[]
  readonly seen: readonly string[]
  readonly resolv: string
  readonly api: string
  readonly addresses: readonly string[]
  readonly families: readonly string[]
}

interface Target {
  readonly host: string
  readonly port: number
}

const ids = randomIds()
/** Addresses in a private network besides the engine's: of this host, and of a neighbour. */
const OF_HOST = '10.78.0.1'
const NEIGHBOUR = '10.78.0.2'

function need(command: string, ...parameters: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, parameters, { encoding: 'utf8' })
  assert.equal(status, 0, `${command} ${parameters.join(' ')}: ${stderr}`)
  return stdout
}

async function listener(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((_req, res) => res.end('reached'))
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

async function start({ factory }: OpenedFactory): Promise<Container> {
  const spec: ContainerSpec = {
    ...{ id: ids.containerId(), ...NODE, memoryMb: 128, cpuMilli: 0, concurrent: false },
    labels: { 'stave-action-key': 'guest:secretspace/secretaction@1' },
  }
  const container = await factory.create(spec, deadlineIn(30_000, systemClock))
  assert.equal((await init(container, PROBE)).status, 200)
  return container
}

async function look(container: Container, value: Readonly<Record<string, unknown>>): Promise<Seen> {
  const { body, status } = await run(container, value)
  assert.equal(status, 200, body)
  return JSON.parse(body) as Seen
}

/** As on a host that has iptables only. */
const withoutNft = (name: string): string | undefined => (name === 'nft' ? undefined : findTool(name))

const filters = (): string => `${need('nft', 'list', 'tables')}${need('iptables', '-S')}`

describe('what containers reach', { skip: skipWithoutPrivateEngine }, () => {
  let api: { readonly server: Server; readonly port: number }
  let other: { readonly server: Server; readonly port: number }
  let neighbour: { close(): void }

  before(async () => {
    ;[api, other] = [await listener(), await listener()]
    neighbour = await startNeighbour()
  })
  after(() => {
    neighbour.close()
    for (const { server } of [api, other]) server.close().closeAllConnections()
  })

  /** A host of a private network, reached by way of this one. */
  async function startNeighbour(): Promise<{ close(): void }> {
    const script = `require('http').createServer((q, r) => r.end()).listen(8080)`
    const child = spawn('unshare', ['--net', process.execPath, '-e', script], { stdio: 'ignore' })
    const pid = String(child.pid)
    const own = readlinkSync('/proc/self/ns/net')
    await eventually('it has a network of its own', () => readlinkSync(`/proc/${pid}/ns/net`) !== own)
    const inside = (...parameters: readonly string[]): string => need('nsenter', '-t', pid, '-n', 'ip', ...parameters)
    need('ip', 'link', 'add', 'stave-near', 'type', 'veth', 'peer', 'name', 'far', 'netns', pid)
    need('ip', 'addr', 'add', `${OF_HOST}/24`, 'dev', 'stave-near')
    need('ip', 'link', 'set', 'stave-near', 'up')
    inside('addr', 'add', `${NEIGHBOUR}/24`, 'dev', 'far')
    inside('link', 'set', 'far', 'up')
    inside('route', 'add', 'default', 'via', OF_HOST)
    return {
      close() {
        child.kill('SIGKILL')
        need('ip', 'link', 'del', 'stave-near')
      },
    }
  }

  async function open(network: DockerNetworkMode, find = findTool): Promise<OpenedFactory> {
    return openFactory({
      findTool: find,
      settings: {
        ...{ network, apiHost: `http://127.0.0.1:${api.port}` },
        ...{ dns: ['192.0.2.53'], dnsSearch: ['example.org'], dnsOptions: ['ndots:3'] },
      },
    })
  }

  /** Two containers; what the first sees of the host, of the other one and of the neighbour. */
  async function check(opened: OpenedFactory, mode: DockerNetworkMode): Promise<void> {
    const [one, two] = await Promise.all([start(opened), start(opened)])
    const { addresses, families } = await look(two, {})
    assert.deepEqual(families, ['IPv4'])
    const [sibling = ''] = addresses
    const gateway = sibling.replace(/\d+$/, '1')
    const targets: Readonly<Record<string, Target>> = {
      api: { host: gateway, port: api.port },
      gateway: { host: gateway, port: other.port },
      host: { host: OF_HOST, port: other.port },
      apiElsewhere: { host: OF_HOST, port: api.port },
      docker0: { host: '10.89.0.1', port: other.port },
      sibling: { host: sibling, port: 8080 },
      neighbour: { host: NEIGHBOUR, port: 8080 },
    }
    const engine = privateEngine?.directory ?? ''
    const seen = await look(one, {
      targets: Object.values(targets),
      names: [sibling],
      paths: ['/var/run/docker.sock', '/run/docker.sock', `${engine}/docker.sock`, engine, process.cwd()],
    })
    const reached = Object.keys(targets).filter((_name, index) => seen.reached[index] === 'yes')
    assert.deepEqual(reached, { host: ['api', 'neighbour'], isolated: ['api'], none: [] }[mode])
    assert.deepEqual(seen.seen, [], 'nothing of the engine or the platform is in there')
    assert.doesNotMatch(JSON.stringify(seen.found), /secret/, 'nobody learns whose the other containers are')
    assert.match(seen.resolv, /^search example\.org$/m)
    assert.match(seen.resolv, /ndots:3/)
    if (mode !== 'none') assert.equal(seen.api, `http://${gateway}:${api.port}`)
    await Promise.all([one.destroy(), two.destroy()])
  }

  for (const mode of ['host', 'isolated', 'none'] as const) {
    test(`S1-6: containers.network ${mode}, nftables`, async () => {
      const opened = await open(mode)
      try {
        assert.equal(opened.factory.unguarded(), undefined)
        await check(opened, mode)
      } finally {
        await opened.close()
      }
      assert.doesNotMatch(filters(), new RegExp(`stave${opened.instance.slice(0, 12)}d`), 'the filter is gone')
    })
  }

  for (const filter of ['nftables', 'iptables'] as const) {
    test(`S1-6: by ${filter}: the filter is up again after the engine was restarted, and gone after the end`, async () => {
      const opened = await open('isolated', filter === 'nftables' ? findTool : withoutNft)
      const name = new RegExp(`stave${opened.instance.slice(0, 12)}d`)
      try {
        assert.equal(opened.factory.unguarded(), undefined)
        await check(opened, 'isolated')
        await privateEngine?.restart({ liveRestore: false })
        await eventually('the engine is back', () => opened.factory.problem() === undefined, 30_000)
        assert.match(filters(), name)
        await check(opened, 'isolated')
      } finally {
        await opened.close()
      }
      assert.doesNotMatch(filters(), name)
    })
  }

  test('S0-9: a runtime that is reached over loopback is open to nobody on the host’s other addresses', async () => {
    const opened = await openFactory({ reach: { type: 'published', host: '127.0.0.1' } })
    try {
      const container = await start(opened)
      assert.deepEqual((await look(container, { targets: [] })).reached, [])
      const listed = (await needEngine(dockerHost, 'GET', '/containers/json')).json() as readonly {
        readonly Ports: readonly { readonly PublicPort?: number }[]
      }[]
      const ports = listed.flatMap(({ Ports }) => Ports.flatMap(({ PublicPort }) => PublicPort ?? []))
      assert.equal(ports.length, 1)
      const status = (host: string): Promise<number> =>
        fetch(`http://${host}:${ports[0]}/run`, { method: 'POST', body: '{}' }).then(
          (answer) => answer.status,
          () => 0,
        )
      assert.notEqual(await status('127.0.0.1'), 0)
      assert.equal(await status(OF_HOST), 0)
      await container.destroy()
    } finally {
      await opened.close()
    }
  })

  test('S1-6: a second platform on the same engine has a network of its own, and its containers reach its API', async () => {
    const first = await startDockerServer()
    try {
      const second = await startDockerServer()
      try {
        for (const server of [first, second]) {
          await server.put('probe', PROBE)
          const { body } = await server.invoke('probe')
          const { hostname: host, port } = new URL(String(body.response.result['api']))
          const again = await server.invoke('probe', { targets: [{ host, port: Number(port) }] })
          assert.deepEqual(again.body.response.result['reached'], ['yes'])
        }
      } finally {
        await stopDockerServer(second)
      }
    } finally {
      await stopDockerServer(first)
    }
  })

  test('S1-6: user code of a server reaches neither its admin API, nor its data, nor the engine', async () => {
    const server = await startDockerServer()
    try {
      await server.put('probe', PROBE)
      const { status, text, body } = await server.invoke('probe', { paths: [server.dataDir, server.facts.adminSocket] })
      assert.equal(status, 200, text)
      assert.deepEqual(body.response.result['seen'], [])
      const apiUrl = new URL(String(body.response.result['api']))
      const gateway = apiUrl.hostname
      assert.match(gateway, /^10\.89\.\d+\.1$/)
      const ports = listening()
      const targets = ports.map((port) => ({ host: gateway, port }))
      const again = await server.invoke('probe', { targets })
      const reached = again.body.response.result['reached'] as readonly string[]
      const open = ports.filter((_port, index) => reached[index] === 'yes')
      assert.deepEqual(open, [Number(apiUrl.port)])
    } finally {
      await stopDockerServer(server)
    }
  })
})

/** All TCP ports that somebody listens at in these namespaces. */
function listening(): readonly number[] {
  const { stdout } = spawnSync('cat', ['/proc/net/tcp', '/proc/net/tcp6'], { encoding: 'utf8' })
  const ports = [...stdout.matchAll(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ 0A /gm)].map(([, hex = '']) =>
    Number.parseInt(hex, 16),
  )
  return [...new Set(ports)].toSorted((a, b) => a - b)
}
