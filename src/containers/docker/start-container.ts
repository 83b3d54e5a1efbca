/** Starts a container on the engine, or takes over one that an earlier process left suspended, until its runtime listens. */

import type { Clock, Timers } from '../../model/clock.ts'
import type { Deadline } from '../../model/deadline.ts'
import { remainingMs } from '../../model/deadline.ts'
import type { ContainerSpec } from '../container-factory.ts'
import { ContainerStartError } from '../container-factory.ts'
import { createHttpChannel } from '../http/http-channel.ts'
import { createSentinelOutput } from '../http/sentinel-output.ts'
import type { StartGate } from '../host/start-gate.ts'
import type { Pause } from '../pause/falling-back-pause.ts'
import { containerBody, containerName } from './container-body.ts'
import { followLog } from './container-log.ts'
import type { ContainerNetwork } from './container-network.ts'
import type { DockerContainer } from './docker-container.ts'
import { runningContainer } from './docker-container.ts'
import type { ContainerInspection, ImageInspection } from './engine-answers.ts'
import type { EngineClient } from './engine-client.ts'
import { EngineError, EngineUnreachable } from './engine-transport.ts'
import type { ImageStore } from './image-store.ts'
import { withRegistry } from './image-store.ts'
import type { LeftBehind } from './left-behind.ts'
import type { Relabelled } from './listed-labels.ts'
import type { Reach } from './reach.ts'
import { answers, connects, whenListening } from './readiness.ts'
import type { DockerFactorySettings, DockerLog } from './settings.ts'
import { READ_ONLY_ROOT_LABEL } from './settings.ts'

/** What suspends containers; see src/containers/pause. */
export type ContainerPause = Pick<Pause, 'suspend' | 'resume' | 'thaw' | 'thawLeftover' | 'forget' | 'isFrozen'>

export interface StartDeps {
  readonly client: EngineClient
  readonly settings: DockerFactorySettings
  readonly clock: Clock
  readonly timers: Timers
  readonly log: DockerLog
  readonly images: ImageStore
  /** Bounds the creations that the engine has to work on at once. */
  readonly gate: StartGate
  readonly network: ContainerNetwork
  readonly node: string
  readonly capacity: { readonly memoryMb: number; readonly cpuMilli: number }
  readonly pause: ContainerPause
  readonly reach: Reach
  readonly isRuntimeImage: (spec: Pick<ContainerSpec, 'kind' | 'image'>) => boolean
  readonly isSentinelled: (spec: Pick<ContainerSpec, 'kind' | 'image'>) => boolean
  readonly leftBehind: Pick<LeftBehind, 'add' | 'doubt'>
  readonly relabelled: Relabelled
  /** Set once the engine has turned out to have no init. */
  readonly initMissing: { seen: boolean }
  /** Has `callback` called when the engine tells that the container has ended, until it is known as one that runs, or what this returns is called. */
  readonly whenDead: (engineId: string, callback: () => void) => () => void
}

const RUNTIME_PORT = 8080
/** How much of what a failing start printed goes into its error. */
const DIAGNOSIS_LINES = 20
/** Longer than until the deadline an engine may take for one answer, in ms: what it has done by then is removed before the start is given up. */
const ENGINE_GRACE_MS = 5000
/** For the removal of what did not start, in ms: then the one who waits is told, and it is tried again. */
const DISCARD_MS = 10_000
/** Tells apart the containers that one process makes in one millisecond. */
let counter = 0

/** Creates, starts and waits. Rejects with `ContainerStartError` after everything of it has been removed, or handed to `leftBehind`. */
export async function startContainer(spec: ContainerSpec, deadline: Deadline, on: StartDeps): Promise<DockerContainer> {
  const letGo = on.images.hold(imageOf(spec, on))
  try {
    return await startHeld(spec, deadline, on)
  } finally {
    letGo()
  }
}

async function startHeld(spec: ContainerSpec, deadline: Deadline, on: StartDeps): Promise<DockerContainer> {
  const left = (): number => remainingMs(deadline, on.clock)
  if (left() === 0) throw new ContainerStartError('timedOut', 'the deadline passed before the container was started')
  const image = imageOf(spec, on)
  const found = await on.images.ensure(image, !on.isRuntimeImage(spec), deadline)
  // Pulls go on beside each other, and so do runtimes that begin; what the engine takes badly are many creations at once (moby#29369).
  const leave = await on.gate.enter(deadline)
  let engineId: string | undefined
  try {
    engineId = await create(spec, image, found, deadline, on)
    if (left() === 0) throw new ContainerStartError('timedOut', 'the deadline passed before the container was started')
    await on.client.startContainer(engineId, left() + ENGINE_GRACE_MS)
    leave()
    return await takeOver(spec, engineId, 0n, false, deadline, on)
  } catch (error) {
    leave()
    if (engineId === undefined) throw startError(error, image)
    await discard(engineId, error, on)
    if (!lacksInit(error, on)) throw startError(error, image)
    on.initMissing.seen = true
    on.log.warn({ error }, 'the Docker Engine has no init (docker-init, tini): containers are started without one')
    return startHeld(spec, deadline, on)
  }
}

/** Takes over a suspended container of an earlier process: it is thawed, and its action is in it. */
export async function adoptContainer(
  spec: ContainerSpec,
  engineId: string,
  deadline: Deadline,
  on: StartDeps,
): Promise<DockerContainer> {
  try {
    const before = await on.client.inspectContainer(engineId, remainingMs(deadline, on.clock) + ENGINE_GRACE_MS)
    if (!(await on.pause.thawLeftover({ containerId: engineId, pid: before.pid }, before.paused)))
      throw new Error('it could not be thawed')
    return await takeOver(spec, engineId, BigInt(Math.round(on.clock.now())) * 1_000_000n, true, deadline, on)
  } catch (error) {
    await discard(engineId, error, on)
    throw startError(error, spec.image)
  }
}

function imageOf(spec: ContainerSpec, { settings, isRuntimeImage }: StartDeps): string {
  const { runtimesRegistry, userImagesRegistry } = settings.images
  return withRegistry(spec.image, isRuntimeImage(spec) ? runtimesRegistry : userImagesRegistry)
}

/** Creates it; once more where the image went away since it was looked up. */
async function create(
  spec: ContainerSpec,
  image: string,
  found: ImageInspection,
  deadline: Deadline,
  on: StartDeps,
): Promise<string> {
  const { client, settings, network, capacity, reach } = on
  const left = (): number => remainingMs(deadline, on.clock)
  const name = containerName(settings, `${on.clock.now().toString(36)}${(counter++ % 1296).toString(36)}`, spec)
  const attempt = async (known: ImageInspection): Promise<string> => {
    const place = {
      image,
      readOnlyRoot: settings.readOnlyRoot && known.labels[READ_ONLY_ROOT_LABEL] === 'true',
      networkName: network.name,
      init: settings.init && !on.initMissing.seen,
      publishedOn: publishedOn(reach),
      apiHost: network.apiHost,
      capacity,
    }
    try {
      return await client.createContainer(name, containerBody(spec, place, settings), left() + ENGINE_GRACE_MS)
    } catch (error) {
      if (error instanceof EngineUnreachable) on.leftBehind.doubt(name)
      throw error
    }
  }
  try {
    return await attempt(found)
  } catch (error) {
    if (!(error instanceof EngineError && error.status === 404)) throw startError(error, image)
    on.images.forget(image)
    const again = await on.images.ensure(image, !on.isRuntimeImage(spec), deadline)
    return attempt(again).catch((reason: unknown) => {
      throw startError(reason, image)
    })
  }
}

/** A runtime that is reached over loopback is nobody else's business: whoever reaches its port can run it. */
function publishedOn(reach: Reach): string | undefined {
  if (reach.type === 'address') return undefined
  const { host } = reach
  if (host === '::1') return host
  return host === 'localhost' || host.startsWith('127.') ? '127.0.0.1' : ''
}

/** The handle of a container that was started, as soon as its runtime listens. Its output counts from `sinceNano` on. */
async function takeOver(
  spec: ContainerSpec,
  engineId: string,
  sinceNano: bigint,
  initialised: boolean,
  deadline: Deadline,
  on: StartDeps,
): Promise<DockerContainer> {
  const { client, pause, log: logger, node } = on
  const output = createSentinelOutput(on.isSentinelled(spec), on.timers)
  const log = followLog(client, engineId, sinceNano, output)
  const ended = new AbortController()
  let dead = (): void => ended.abort()
  const forget = on.whenDead(engineId, () => dead())
  try {
    const inspection = await client.inspectContainer(engineId, remainingMs(deadline, on.clock) + ENGINE_GRACE_MS)
    await listening(inspection, ended.signal, deadline, on)
    const { host, port } = addressOf(inspection, on)
    const channel = createHttpChannel({
      origin: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
      output,
      concurrent: spec.concurrent,
      answerLimitBytes: on.settings.maxAnswerBytes,
    })
    const started = { spec, node, engineId, pid: inspection.pid, initialised }
    const container = runningContainer(started, {
      ...{ client, pause, channel, log, logger, relabelled: on.relabelled },
      leftBehind: on.leftBehind.add,
    })
    dead = () => container.exited(undefined)
    return container
  } catch (error) {
    forget()
    log.stop()
    throw error
  }
}

function addressOf(
  inspection: Pick<ContainerInspection, 'addresses' | 'publishedPort'>,
  { reach, network }: StartDeps,
): { readonly host: string; readonly port: number } {
  if (reach.type === 'published') {
    const { publishedPort } = inspection
    if (publishedPort === undefined) throw new Error('the engine published no port for the container')
    return { host: reach.host, port: publishedPort }
  }
  const address = inspection.addresses[network.name]
  if (address === undefined || address === '')
    throw new Error(`the container has no address on the network ${network.name}`)
  return { host: address, port: RUNTIME_PORT }
}

/** Waits until the runtime accepts, the container ends or the time is over. */
async function listening(
  { engineId, ...inspection }: ContainerInspection,
  ended: AbortSignal,
  deadline: Deadline,
  on: StartDeps,
): Promise<void> {
  if (!inspection.running) throw await endedAtOnce(engineId, on)
  const { host, port } = addressOf(inspection, on)
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), remainingMs(deadline, on.clock))
  try {
    const probe = on.reach.type === 'published' ? answers : connects
    if (await whenListening(host, port, probe, AbortSignal.any([ended, late.signal]))) return
  } finally {
    clearTimeout(timer)
  }
  if (ended.aborted) throw await endedAtOnce(engineId, on)
  const said = await saidOf(engineId, on)
  throw new ContainerStartError(
    'timedOut',
    `the runtime did not listen on port ${RUNTIME_PORT} in time. ${said}`.trim(),
  )
}

/** What a container printed, for people who look why it did not start. */
function saidOf(engineId: string, { client }: StartDeps): Promise<string> {
  return client.tailLogs(engineId, DIAGNOSIS_LINES).then(
    (bytes) => bytes.toString('utf8').trim(),
    () => '',
  )
}

async function endedAtOnce(engineId: string, on: StartDeps): Promise<ContainerStartError> {
  const { exitCode, outOfMemory } = await on.client.inspectContainer(engineId, DISCARD_MS)
  const text = await saidOf(engineId, on)
  const how = outOfMemory ? 'out of memory' : `exit status ${exitCode}`
  return new ContainerStartError('startFailed', `the runtime ended at once (${how}): ${text}`)
}

/** Removes what did not start for this reason; later, where the engine does not answer. */
async function discard(engineId: string, reason: unknown, on: StartDeps): Promise<void> {
  if (reason instanceof EngineUnreachable) return on.leftBehind.add(engineId)
  try {
    await on.client.removeContainer(engineId, DISCARD_MS)
  } catch (error) {
    on.log.warn({ engineId, error }, 'a container that did not start could not be removed; it is tried again')
    on.leftBehind.add(engineId)
  }
}

function lacksInit(error: unknown, { settings, initMissing }: StartDeps): boolean {
  return settings.init && !initMissing.seen && error instanceof EngineError && error.message.includes('docker-init')
}

/** An error of the engine in the factory's terms. 127 and its texts: the image's command is not there. */
function startError(error: unknown, image: string): ContainerStartError {
  if (error instanceof ContainerStartError) return error
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof EngineUnreachable) return new ContainerStartError('startFailed', message, { cause: error })
  const missing =
    error instanceof EngineError && (error.status === 404 || /executable file not found|no such file/.test(message))
  return new ContainerStartError(
    missing ? 'imageNotFound' : 'startFailed',
    `the image ${image} did not start: ${message}`,
    {
      cause: error,
    },
  )
}
