/** The platform in a container of the run's engine, from its image: as `docker run` starts it (docs/docker.md), by the Engine API. */

import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { PLATFORM_IMAGE } from '../../deploy/docker/local-context.ts'
import type { Answer, Body, Facts } from '../e2e/server.ts'
import { askEngine, needEngine } from './engine-api.ts'
import { dockerHost } from './engine.ts'
import type { Listed } from './server-kit.ts'

const START_MS = 30_000
const POLL_MS = 50
/** Seconds that a stop may take. */
const STOP_S = 60
const SOCKET = dockerHost.replace('unix://', '')

export interface PlatformOptions {
  /** Of the container; the names of its siblings begin with it, too. */
  readonly name: string
  /** A network's name, or `host`. */
  readonly network: string
  /** Named volume for the data; removed by `removeVolume`. */
  readonly volume: string
  /** default that of the image, in the group that owns the engine's socket. */
  readonly user?: string
  readonly flags?: readonly string[]
  readonly env?: readonly string[]
  /** As users have it: the first start on a volume fills the cache, which takes longer than that start alone. default false */
  readonly compileCache?: boolean
  /** Besides the socket and the volume. */
  readonly binds?: readonly string[]
}

export interface PlatformContainer {
  readonly id: string
  readonly facts: Facts
  /** What it wrote so far, both streams. */
  logs(): Promise<string>
  /** A request below `/api/v1/namespaces/_`, with the key of guest. */
  call(method: string, path: string, body?: unknown, key?: string): Promise<Answer>
  put(name: string, exec: object): Promise<void>
  invoke(name: string, args?: object): Promise<Answer>
  activation(id: string): Promise<Body>
  /** Runs Node.js in there, as `docker exec` does. */
  exec(...args: readonly string[]): Promise<{ readonly code: number; readonly output: string }>
  /** The containers of its actions, as the engine lists them. */
  siblings(): Promise<readonly Listed[]>
  /** `docker stop`; resolves with the exit code. */
  stop(): Promise<number>
  kill(): Promise<void>
  /** After `kill` or `stop`: the same container once more. */
  startAgain(): Promise<PlatformContainer>
  remove(): Promise<void>
}

interface HostConfig {
  readonly Binds: readonly string[]
  readonly NetworkMode: string
  readonly CapDrop: readonly string[]
  readonly SecurityOpt: readonly string[]
  readonly ReadonlyRootfs: boolean
  readonly Tmpfs: Readonly<Record<string, string>>
  readonly GroupAdd?: readonly string[]
}

/** What a platform needs: nothing of it is a privilege. */
export function hostConfig({ network, volume, user, binds = [] }: PlatformOptions): HostConfig {
  return {
    Binds: [`${SOCKET}:/var/run/docker.sock`, `${volume}:/data`, ...binds],
    NetworkMode: network,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    ReadonlyRootfs: true,
    Tmpfs: { '/tmp': '' },
    ...(user === undefined && { GroupAdd: [String(statSync(SOCKET).gid)] }),
  }
}

/** Creates and starts it. */
export async function startPlatform(options: PlatformOptions, key?: string): Promise<PlatformContainer> {
  const id = await createPlatform(options)
  try {
    return await ready(options, id, key)
  } catch (error) {
    await needEngine(dockerHost, 'DELETE', `/containers/${id}?force=1&v=1`)
    throw error
  }
}

/** For one that is to end by itself: resolves with what it said and its exit code. */
export async function failPlatform(
  options: PlatformOptions,
): Promise<{ readonly code: number; readonly output: string }> {
  const id = await createPlatform(options)
  try {
    const ended = needEngine(dockerHost, 'POST', `/containers/${id}/wait?condition=next-exit`)
    await needEngine(dockerHost, 'POST', `/containers/${id}/start`)
    const { StatusCode } = (await ended).json() as { readonly StatusCode: number }
    return { code: StatusCode, output: await logsOf(id) }
  } finally {
    await needEngine(dockerHost, 'DELETE', `/containers/${id}?force=1&v=1`)
  }
}

export async function removeVolume(name: string): Promise<void> {
  await needEngine(dockerHost, 'DELETE', `/volumes/${name}?force=1`)
}

async function createPlatform(options: PlatformOptions): Promise<string> {
  const { name, network, user, flags = [], env = [], compileCache = false } = options
  const created = await needEngine(dockerHost, 'POST', `/containers/create?name=${name}`, {
    Image: PLATFORM_IMAGE,
    Cmd: [
      '--json',
      ...['--log-format', 'json', '--docker-name-prefix', name],
      ...['--containers-stem-cells', '{"nodejs":0,"python":0}', '--containers-image-stem-cells', '0'],
      ...['--docker-pull-policy', 'never', '--containers-pause-grace-ms', '300'],
      ...(network === 'host' ? ['--port', '0'] : []),
      ...flags,
    ],
    Env: [...(compileCache ? [] : ['NODE_DISABLE_COMPILE_CACHE=1']), ...env],
    ...(user !== undefined && { User: user }),
    // That of the image, but more often.
    Healthcheck: { Interval: 1_000_000_000 },
    HostConfig: hostConfig(options),
  })
  return (created.json() as { readonly Id: string }).Id
}

interface Inspected {
  readonly State: { readonly Running: boolean; readonly ExitCode: number; readonly StartedAt: string }
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> }
}

async function inspect(id: string): Promise<Inspected> {
  return (await needEngine(dockerHost, 'GET', `/containers/${id}/json`)).json() as Inspected
}

/** Of its run that is under way, or its last one. */
async function logsOf(id: string): Promise<string> {
  const { State } = await inspect(id)
  const since = Date.parse(State.StartedAt) / 1000
  const { bytes } = await needEngine(dockerHost, 'GET', `/containers/${id}/logs?stdout=1&stderr=1&since=${since}`)
  let text = ''
  // Frames: the stream, three bytes of nothing, a length.
  for (let at = 0; at + 8 <= bytes.length; at += 8 + bytes.readUInt32BE(at + 4)) {
    text += bytes.toString('utf8', at + 8, at + 8 + bytes.readUInt32BE(at + 4))
  }
  return text
}

async function ready(options: PlatformOptions, id: string, knownKey: string | undefined): Promise<PlatformContainer> {
  await needEngine(dockerHost, 'POST', `/containers/${id}/start`)
  const deadline = Date.now() + START_MS
  let line: string | undefined
  while (line === undefined) {
    const text = await logsOf(id)
    line = /^\{"version":.*$/m.exec(text)?.[0]
    if (line !== undefined) break
    assert.ok((await inspect(id)).State.Running, `it ended:\n${text}`)
    assert.ok(Date.now() < deadline, `it is not ready:\n${text}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  const facts = JSON.parse(line) as Facts
  const { Networks } = (await inspect(id)).NetworkSettings
  const address = options.network === 'host' ? '127.0.0.1' : (Networks[options.network]?.IPAddress ?? '')
  const url = facts.url.replace('0.0.0.0', address)
  const made = facts.newKeys.find(({ subject }) => subject === 'guest')
  const guest = made === undefined ? (knownKey ?? '') : `${made.uuid}:${made.key}`
  const platform: PlatformContainer = {
    id,
    facts,
    logs: () => logsOf(id),
    async call(method, path, body, key = guest) {
      const response = await fetch(`${url}/api/v1/namespaces/_${path}`, {
        method,
        headers: {
          Authorization: `Basic ${Buffer.from(key).toString('base64')}`,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: JSON.parse(text) as Body, text }
    },
    async put(name, exec) {
      const { status, text } = await platform.call('PUT', `/actions/${name}?overwrite=true`, { exec })
      assert.equal(status, 200, text)
    },
    invoke: (name, args = {}) => platform.call('POST', `/actions/${name}?blocking=true`, args),
    async activation(activationId) {
      const { status, text, body } = await platform.call('GET', `/activations/${activationId}`)
      assert.equal(status, 200, text)
      return body
    },
    async exec(...args) {
      const created = await needEngine(dockerHost, 'POST', `/containers/${id}/exec`, {
        ...{ Cmd: ['node', ...args], AttachStdout: true, AttachStderr: true, Tty: true },
      })
      const { Id } = created.json() as { readonly Id: string }
      const { bytes } = await needEngine(dockerHost, 'POST', `/exec/${Id}/start`, { Detach: false, Tty: true })
      const ended = (await needEngine(dockerHost, 'GET', `/exec/${Id}/json`)).json() as { readonly ExitCode: number }
      return { code: ended.ExitCode, output: bytes.toString('utf8') }
    },
    async siblings() {
      const all = (await needEngine(dockerHost, 'GET', '/containers/json?all=1')).json() as readonly Listed[]
      return all.filter(({ Names }) => Names.some((name) => name.startsWith(`/${options.name}_`)))
    },
    async stop() {
      await needEngine(dockerHost, 'POST', `/containers/${id}/stop?t=${STOP_S}`)
      return (await inspect(id)).State.ExitCode
    },
    async kill() {
      await needEngine(dockerHost, 'POST', `/containers/${id}/kill`)
      await needEngine(dockerHost, 'POST', `/containers/${id}/wait`)
    },
    startAgain: () => ready(options, id, guest),
    async remove() {
      for (const { Id } of await platform.siblings())
        await askEngine(dockerHost, 'DELETE', `/containers/${Id}?force=1&v=1`)
      await needEngine(dockerHost, 'DELETE', `/containers/${id}?force=1&v=1`)
    },
  }
  return platform
}
