/**
 * Suspension by a write to the freezer of the container's control group: no process, no request. The engine does not notice and goes on calling the
 * container running, so it has to be thawed before the engine stops or removes it.
 */

import { isCode } from '../host/cgroup-files.ts'
import type { Freezer } from '../host/freezer.ts'
import { freezeFully } from '../host/freezer.ts'
import type { CgroupPlaces } from './locate-freezer.ts'
import { findFreezer, locateFreezer } from './locate-freezer.ts'
import type { PauseStrategy, PauseTarget } from './pause-strategy.ts'
import { PauseUnusable } from './pause-strategy.ts'

/** The strategy on the control groups of `places`. */
export function createCgroupFreezer(places: CgroupPlaces): PauseStrategy {
  /** Found once for each target object that is passed in: thawing costs its write and nothing else. */
  const known = new WeakMap<PauseTarget, Freezer>()

  const locate = (target: PauseTarget): Freezer => {
    const found = locateFreezer(places, target)
    if ('unreachable' in found) throw new PauseUnusable('container', found.unreachable)
    return found.freezer
  }

  return {
    name: 'cgroup',
    async suspend(target) {
      const freezer = locate(target)
      known.set(target, freezer)
      await freezeFully(freezer)
    },
    resume(target) {
      const freezer = known.get(target) ?? locate(target)
      try {
        freezer.thaw()
      } catch (error) {
        // A group that is gone has no process left that could be frozen.
        if (!isGone(error)) throw error
      }
    },
  }
}

/** Whether the kernel holds the container's processes, whoever asked it to; undefined where that cannot be read. */
export function freezerState(places: CgroupPlaces): (target: PauseTarget) => boolean | undefined {
  return (target) => {
    const found = findFreezer(places, target)
    const thawed = 'unreachable' in found ? undefined : found.freezer.isThawed()
    return thawed === undefined ? undefined : !thawed
  }
}

function isGone(error: unknown): boolean {
  return isCode(error, 'ENOENT') || isCode(error, 'ENODEV')
}
