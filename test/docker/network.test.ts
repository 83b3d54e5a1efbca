/** What containers reach: the API, and of this host and of each other nothing else, with each kind of network and each packet filter. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Container, ContainerSpec } from '../../src/containers/container-factory.ts'
import type { DockerNetworkMode } from '../../src/containers/docker/settings.ts'
import { systemClock } from '../../src/model/clock.ts'
import { deadlineIn } from '../../src/model/deadline.ts'
import { randomIds } from '../../src/model/ids.ts'
import { init, run } from '../conformance/container-factory.ts'
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
/** Addresses that the namespaces of this run get besides the engine's bridges: of this host, and of a neighbour in a private network. */
const OF_HOST = '10.77.0.1'
const NEIGHBOUR = '10.78.0.2'
const NAMESPACE = 'stave-neighbour'

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

/** Runs with a search path on which there is no nft, as on a host that has iptables only. */
async function withoutNft(body: () => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'stave-tools-'))
  const before = process.env['PATH']
  for (const tool of ['iptables', 'iptables-restore']) {
    const found = ['/usr/sbin', '/sbin', '/usr/bin'].map((place) => join(place, tool)).find((path) => existsSync(path))
    symlinkSync(found ?? assert.fail(`no ${tool}`), join(directory, tool))
  }
  process.env['PATH'] = directory
  try {
    await body()
  } finally {
    process.env['PATH'] = before
    rmSync(directory, { recursive: true })
  }
}

const filters = (): string => `${need('nft', 'list', 'tables')}${need('iptables', '-S')}`

describe('what containers reach', { skip: skipWithoutPrivateEngine }, () => {
  let api: { readonly server: Server; readonly port: number }
  let other: { readonly server: Server; readonly port: number }
  let neighbour: ReturnType<typeof spawnNeighbour>

  before(async () => {
    need('ip', 'link', 'add', 'stave-dummy', 'type', 'dummy')
    need('ip', 'addr', 'add', `${OF_HOST}/24`, 'dev', 'stave-dummy')
    need('ip', 'link', 'set', 'stave-dummy', 'up')
    ;[api, other] = [await listener(), await listener()]
    neighbour = spawnNeighbour()
  })
  after(() => {
    need('ip', 'link', 'del', 'stave-dummy')
    neighbour.close()
    for (const { server } of [api, other]) server.close().closeAllConnections()
  })

  /** A host of a private network, reached by way of this one. */
  function spawnNeighbour(): { close(): void } {
    mkdirSync('/run/netns', { recursive: true })
    need('ip', 'netns', 'add', NAMESPACE)
    need('ip', 'link', 'add', 'stave-near', 'type', 'veth', 'peer', 'name', 'far', 'netns', NAMESPACE)
    need('ip', 'addr', 'add', '10.78.0.1/24', 'dev', 'stave-near')
    need('ip', 'link', 'set', 'stave-near', 'up')
    need('ip', '-n', NAMESPACE, 'addr', 'add', `${NEIGHBOUR}/24`, 'dev', 'far')
    need('ip', '-n', NAMESPACE, 'link', 'set', 'far', 'up')
    need('ip', '-n', NAMESPACE, 'route', 'add', 'default', 'via', '10.78.0.1')
    const script = `require('http').createServer((q, r) => r.end()).listen(8080)`
    need(
      'sh',
      '-c',
      `ip netns exec ${NAMESPACE} ${process.execPath} -e "${script}" >/dev/null 2>&1 & echo $! > /run/netns/${NAMESPACE}.pid`,
    )
    return {
      close() {
        need('sh', '-c', `kill $(cat /run/netns/${NAMESPACE}.pid)`)
        need('ip', 'link', 'del', 'stave-near')
        need('ip', 'netns', 'del', NAMESPACE)
      },
    }
  }

  async function open(network: DockerNetworkMode): Promise<OpenedFactory> {
    return openFactory({
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
      const body = async (): Promise<void> => {
        const opened = await open('isolated')
        const name = new RegExp(`stave${opened.instance.slice(0, 12)}d`)
        try {
          assert.equal(opened.factory.unguarded(), undefined)
          await check(opened, 'isolated')
          await privateEngine?.restart({ liveRestore: false })
          while (opened.factory.problem() !== undefined) await new Promise((resolve) => setTimeout(resolve, 50))
          assert.match(filters(), name)
          await check(opened, 'isolated')
        } finally {
          await opened.close()
        }
        assert.doesNotMatch(filters(), name)
      }
      await (filter === 'nftables' ? body() : withoutNft(body))
    })
  }

  test('S1-6: user code of a server reaches neither its admin API, nor its data, nor the engine', async () => {
    const server = await startDockerServer()
    try {
      await server.put('probe', PROBE)
      const { status, text, body } = await server.invoke('probe', { paths: [server.dataDir, server.facts.adminSocket] })
      assert.equal(status, 200, text)
      assert.deepEqual(body.response.result['seen'], [])
      const apiUrl = new URL(String(body.response.result['api']))
      const network = await needEngine(dockerHost, 'GET', '/networks/stave')
      const { Gateway: gateway } = (
        network.json() as { readonly IPAM: { readonly Config: readonly { readonly Gateway: string }[] } }
      ).IPAM.Config[0] ?? { Gateway: '' }
      assert.equal(apiUrl.hostname, gateway)
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
