/** A distributed container pool with a simulated factory and routers, ready to be let loose. */

import assert from 'node:assert/strict'
import type { DistributedContainerPoolDeps } from '../../src/control/distributed-container-pool.ts'
import { DistributedContainerPool } from '../../src/control/distributed-container-pool.ts'
import type { PoolNotice } from '../../src/control/pool-core.ts'
import type { ActionKey, ActionRequirements } from '../../src/control/pool-protocol.ts'
import type { PoolSettings } from '../../src/control/pool-settings.ts'
import { poolSettings } from '../../src/control/pool-settings.ts'
import type { StemCellPlan } from '../../src/control/stem-cells.ts'
import type { NodeCapacity } from '../../src/containers/container-factory.ts'
import type { SimulatedFactoryOptions } from './simulated-factory.ts'
import { countedIds, SimulatedFactory } from './simulated-factory.ts'
import type { SimulatedRouterOptions } from './simulated-router.ts'
import { SimulatedProxies, SimulatedRouter } from './simulated-router.ts'
import { VirtualWorld } from './virtual-world.ts'

export interface PoolWorld {
  readonly world: VirtualWorld
  readonly factory: SimulatedFactory
  readonly pool: DistributedContainerPool
  readonly proxies: SimulatedProxies
  readonly notices: PoolNotice[]
  router(id: string, delays?: Partial<SimulatedRouterOptions>): SimulatedRouter
}

/** Starts a pool in virtual time. */
export async function openPoolWorld(
  options: Partial<SimulatedFactoryOptions> &
    Pick<Partial<DistributedContainerPoolDeps>, 'collector' | 'observe'> & {
      readonly seed?: number
      readonly settings?: Partial<PoolSettings>
    },
): Promise<PoolWorld> {
  const world = new VirtualWorld(options.seed ?? 1)
  const factory = new SimulatedFactory(world, { nodes: [nodeOf('n1', 5_120)], ...options })
  const notices: PoolNotice[] = []
  const pool = new DistributedContainerPool({
    factory,
    clock: world.clock,
    ids: countedIds(),
    settings: poolSettings({ owner: 'test', epoch: 1, ...options.settings }),
    ...(options.collector !== undefined && { collector: options.collector }),
    ...(options.observe !== undefined && { observe: options.observe }),
    adopt: () => {},
    note: (notice) => notices.push(notice),
    schedule: (run) => void world.after(0, run),
    timers: world,
  })
  const proxies = new SimulatedProxies(world, pool)
  const started = pool.start()
  await world.pass(2)
  await started
  const router = (id: string, delays: Partial<SimulatedRouterOptions> = {}): SimulatedRouter =>
    new SimulatedRouter({ id, world, factory, control: pool, proxies, ...delays })
  return { world, factory, pool, proxies, notices, router }
}

export function nodeOf(node: string, memoryMb: number, more: Readonly<Record<string, number>> = {}): NodeCapacity {
  return { node, capacity: { memoryMb, ...more }, schedulable: true }
}

/** An action of 256 MB, one run at a time, unless told otherwise. */
export function actionOf(name: string, own: Partial<ActionRequirements> = {}): ActionRequirements {
  return {
    actionKey: `guest:guest/${name}@1` as ActionKey,
    namespace: 'guest',
    kind: 'nodejs:24',
    image: 'action-nodejs-v24',
    resources: { memoryMb: 256 },
    concurrency: 1,
    maxContainers: 1_000,
    ...own,
  }
}

/** Two stem cells that fit `actionOf`. */
export const STEM: StemCellPlan = {
  kind: 'nodejs:24',
  image: 'action-nodejs-v24',
  memoryMb: 256,
  initialCount: 2,
  concurrent: false,
}

/** The types of all events that a router got, in order. */
export function typesOf(router: SimulatedRouter): string[] {
  return router.events.map(({ type }) => type)
}

/** Ledger and containers tell the same. */
export function checkBooks({ pool, factory }: PoolWorld): void {
  const booked = pool.inspectNodes().nodes.reduce((sum, node) => sum + (node.used['memoryMb'] ?? 0), 0)
  const real = [...factory.containers.values()].reduce((sum, { memoryMb }) => sum + memoryMb, 0)
  assert.equal(booked, real)
  assert.equal(pool.inspect().length, factory.containers.size)
  assert.equal(pool.illegalTransitions, 0)
}
