/** The control plane of one node, and the proxies of the containers that it makes. */

import { createHash } from 'node:crypto'
import type { Config } from '../config/schema.ts'
import type { ContainerFactory } from '../containers/container-factory.ts'
import { DistributedContainerPool } from '../control/distributed-container-pool.ts'
import type { PoolSettings } from '../control/pool-settings.ts'
import { poolSettings } from '../control/pool-settings.ts'
import { boundStemCells, stemCellPlans } from '../control/stem-cells.ts'
import type { Clock, Timers } from '../model/clock.ts'
import type { IdSource } from '../model/ids.ts'
import type { SystemLimits } from '../model/limits.ts'
import type { RuntimesManifest } from '../model/manifest.ts'
import type { ProxyRegistry } from '../proxy/proxy-registry.ts'
import { createProxyRegistry } from '../proxy/proxy-registry.ts'
import type { Logger } from '../telemetry/logger.ts'

/** Share of the memory of all nodes that stem cells for users' images may reserve: half of what those of the manifest may. */
const IMAGE_STEM_SHARE = 0.125

export interface OpenPoolOptions {
  readonly config: Config
  readonly limits: SystemLimits
  readonly factory: ContainerFactory
  readonly manifest: RuntimesManifest
  readonly clock: Clock
  readonly timers: Timers
  readonly ids: IdSource
  readonly log: Logger
}

/** Builds both; neither has started. `nodesChanged` is for factories whose nodes come and go. */
export function openPool(options: OpenPoolOptions): {
  readonly pool: DistributedContainerPool
  readonly proxies: ProxyRegistry
  readonly nodesChanged: () => void
} {
  const { config, limits, factory, manifest, clock, timers, ids, log } = options
  const { containers, collector, router } = config
  const proxies = createProxyRegistry({
    clock,
    timers,
    settings: {
      pauseGraceMs: factory.canSuspend === true ? containers.pauseGraceMs : undefined,
      overflowFactor: router.overflowFactor,
      overflow: { maxBytes: 4 * limits.payloadBytes, maxWaitMs: router.overflowWaitMs },
    },
    discard: (id, reason) => pool.discard(id, reason),
    reportUse: (id, inFlight, lastUsed) => pool.reportUse(id, inFlight, lastUsed),
  })
  /** Shares of the memory that there is now, which stem cells may take. */
  function stemCellSettings(): Pick<PoolSettings, 'stemCells' | 'imageStemCells'> {
    const nodes = factory.nodes().filter(({ schedulable }) => schedulable)
    const memoryMb = nodes.reduce((sum, { capacity }) => sum + (capacity['memoryMb'] ?? 0), 0)
    return {
      stemCells: boundStemCells(stemCellPlans(manifest, factory.canResize === true), memoryMb),
      imageStemCells: {
        reactive: {
          minCount: 0,
          maxCount: containers.imageStemCells,
          ttlMs: containers.idleTimeoutMs,
          threshold: containers.imageStemThreshold,
          increment: 1,
        },
        memoryMb: memoryMb * IMAGE_STEM_SHARE,
      },
    }
  }

  const pool = new DistributedContainerPool({
    factory,
    clock,
    ids,
    settings: poolSettings({
      owner: createHash('sha256').update(config.dataDir).digest('hex').slice(0, 16),
      // A later start has a later clock; what an earlier one left behind, the factory has removed when it started.
      epoch: clock.now(),
      collector: collector.provider,
      placement: config.placement.strategy,
      idleTimeoutMs: containers.idleTimeoutMs,
      collectMs: collector.intervalMs,
      markGraceMs: collector.markGraceMs,
      onMarkedUse: collector.onMarkedUse,
      // Init and run may each take the whole limit.
      drainTimeoutMs: 2 * limits.timeoutMs.max + 60_000,
      startTimeoutMs: containers.startTimeoutMs,
      ...(containers.maxConcurrentStarts > 0 && { maxConcurrentStarts: containers.maxConcurrentStarts }),
      ...stemCellSettings(),
    }),
    adopt: (container, start) => proxies.adopt(container, start),
    note: ({ level, message, detail }) => log[level](detail, message),
  })
  return {
    pool,
    proxies,
    nodesChanged() {
      pool.reconfigure(stemCellSettings())
      pool.nodesChanged()
    },
  }
}
