/** Docker factories for tests: on the run's engine, each with containers and a network of its own, and the proof that nothing of them is left. */

import assert from 'node:assert/strict'
import type { DockerContainerFactory, EngineFacts } from '../../src/containers/docker/docker-container-factory.ts'
import { createDockerContainerFactory } from '../../src/containers/docker/docker-container-factory.ts'
import { parseEngineAddress } from '../../src/containers/docker/engine-address.ts'
import type { EngineClient } from '../../src/containers/docker/engine-client.ts'
import { createEngineClient } from '../../src/containers/docker/engine-client.ts'
import { createEngineTransport } from '../../src/containers/docker/engine-transport.ts'
import { resolvePaths } from '../../src/containers/docker/host-paths.ts'
import type { Relabelled } from '../../src/containers/docker/listed-labels.ts'
import type { DockerFactorySettings, DockerLog } from '../../src/containers/docker/settings.ts'
import { INSTANCE_LABEL } from '../../src/containers/docker/settings.ts'
import type { Reach } from '../../src/containers/docker/reach.ts'
import { openPause } from '../../src/containers/pause/open-pause.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { systemClock, systemTimers } from '../../src/model/clock.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { dockerSettings } from '../docker-settings.ts'
import { dockerHost } from './engine.ts'

/** Images that `npm run images:local` builds, and those that the rig makes of them. */
export const NODE = { kind: 'nodejs:24', image: 'stave/action-nodejs-v24:local' }
export const PYTHON = { kind: 'python:3.11', image: 'stave/action-python-v3.11:local' }
/** No registry listens there. */
export const UNKNOWN = { kind: 'nodejs:24', image: '127.0.0.1:1/none-such:1' }

export interface OpenedFactory {
  readonly factory: DockerContainerFactory
  readonly client: EngineClient
  readonly instance: string
  /** Stops it and fails when containers or the network are left. */
  close(): Promise<void>
}

export interface FactoryOptions {
  readonly instance?: string
  readonly settings?: Partial<DockerFactorySettings>
  readonly pause?: Config['docker']['pause']
  readonly reach?: Reach
  readonly isRuntimeImage?: boolean
  readonly isSentinelled?: boolean
  readonly relabelled?: Relabelled
  /** Time in ms that the engine has for questions about itself; default 10,000. */
  readonly quickMs?: number
  readonly log?: DockerLog
  /** Programs of the host that the packet filter finds. */
  readonly findTool?: (name: string) => string | undefined
  /** default: that of the run. */
  readonly dockerHost?: string
}

let opened = 0

export function openClient(
  options: { readonly requestMs?: number } & Pick<FactoryOptions, 'quickMs' | 'dockerHost'> = {},
): EngineClient {
  const transport = createEngineTransport(parseEngineAddress(options.dockerHost ?? dockerHost, '', false), 20)
  const { requestMs = 60_000, quickMs = 10_000 } = options
  return createEngineClient(transport, { requestMs, quickMs, pullMs: 60_000 })
}

/** A started factory. */
export async function openFactory(options: FactoryOptions = {}): Promise<OpenedFactory> {
  const instance = options.instance ?? `test${process.pid}n${opened++}`
  const client = openClient(options)
  const { config } = await loadConfig({
    env: {},
    flags: {},
    readFile: () => '',
    homedir: '/',
    cwd: '/',
  })
  const factory = createDockerContainerFactory({
    client,
    settings: {
      ...dockerSettings,
      instance,
      networkName: `stave-${instance}`,
      ...options.settings,
    },
    clock: systemClock,
    timers: systemTimers,
    log: options.log ?? silentLogger,
    ...(options.findTool !== undefined && { findTool: options.findTool }),
    isRuntimeImage: () => options.isRuntimeImage ?? true,
    relabelled: options.relabelled ?? { entries: new Map(), save: () => undefined, saved: () => Promise.resolve() },
    isSentinelled: () => options.isSentinelled ?? true,
    reach: () => options.reach ?? { type: 'address' },
    choosePause: async ({ version, info }: EngineFacts) => {
      const { pause } = await openPause({
        wanted: options.pause ?? 'auto',
        engine: client,
        engineRunc: { version: version.runcVersion, commit: version.runcCommit ?? info.runcCommit },
        paths: resolvePaths({ ...config.docker, host: dockerHost }),
        log: silentLogger,
      })
      return pause
    },
  })
  await factory.start()
  return {
    factory,
    client,
    instance,
    async close() {
      await factory.stop()
      const after = openClient(options)
      await after.connect()
      try {
        assert.deepEqual(await after.listContainers([`${INSTANCE_LABEL}=${instance}`]), [], 'containers are left')
        assert.equal(await after.inspectNetwork(`stave-${instance}`), undefined, 'the network is left')
      } finally {
        await after.close()
      }
    },
  }
}
