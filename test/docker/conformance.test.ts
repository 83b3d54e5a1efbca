/** The contract of ContainerFactory on a real engine, with each way of suspending and both ways of reaching containers. */

import { describe } from 'node:test'
import { describeContainerFactory } from '../conformance/container-factory.ts'
import { skipWithoutEngine } from './engine.ts'
import type { FactoryOptions } from './factory-kit.ts'
import { NODE, UNKNOWN, openFactory } from './factory-kit.ts'
import { TEST_IMAGES } from './test-images.ts'

const variants: readonly (readonly [string, FactoryOptions])[] = [
  ['docker, by address, freezer', { pause: 'cgroup' }],
  ['docker, published port, the engine’s pause', { pause: 'docker', reach: { type: 'published', host: '127.0.0.1' } }],
]

describe('docker', () => {
  for (const [name, options] of variants) {
    describeContainerFactory(
      name,
      {
        open: () => openFactory(options),
        works: NODE,
        silent: { kind: NODE.kind, image: TEST_IMAGES.neverListens },
        broken: { kind: NODE.kind, image: TEST_IMAGES.exitsAtOnce },
        brokenMessage: /exit status 3\): cannot find the configuration of exits-at-once/,
        unknown: UNKNOWN,
        limitsMemory: true,
      },
      skipWithoutEngine === false ? undefined : skipWithoutEngine,
    )
  }
})
