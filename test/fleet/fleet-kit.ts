/** What the tests of fleets share: a control plane's end with invokers on real connections, in one process, over any factory. */

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import type { ContainerFactory } from '../../src/containers/container-factory.ts'
import { openInvokerNumbers } from '../../src/containers/invokers/invoker-numbers.ts'
import type { InvokersContainerFactory } from '../../src/containers/invokers/invokers-container-factory.ts'
import { createInvokersContainerFactory } from '../../src/containers/invokers/invokers-container-factory.ts'
import type { Membership } from '../../src/containers/invokers/membership.ts'
import { join } from '../../src/containers/invokers/membership.ts'
import type { NodeContainers } from '../../src/containers/invokers/node-containers.ts'
import { createNodeContainers } from '../../src/containers/invokers/node-containers.ts'
import { systemClock, systemTimers } from '../../src/model/clock.ts'
import { createRegistrationServer } from '../../src/containers/invokers/registration-server.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'

export interface TestFleet {
  readonly factory: InvokersContainerFactory
  readonly url: string
  /** An invoker of that name over `own`, registered when it resolves. */
  join(node: string, own: ContainerFactory, incarnation?: string): Promise<TestInvoker>
  /** Cuts all connections, as a network that fails would. */
  cut(): void
  close(): Promise<void>
}

export interface TestInvoker {
  readonly membership: Membership
  readonly containers: NodeContainers
}

const WAIT_MS = 10_000
/** What invokers of these tests show. */
export const TOKEN = 'a token of the tests'

/** A fleet without nodes. `directory` keeps the numbers of an earlier one. */
export async function openFleet({ leaseMs = 2000, directory = '' } = {}): Promise<TestFleet> {
  const own = directory === '' ? mkdtempSync(joinPath(tmpdir(), 'stave-fleet-')) : undefined
  const factory = createInvokersContainerFactory({
    numbers: await openInvokerNumbers(joinPath(own ?? directory, 'invokers.json')),
    leaseMs,
    clock: systemClock,
    timers: systemTimers,
    log: silentLogger,
  })
  const clients = new Set<WebSocket>()
  const server = createRegistrationServer({
    isAllowed: ({ headers }) => headers.authorization === `Bearer ${TOKEN}`,
    maxMessageBytes: 64 * 1024 * 1024,
    accept(socket) {
      clients.add(socket)
      factory.accept(socket)
    },
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  const memberships: Membership[] = []
  return {
    factory,
    url,
    async join(node, over, incarnation = node) {
      const containers = createNodeContainers(over, systemClock)
      const membership = join({
        url,
        token: TOKEN,
        node,
        incarnation,
        kinds: ['test:works'],
        factory: over,
        containers,
        leaseMs,
        maxMessageBytes: 64 * 1024 * 1024,
        clock: systemClock,
        timers: systemTimers,
        log: silentLogger,
        random: () => 0,
      })
      memberships.push(membership)
      await until(() => membership.number !== undefined)
      return { membership, containers }
    },
    cut() {
      for (const socket of clients) socket.terminate()
    },
    async close() {
      await factory.stop()
      for (const membership of memberships) membership.stop()
      for (const socket of clients) socket.terminate()
      await new Promise((resolve) => server.close(resolve))
      if (own !== undefined) rmSync(own, { recursive: true, force: true })
    },
  }
}

/** Resolves when it holds; rejects when that takes too long. */
export async function until(holds: () => boolean | Promise<boolean>, what = 'it'): Promise<void> {
  const end = systemClock.monotonic() + WAIT_MS
  while (!(await holds())) {
    if (systemClock.monotonic() > end) throw new Error(`${what} did not come true within ${WAIT_MS} ms`)
    await delay(10)
  }
}
