/** Stops and continues all processes of a container: by its control group, else by signals to each of them. */

import { freezeFully } from '../host/freezer.ts'
import type { CgroupLeaf } from './cgroups.ts'
import { membersOf, readProcesses, signalAll } from './process-table.ts'

/** Rounds of stopping by signals: a tree that still grows after these makes processes as fast as it is stopped. */
const SIGNAL_ROUNDS = 10

/** Resolves when every process has stopped; rejects when that could not be reached in time: undo it then. */
export async function freezeContainer(leaf: CgroupLeaf | undefined, pid: number): Promise<void> {
  if (leaf?.canFreeze !== true) {
    stopBySignals(pid)
    return
  }
  await freezeFully(leaf)
}

/** Lets all processes run again; done when it returns. Throws when the kernel refuses. */
export function thawContainer(leaf: CgroupLeaf | undefined, pid: number): void {
  if (leaf?.canFreeze === true) leaf.thaw()
  else signalAll(membersOf(readProcesses(), pid), 'SIGCONT')
}

/** Stops process by process until a look finds no new one: a child that was made before its parent stopped is found in the next round. */
function stopBySignals(pid: number): void {
  const stopped = new Set<number>()
  for (let round = 0; round < SIGNAL_ROUNDS; round++) {
    const fresh = membersOf(readProcesses(), pid).filter((entry) => !stopped.has(entry.pid))
    if (fresh.length === 0) return
    signalAll(fresh, 'SIGSTOP')
    for (const entry of fresh) stopped.add(entry.pid)
  }
  throw new Error('the container makes processes faster than they can be stopped')
}
