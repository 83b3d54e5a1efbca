/** The containers of a host without a container engine: what it can run, and the factory of sandboxed processes. */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { discoverRuntimes } from '../containers/process/discover-runtimes.ts'
import type { ProcessContainerFactoryOptions } from '../containers/process/process-container-factory.ts'
import { createProcessContainerFactory } from '../containers/process/process-container-factory.ts'
import type { ZygoteStarter } from '../containers/process/zygote.ts'
import { createZygoteStarter } from '../containers/process/zygote.ts'
import type { ContainersOptions, OpenedContainers } from './containers.ts'

/** Finds the runtimes and starts the factory. Rejects with a message that says how to mend it. */
export async function openProcessContainers(options: ContainersOptions): Promise<OpenedContainers> {
  const { config, log, clock, runDir } = options
  const { containers, runtimes } = config
  const { manifest, launchers, absent } = await discoverRuntimes({
    interpreters: runtimes.interpreters,
    manifest: runtimes.manifest === '' ? undefined : runtimes.manifest,
    stemCells: containers.stemCells,
    path: options.path,
    execPath: process.execPath,
    cacheDir: join(config.dataDir, 'cache'),
    log,
  })
  const factory = createProcessContainerFactory({
    runtimes: launchers,
    dataDir: config.dataDir,
    runDir: join(runDir, 'containers'),
    settings: {
      nodeName: config.nodeName,
      sandbox: containers.sandbox,
      network: containers.network,
      uidFirst: containers.uidFirst,
      uidCount: containers.uidCount,
      tmpMb: containers.tmpMb,
      openFiles: containers.openFiles,
      processes: containers.processes,
      fileBytes: containers.fileBytes,
      memoryMb: containers.memoryMb,
      cpuMilli: containers.cpuMilli,
      resources: containers.resources,
      maxAnswerBytes: options.maxAnswerBytes,
      apiHost: options.apiHost,
      startTimeoutMs: containers.startTimeoutMs,
      maxConcurrentStarts: containers.maxConcurrentStarts,
      trusted: config.trusted,
      loopback: options.loopback,
    },
    clock,
    log,
    zygote: zygoteStarter(options),
  })
  await factory.start()
  const kinds = manifest.kinds.map(({ kind }) => kind)
  return {
    factory,
    stop: () => factory.stop(),
    manifest,
    host: { protections: factory.protections(), kinds, absent },
    apiAddress: factory.apiAddress(),
    blackbox: false,
    routes: {},
    notes: () => [],
    register: () => undefined,
  }
}

/** One starter for all zygotes of the host; none where processes are not sandboxed: what a zygote builds is a sandbox. */
function zygoteStarter(options: ContainersOptions): NonNullable<ProcessContainerFactoryOptions['zygote']> {
  let starter: ZygoteStarter | undefined
  return (launcher, host, direct) => {
    if (host.level === 'none') return direct
    starter ??= createZygoteStarter({
      fallback: direct,
      runDir: join(options.runDir, 'zygotes'),
      timeoutMs: options.config.containers.startTimeoutMs,
      clock: options.clock,
      randomToken: () => randomBytes(24).toString('hex'),
      log: options.log,
    })
    void starter.prepare(launcher)
    return starter
  }
}
