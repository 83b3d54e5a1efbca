/** The contract of ContainerFactory on a fleet: one invoker with sandboxed processes, over a real connection. */

import { describeContainerFactory } from '../conformance/container-factory.ts'
import { availableLevels, isRoot, openTestHost, testKinds } from '../sandbox/sandbox-kit.ts'
import { openFleet } from './fleet-kit.ts'

const level = availableLevels().find(({ missing }) => missing === undefined)

describeContainerFactory(
  `invokers, each with processes as ${isRoot ? 'root' : 'an ordinary user'}`,
  {
    async open() {
      const host = await openTestHost({ sandbox: level?.level ?? 'none' })
      const fleet = await openFleet()
      await fleet.join('node-a', host.factory)
      return {
        factory: fleet.factory,
        async close() {
          await fleet.close()
          await host.close()
        },
      }
    },
    ...testKinds,
  },
  level === undefined ? 'no level of protection can be built on this host' : undefined,
)
