/** The contract of ContainerFactory on the process provider, at every level of protection that this host can build. */

import { describeContainerFactory } from '../conformance/container-factory.ts'
import { availableLevels, isRoot, openTestHost, testKinds } from './sandbox-kit.ts'

for (const { level, missing } of availableLevels()) {
  describeContainerFactory(
    `process, ${level}, as ${isRoot ? 'root' : 'an ordinary user'}`,
    {
      open: () => openTestHost({ sandbox: level }),
      ...testKinds,
    },
    missing,
  )
}
