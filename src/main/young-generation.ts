/**
 * Bounds V8's young generation from within: it doubles with the garbage that survives, up to three times 32 MB under load, and never shrinks again.
 * At start-up, when everything that is loaded survives, it would grow for nothing; and past a few megabytes larger spaces make fewer collections but
 * no faster server. The flag for its bound, --max-semi-space-size, can only be given on Node's command line, which an executable does not have.
 */

import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Size in bytes, of the two or three semi-spaces together, at which growing ends: records that wait for the store die young in it. */
const ENOUGH_BYTES = 10 * 1024 * 1024

/** Keeps the young generation as it is. To be called first thing. */
export function holdYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

/** Lets the young generation grow as far as it is useful. Returns how to stop watching it. */
export function releaseYoungGeneration(): () => void {
  setFlagsFromString('--semi-space-growth-factor=2')
  const { PerformanceObserver } = process.getBuiltinModule('node:perf_hooks')
  const observer = new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
    if (young === undefined || young.space_size < ENOUGH_BYTES) return
    holdYoungGeneration()
    observer.disconnect()
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => observer.disconnect()
}
