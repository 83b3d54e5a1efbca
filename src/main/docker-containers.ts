/** The containers of a Docker Engine: how it is reached, which images serve which kinds, and the factory. */

import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config/schema.ts'
import { containers } from '../config/sections/containers.ts'
import type { ContainerSpec } from '../containers/container-factory.ts'
import type { EngineFacts } from '../containers/docker/docker-container-factory.ts'
import { createDockerContainerFactory } from '../containers/docker/docker-container-factory.ts'
import type { EngineAddress } from '../containers/docker/engine-address.ts'
import { parseEngineAddress } from '../containers/docker/engine-address.ts'
import type { EngineClient } from '../containers/docker/engine-client.ts'
import { createEngineClient } from '../containers/docker/engine-client.ts'
import { createEngineTransport } from '../containers/docker/engine-transport.ts'
import { readExtraArguments } from '../containers/docker/extra-arguments.ts'
import { resolvePaths } from '../containers/docker/host-paths.ts'
import { openImageCollector } from '../containers/docker/image-collector.ts'
import { progressText } from '../containers/docker/image-store.ts'
import { instanceOf } from '../containers/docker/instance.ts'
import { dockerProtections } from '../containers/docker/list-protections.ts'
import { openRelabelled } from '../containers/docker/listed-labels.ts'
import { dockerManifest } from '../containers/docker/manifest.ts'
import { reachOf } from '../containers/docker/reach.ts'
import type { DockerFactorySettings, ImageSettings } from '../containers/docker/settings.ts'
import { startFailure } from '../containers/docker/unreachable-engine.ts'
import type { OpenedPause } from '../containers/pause/open-pause.ts'
import { openPause } from '../containers/pause/open-pause.ts'
import { formatImage } from '../model/manifest.ts'
import type { ContainersOptions, OpenedContainers } from './containers.ts'
import { observeDocker } from './docker-metrics.ts'
import { observePause } from './pause-metrics.ts'
import { pauseRoutes } from './pause-routes.ts'

/** Answers about the engine itself, and pauses: OpenWhisk's 10 s. */
const QUICK_MS = 10_000
const STARTS_BESIDE = 8

/** Connects to the engine and starts the factory. Rejects with a message that says how to mend it. */
export async function openDockerContainers(options: ContainersOptions): Promise<OpenedContainers> {
  const { config, log, clock, timers } = options
  const { docker } = config
  const address = parseEngineAddress(docker.host, docker.certPath, docker.tlsVerify)
  const client = createEngineClient(createEngineTransport(address, docker.parallelStarts + STARTS_BESIDE), {
    requestMs: docker.requestTimeoutMs,
    quickMs: Math.min(QUICK_MS, docker.requestTimeoutMs),
    pullMs: docker.pullTimeoutMs,
  })
  try {
    await client.connect()
    return await open(options, client, address)
  } catch (error) {
    await client.close()
    throw startFailure(docker.host, error)
  }

  async function open(on: ContainersOptions, client: EngineClient, address: EngineAddress): Promise<OpenedContainers> {
    const manifest = await dockerManifest({
      manifest: config.runtimes.manifest,
      stemCells: config.containers.stemCells,
      ownStemCells: !isDeepStrictEqual(config.containers.stemCells, containers.stemCells.default),
      hasImage: async (image) => (await client.inspectImage(image)) !== undefined,
    })
    const ofKinds = new Set(manifest.kinds.map(({ image }) => formatImage(image)))
    const blackboxes = new Set(manifest.blackboxes.map((image) => formatImage(image)))
    const silent = new Set(manifest.kinds.filter(({ sentinelledLogs }) => !sentinelledLogs).map(({ kind }) => kind))
    const images = imageSettings(docker)
    let rootDirectory = ''
    const collector = await openImageCollector({
      client,
      settings: images,
      diskUsedPercent: () => diskUsedPercent(rootDirectory),
      isKept: (image) => ofKinds.has(image) || blackboxes.has(image) || factory.images.isHeld(image),
      file: join(config.dataDir, 'docker-images.json'),
      clock,
      timers,
      log,
    })
    const relabelled = await openRelabelled(join(config.dataDir, 'docker-labels.json'), log)
    let paused: OpenedPause | undefined
    const factory = createDockerContainerFactory({
      client,
      settings: factorySettings(on, images),
      clock,
      timers,
      log,
      isRuntimeImage: (spec) => !isBlackbox(spec) || blackboxes.has(spec.image),
      relabelled,
      isSentinelled: (spec) => (isBlackbox(spec) ? blackboxes.has(spec.image) : !silent.has(spec.kind)),
      async choosePause(facts) {
        rootDirectory = facts.info.rootDirectory
        if (docker.pause === 'none') return undefined
        paused = await pauseOf(config, client, facts, log)
        return paused.pause
      },
      reach: (info) => reachOf(address, info),
      imageUsed: (image, pulled) => collector.used(image, pulled),
    })
    await factory.start()
    collector.start()
    const kinds = manifest.kinds.map(({ kind }) => kind)
    const protections = dockerProtections({
      facts: factory.engine(),
      network: config.containers.network,
      unguarded: factory.unguarded(),
      readOnlyRoot: docker.readOnlyRoot,
      suspension: paused?.choice,
    })
    log.info({ engine: factory.engine().version.engine }, `containers on the Docker Engine at ${docker.host}`)
    return {
      factory,
      async stop() {
        await factory.stop()
        await Promise.all([collector.stop(), relabelled.saved()])
      },
      manifest,
      host: { protections, kinds, absent: [] },
      apiAddress: factory.apiAddress(),
      blackbox: docker.blackbox,
      routes: paused === undefined ? {} : pauseRoutes(paused.pause),
      notes: () =>
        factory
          .pulls()
          .map((pull) => ({ name: 'docker images', reason: `pulling the image ${pull.image}: ${progressText(pull)}` })),
      register(health, metrics) {
        health.add('docker engine', () => factory.probe())
        if (paused !== undefined) observePause(paused.pause, metrics)
        observeDocker(factory, collector, metrics)
      },
    }
  }
}

function isBlackbox({ kind }: Pick<ContainerSpec, 'kind'>): boolean {
  return kind === 'blackbox'
}

function imageSettings(docker: Config['docker']): ImageSettings {
  return {
    pullPolicy: docker.pullPolicy,
    runtimesRegistry: docker.runtimesRegistry,
    userImagesRegistry: docker.userImagesRegistry,
    authFile: docker.authFile,
    localImagePrefix: docker.bypassPullForLocalImages ? `${docker.localImagePrefix}/` : '',
    highWaterPercent: docker.imageHighWaterPercent,
    lowWaterPercent: docker.imageLowWaterPercent,
  }
}

function factorySettings(
  { config, apiHost, maxAnswerBytes }: ContainersOptions,
  images: ImageSettings,
): DockerFactorySettings {
  const { docker, containers, nodeName } = config
  return {
    namePrefix: docker.namePrefix,
    instance: instanceOf(config),
    nodeName,
    network: containers.network,
    networkName: docker.network,
    dns: docker.dns,
    dnsSearch: docker.dnsSearch,
    dnsOptions: docker.dnsOptions,
    extraEnv: docker.extraEnv,
    extra: readExtraArguments(docker.extraArgs),
    images,
    readOnlyRoot: docker.readOnlyRoot,
    init: docker.init,
    cpuLimit: docker.cpuLimit,
    tmpMb: containers.tmpMb,
    openFiles: containers.openFiles,
    processes: containers.processes,
    memoryMb: containers.memoryMb,
    cpuMilli: containers.cpuMilli,
    resources: containers.resources,
    maxAnswerBytes,
    apiHost,
    startTimeoutMs: containers.startTimeoutMs,
    parallelStarts: docker.parallelStarts,
  }
}

function pauseOf(
  config: Config,
  engine: EngineClient,
  { version, info }: EngineFacts,
  log: ContainersOptions['log'],
): Promise<OpenedPause> {
  const paths = resolvePaths(config.docker)
  return openPause({
    wanted: config.docker.pause,
    engine,
    engineRunc: { version: version.runcVersion, commit: version.runcCommit ?? info.runcCommit },
    paths,
    log,
  })
}

/** Rejects where the engine's directory cannot be seen from here. */
async function diskUsedPercent(directory: string): Promise<number | undefined> {
  if (directory === '') return undefined
  const { blocks, bavail, bfree } = await statfs(directory)
  const used = blocks - bfree
  // As df has it: what only root may still use does not count as free.
  return Math.ceil((100 * used) / Math.max(1, used + bavail))
}
