/** The contract of ContainerFactory on the process provider, at every level of protection that this host can build. */

import { describeContainerFactory } from '../conformance/container-factory.ts'
import { availableLevels, isRoot, openTestHost } from './sandbox-kit.ts'

for (const { level, missing } of availableLevels()) {
  describeContainerFactory(
    `process, ${level}, as ${isRoot ? 'root' : 'an ordinary user'}`,
    {
      open: () => openTestHost({ sandbox: level }),
      works: { kind: 'test:works', image: '' },
      silent: { kind: 'test:silent', image: '' },
      broken: { kind: 'test:broken', image: '' },
      brokenMessage: /exit status 3\): this launcher is broken/,
      unknown: { kind: 'test:none', image: '' },
      limitsMemory: true,
    },
    missing,
  )
}
