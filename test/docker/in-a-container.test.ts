/** The platform in a container of its own, with nothing of the host but the engine's socket: the containers of actions are its siblings. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { PLATFORM_IMAGE } from '../../deploy/docker/local-context.ts'
import type { Answer, Body } from '../e2e/server.ts'
import { eventually, GUEST } from '../e2e/server.ts'
import { needEngine } from './engine-api.ts'
import { dockerHost, skipWithoutEngine } from './engine.ts'
import type { PlatformContainer, PlatformOptions } from './platform-container.ts'
import { failPlatform, hostConfig, removeVolume, startPlatform } from './platform-container.ts'
import { TEST_IMAGES } from './test-images.ts'

const skip = skipWithoutEngine || (!dockerHost.startsWith('unix:') && 'the socket of the engine has to be mounted')

/** What it prints, whether it is the same process as before, and what it sees of the API. */
const PROBE = `
async function main({ lines = 1 }) {
  for (let n = 1; n <= lines; n++) console.log('line ' + n)
  const api = process.env.__OW_API_HOST
  const status = await fetch(api + '/api/v1').then((answer) => answer.status, (error) => String(error.cause ?? error))
  return { boot: globalThis.boot ??= Math.random(), api, status }
}`
const SLOW = `const main = () => new Promise((resolve) => { console.log('started'); setTimeout(resolve, 1500, {}) })`
const LINES = 300

const resultOf = ({ response }: Body): Readonly<Record<string, unknown>> => response.result
const startOf = ({ headers }: Answer): string | null => headers.get('x-stave-start')
const linesOf = ({ logs }: Body): readonly string[] => logs.map((line) => line.replace(/^\S+ /, ''))

async function invokeWell(platform: PlatformContainer, name: string, args: object = {}): Promise<Answer> {
  const answer = await platform.invoke(name, args)
  assert.equal(answer.status, 200, `${answer.text}\n${await platform.logs()}`)
  return answer
}

async function untilPaused(platform: PlatformContainer): Promise<void> {
  const states = async (): Promise<readonly string[]> => (await platform.siblings()).map(({ State }) => State)
  await eventually('the engine has suspended them', async () => (await states()).every((state) => state === 'paused'))
}

/** Its own files and processes, and those of its siblings: what must be the same wherever it is. */
async function check(platform: PlatformContainer, api: RegExp): Promise<void> {
  await platform.put('probe', { kind: 'nodejs:default', code: PROBE })
  await platform.put('image', { kind: 'blackbox', image: TEST_IMAGES.blackbox })
  const first = await invokeWell(platform, 'probe', { lines: LINES })
  const { boot, api: seen, status } = resultOf(first.body)
  assert.match(String(seen), api)
  assert.equal(status, 200, 'the API is reached from the containers of actions')
  assert.deepEqual(
    linesOf(await platform.activation(first.body.activationId)),
    Array.from({ length: LINES }, (_, index) => `stdout: line ${index + 1}`),
  )
  const image = await invokeWell(platform, 'image', { print: 'printed\n' })
  assert.equal(resultOf(image.body)['image'], 'blackbox')
  assert.deepEqual(linesOf(await platform.activation(image.body.activationId)), ['stdout: printed'])

  const { Processes } = (await needEngine(dockerHost, 'GET', `/containers/${platform.id}/top`)).json() as {
    readonly Processes: readonly (readonly string[])[]
  }
  const commands = Processes.map((columns) => columns.at(-1) ?? '').filter((command) => !command.includes('probe.cjs'))
  assert.equal(commands.length, 1, commands.join('\n'))
  assert.equal((await platform.siblings()).length, 2, 'listed by the engine, beside it')

  await untilPaused(platform)
  const again = await invokeWell(platform, 'probe')
  assert.deepEqual([startOf(again), resultOf(again.body)['boot']], ['thawed', boot])
}

/** What containers of that kind have printed, as the engine has it. */
async function outputOf(platform: PlatformContainer, kind: string): Promise<string> {
  const containers = (await platform.siblings()).filter(({ Image }) => Image.includes(kind))
  const logs = containers.map(({ Id }) => needEngine(dockerHost, 'GET', `/containers/${Id}/logs?stdout=1`))
  return (await Promise.all(logs)).map(({ bytes }) => bytes.toString('utf8')).join('')
}

async function health(id: string): Promise<string> {
  const { State } = (await needEngine(dockerHost, 'GET', `/containers/${id}/json`)).json() as {
    readonly State: { readonly Health: { readonly Status: string } }
  }
  return State.Health.Status
}

async function networkNames(): Promise<readonly string[]> {
  return ((await needEngine(dockerHost, 'GET', '/networks')).json() as readonly { Name: string }[]).map(
    ({ Name }) => Name,
  )
}

/** Ends it well; nothing is left but what was there before. */
async function stopWell(platform: PlatformContainer): Promise<void> {
  assert.equal(await platform.stop(), 0, await platform.logs())
  assert.match(await platform.logs(), /"reason":"SIGTERM".*stopping[^]*"message":"stopped"/)
  assert.deepEqual(await platform.siblings(), [], 'containers are left')
}

describe('S1-5: the platform in a container', { skip }, () => {
  test('on the host’s network, as an ordinary user without capabilities and a read-only root', async () => {
    const options: PlatformOptions = { name: 'inside-host', network: 'host', volume: 'inside-host', compileCache: true }
    const networks = await networkNames()
    const platform = await startPlatform(options)
    try {
      const { HostConfig } = (await needEngine(dockerHost, 'GET', `/containers/${platform.id}/json`)).json() as {
        readonly HostConfig: {
          readonly Privileged: boolean
          readonly CapAdd: unknown
          readonly Binds: readonly string[]
        }
      }
      assert.deepEqual([HostConfig.Privileged, HostConfig.CapAdd, HostConfig.Binds.length], [false, null, 2])
      const { output: user } = await platform.exec('-e', 'console.log(String(process.getuid()))')
      assert.equal(user.trim(), '65532')

      await check(platform, /^http:\/\/10\.89\.\d+\.1:\d+$/)
      await eventually('the engine finds it healthy', async () => (await health(platform.id)) === 'healthy')

      // Others reach it: nobody's key is the one that everybody knows.
      assert.equal((await platform.call('GET', '', undefined, GUEST)).status, 401)
      assert.deepEqual(platform.facts.newKeys.map(({ subject }) => subject).toSorted(), ['guest', 'whisk.system'])
      assert.match(await platform.logs(), /may reach what they should not: only root can load a packet filter/)
      const doctor = await platform.exec('bin/stave.js', 'doctor', '--port', '0', '--data-dir', '/tmp/none')
      assert.match(doctor.output, /note +OW111 containers can reach all ports of this host: only root can/)
      assert.match(doctor.output, /ok +OW110 idle containers are suspended by docker/)
      assert.doesNotMatch(doctor.output, /problem/)

      await platform.put('slow', { kind: 'nodejs:default', code: SLOW })
      const running = platform.invoke('slow')
      await eventually('it runs', async () => /started/.test(await outputOf(platform, 'nodejs')))
      await stopWell(platform)
      const { status, text } = await running
      assert.equal(status, 200, text)
      assert.deepEqual((await networkNames()).toSorted(), networks.toSorted(), 'networks')
    } finally {
      await platform.remove()
      await removeVolume(options.volume)
    }
  })

  describe('on a bridge that it shares with the containers of actions', () => {
    const network = 'inside-shared'
    const volume = 'inside-shared'
    const options: PlatformOptions = { name: 'inside-bridge', network, volume, flags: ['--docker-network', network] }

    before(() => needEngine(dockerHost, 'POST', '/networks/create', { Name: network, Driver: 'bridge' }))
    after(async () => {
      await needEngine(dockerHost, 'DELETE', `/networks/${network}`)
      await removeVolume(volume)
    })

    test('actions, images and the API work; what it suspended is taken over after kill and start, and after rm and run', async () => {
      const first = await startPlatform(options)
      let last = first
      try {
        await check(first, /^http:\/\/10\.89\.\d+\.\d+:3233$/)
        assert.match(await first.logs(), /may reach what they should not: the platform is a container of their network/)
        const doctor = await first.exec(
          'bin/stave.js',
          'doctor',
          '--port',
          '0',
          ...['--data-dir', '/tmp/none', ...flagsOf(options)],
        )
        assert.match(doctor.output, /note +OW111 containers can reach each other and all ports of this host/)
        const key = keyOf(first)
        const { boot } = resultOf((await invokeWell(first, 'probe')).body)
        await untilPaused(first)
        await first.kill()
        assert.equal((await first.siblings()).length, 2, 'they outlive it')

        const second = await first.startAgain()
        const resumed = await invokeWell(second, 'probe')
        assert.equal(resultOf(resumed.body)['boot'], boot, 'the same process')
        await untilPaused(second)
        await second.kill()
        await needEngine(dockerHost, 'DELETE', `/containers/${second.id}?force=1`)

        last = await startPlatform(options, key)
        assert.equal(resultOf((await invokeWell(last, 'probe')).body)['boot'], boot, 'another container, the same data')
        await stopWell(last)
        assert.ok((await networkNames()).includes(network), 'somebody else’s network stays')
      } finally {
        await last.remove()
      }
    })
  })

  test('where it would reach no container it does not start, and says why', async () => {
    const apart = 'inside-apart'
    await needEngine(dockerHost, 'POST', '/networks/create', {
      ...{ Name: apart, Driver: 'bridge', Options: { 'com.docker.network.bridge.enable_icc': 'false' } },
    })
    const networks = await networkNames()
    const lost: readonly PlatformOptions[] = [
      { name: 'inside-lost', network: 'bridge', volume: 'inside-lost' },
      { name: 'inside-apart', network: apart, volume: 'inside-apart', flags: ['--docker-network', apart] },
      { name: 'inside-refused', network: 'host', volume: 'inside-refused', user: '65532:65532' },
    ]
    try {
      const ends = await Promise.all(lost.map((options) => failPlatform(options)))
      assert.ok(ends.every(({ code }) => code !== 0))
      const [outside = '', separated = '', refused = ''] = ends.map(({ output }) => output)
      assert.match(outside, /network stave cannot be reached from here.*docker run --network host/)
      assert.match(separated, /network inside-apart keeps its containers from each other/)
      assert.match(refused, /may not be used by this user.*--group-add.*OW101/)
      assert.deepEqual((await networkNames()).toSorted(), networks.toSorted(), 'no network was left')
    } finally {
      await needEngine(dockerHost, 'DELETE', `/networks/${apart}`)
      for (const { volume } of lost) await removeVolume(volume)
    }
  })

  test('S0-5: as root with the control groups mounted the freezer suspends; the name of the node says whose containers are taken over', async () => {
    const volume = 'inside-root'
    const options = (node: string): PlatformOptions => ({
      ...{ name: 'inside-root', network: 'host', volume, user: '0:0', env: [`NODE_NAME=${node}`] },
      binds: ['/sys/fs/cgroup:/sys/fs/cgroup'],
    })
    const frozen = async (platform: PlatformContainer, times: number): Promise<void> => {
      const suspends = async (): Promise<string> =>
        (await platform.exec('-e', METRICS)).output.match(/pauses_total\{event="suspends"\} (\d+)/)?.[1] ?? '0'
      await eventually('it has been suspended', async () => Number(await suspends()) >= times)
    }
    const first = await startPlatform(options('worker-1'))
    let last = first
    try {
      const key = keyOf(first)
      await first.put('probe', { kind: 'nodejs:default', code: PROBE })
      const { boot } = resultOf((await invokeWell(first, 'probe')).body)
      assert.match(await first.logs(), /containers are suspended by cgroup/)
      assert.match(await first.logs(), /may reach what they should not: a packet filter needs the capability NET_ADMIN/)
      await frozen(first, 1)
      const resumed = await invokeWell(first, 'probe')
      assert.deepEqual([startOf(resumed), resultOf(resumed.body)['boot']], ['thawed', boot])
      await frozen(first, 2)
      const replace = async (platform: PlatformContainer, node: string): Promise<PlatformContainer> => {
        await platform.kill()
        await needEngine(dockerHost, 'DELETE', `/containers/${platform.id}?force=1`)
        return startPlatform(options(node), key)
      }
      last = await replace(last, 'worker-2')
      assert.notEqual(resultOf((await invokeWell(last, 'probe')).body)['boot'], boot, 'another node')
      assert.equal((await last.siblings()).length, 2, 'and the other node’s are left alone')
      last = await replace(last, 'worker-1')
      assert.equal(resultOf((await invokeWell(last, 'probe')).body)['boot'], boot, 'the same node')
      assert.equal(await last.stop(), 0)
      const [other, ...more] = await last.siblings()
      assert.deepEqual(more, [], 'but for the other node’s nothing is left')
      assert.ok(other !== undefined)
    } finally {
      await last.remove()
      await removeVolume(volume)
      for (const { Name, Id } of (await needEngine(dockerHost, 'GET', '/networks')).json() as readonly Network[])
        if (Name.startsWith('stave')) await needEngine(dockerHost, 'DELETE', `/networks/${Id}`)
    }
  })

  test('S0-28: what it mounts of the host is the socket and nothing else, and the documented command is what is tested', () => {
    const tested = hostConfig({ name: 'x', network: 'host', volume: 'stave' })
    const targets = (binds: readonly string[]): readonly (string | undefined)[] =>
      binds.map((bind) => bind.split(':')[1])
    assert.deepEqual(targets(tested.Binds), ['/var/run/docker.sock', '/data'])
    const [command = ''] = /^docker run (?:.*\\\n)*.*$/m.exec(readFileSync('docs/docker.md', 'utf8')) ?? []
    const values = (option: string): readonly string[] =>
      [...command.matchAll(new RegExp(`--${option} (\\S+)`, 'g'))].map(([, value = '']) => value)
    assert.deepEqual(values('cap-drop'), tested.CapDrop)
    assert.deepEqual(values('security-opt'), tested.SecurityOpt)
    assert.deepEqual(values('tmpfs'), Object.keys(tested.Tmpfs))
    assert.deepEqual(values('network'), [tested.NetworkMode])
    assert.deepEqual(targets(values('volume')), targets(tested.Binds))
    assert.equal(command.includes('--read-only '), tested.ReadonlyRootfs)
    assert.ok(command.includes('--group-add "$(stat -c %g /var/run/docker.sock)"'))
    assert.ok(command.trimEnd().endsWith(` ${PLATFORM_IMAGE}`), command)
    assert.doesNotMatch(command, /privileged|cap-add|--pid|--ipc/)
  })

  test('its image has the platform, and nothing for development', async () => {
    const { history, files } = await imageContents()
    const sizes = history.filter(({ CreatedBy }) => CreatedBy.includes('(nop)')).map(({ Size }) => Size)
    const mb = sizes.reduce((sum, size) => sum + size, 0) / 1e6
    assert.ok(mb > 3 && mb < 12, `${mb} MB beside the base`)
    const unwanted =
      /\.test\.|\.d\.ts$|\.map$|node_modules\/(?:typescript|@types|oxlint|fast-check|node-linux)|\/(?:test|bench|\.git)\//
    assert.deepEqual(
      files.filter((file) => unwanted.test(file)),
      [],
    )
    for (const file of [
      'bin/stave.js',
      'src/cli/main.ts',
      'runtimes/runtimes.json',
      'LICENSE',
      'node_modules/pino/package.json',
    ])
      assert.ok(files.includes(file), file)
  })
})

interface Network {
  readonly Name: string
  readonly Id: string
}

const METRICS = `require('http').get({ socketPath: '/data/run/admin.sock', path: '/metrics' }, (response) => response.pipe(process.stdout))`
const FILES = `console.log(require('fs').readdirSync('/stave', { recursive: true }).join('\\n'))`

const flagsOf = ({ flags = [] }: PlatformOptions): readonly string[] => flags

function keyOf({ facts }: PlatformContainer): string {
  const made = facts.newKeys.find(({ subject }) => subject === 'guest')
  return made === undefined ? assert.fail('no key was printed') : `${made.uuid}:${made.key}`
}

async function imageContents(): Promise<{
  readonly history: readonly { readonly CreatedBy: string; readonly Size: number }[]
  readonly files: readonly string[]
}> {
  const name = encodeURIComponent(PLATFORM_IMAGE)
  const history = (await needEngine(dockerHost, 'GET', `/images/${name}/history`)).json() as readonly {
    readonly CreatedBy: string
    readonly Size: number
  }[]
  const created = await needEngine(dockerHost, 'POST', '/containers/create', {
    ...{ Image: PLATFORM_IMAGE, Entrypoint: ['node', '-e', FILES], Tty: true },
  })
  const { Id } = created.json() as { readonly Id: string }
  try {
    const ended = needEngine(dockerHost, 'POST', `/containers/${Id}/wait?condition=next-exit`)
    await needEngine(dockerHost, 'POST', `/containers/${Id}/start`)
    await ended
    const { bytes } = await needEngine(dockerHost, 'GET', `/containers/${Id}/logs?stdout=1`)
    return { history, files: bytes.toString('utf8').split(/\r?\n/) }
  } finally {
    await needEngine(dockerHost, 'DELETE', `/containers/${Id}?force=1&v=1`)
  }
}
