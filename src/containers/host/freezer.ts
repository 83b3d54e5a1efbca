/** The kernel's freezers: stopping and continuing all processes of a control group that exists, in both versions. */

import { setTimeout as delay } from 'node:timers/promises'
import { controlCount, killAll, readControl, readPids, tryWriteControl, writeControl } from './cgroup-files.ts'

/** The freezer of one control group. Every method is one or two file operations, well below a millisecond. */
export interface Freezer {
  readonly directory: string
  /** Asks the kernel to stop all processes; they have stopped when `isFrozen` says so. Throws when it cannot be asked. */
  freeze(): void
  /** Lets the processes run again; done on return. Throws when it cannot be asked. */
  thaw(): void
  isFrozen(): boolean
  /** True when nobody asks the kernel to hold the processes; undefined when it does not tell. */
  isThawed(): boolean | undefined
  /** Kills every process in it, frozen ones, too. Never throws. */
  kill(): void
}

/** A process in the kernel (a slow disk) stops when it comes back from there. */
const FREEZE_TIMEOUT_MS = 5000
const LOOKS_BEFORE_THAW = 25

/** The freezer and killer of a v2 group. */
export function unifiedFreezer(directory: string): Freezer {
  const control = `${directory}/cgroup.freeze`
  return {
    directory,
    freeze: () => {
      writeControl(control, '1')
    },
    thaw: () => {
      writeControl(control, '0')
    },
    isFrozen: () => controlCount(`${directory}/cgroup.events`, 'frozen') === 1,
    isThawed: () => equals(readControl(control), '0'),
    kill() {
      // cgroup.kill came with Linux 5.14; frozen processes of v2 die, too.
      if (!tryWriteControl(`${directory}/cgroup.kill`, '1')) killAll(readPids(directory))
    },
  }
}

/** The v1 freezer. Its processes cannot die while frozen: kills are pending until it is thawed. */
export function v1Freezer(directory: string): Freezer {
  const state = `${directory}/freezer.state`
  const thaw = (): void => {
    writeControl(state, 'THAWED')
  }
  return {
    directory,
    freeze: () => {
      writeControl(state, 'FROZEN')
    },
    thaw,
    isFrozen: () => readControl(state) === 'FROZEN',
    isThawed: () => equals(readControl(state), 'THAWED'),
    kill() {
      killAll(readPids(directory))
      thaw()
    },
  }
}

/** Resolves when every process has stopped; rejects when that could not be reached in 5 s: undo it then. */
export async function freezeFully(freezer: Pick<Freezer, 'freeze' | 'isFrozen' | 'thaw'>): Promise<void> {
  freezer.freeze()
  const until = performance.now() + FREEZE_TIMEOUT_MS
  let pauseMs = 1
  for (let look = 1; !freezer.isFrozen(); look++) {
    if (performance.now() > until) throw new Error(`the container did not stop within ${FREEZE_TIMEOUT_MS} ms`)
    // Version 1 can miss processes that appear while it stops the others, for ever; letting them all go once lets it catch them, as runc found out.
    if (look % LOOKS_BEFORE_THAW === 0) freezer.thaw()
    await delay(pauseMs, undefined, { ref: false })
    freezer.freeze()
    pauseMs = Math.min(20, pauseMs * 2)
  }
}

function equals(value: string | undefined, expected: string): boolean | undefined {
  return value === undefined ? undefined : value === expected
}
