/** Removes what an earlier process of the same data directory left behind: processes, control groups, directories. */

import { setTimeout as delay } from 'node:timers/promises'
import { killAll, readPids, removeGroup, subgroups, tryWriteControl } from '../host/cgroup-files.ts'
import type { ContainerRecord, ContainerRecords } from './container-record.ts'
import { bootId, membersOf, readProcess, readProcesses, signalAll, startedBelow } from './process-table.ts'

const REMOVAL_TIMEOUT_MS = 10_000

/** Removes one container by its record. Resolves false when processes of it could not be ended in time; the record stays then. */
export async function removeLeftover(records: ContainerRecords, id: string): Promise<boolean> {
  const record = records.read(id)
  const gone = record === undefined || (await endLeftover(record, records.directory(id)))
  if (gone) records.remove(id)
  return gone
}

/** Removes every group below `groups`, with the processes in them. Resolves with the number of groups that were left over. */
export async function removeLeftoverGroups(groups: readonly string[]): Promise<number> {
  const leaves = groups.flatMap((group) => subgroups(group))
  await emptyGroups(leaves)
  return leaves.length
}

async function endLeftover(record: ContainerRecord, directory: string): Promise<boolean> {
  // Process ids begin anew at each boot: those of another one name somebody else.
  if (record.bootId === bootId() && record.process !== undefined) {
    const { pid, started } = record.process
    const processes = readProcesses()
    if (started !== '' && readProcess(pid)?.started === started) signalAll(membersOf(processes, pid), 'SIGKILL')
    if (record.cgroups.length === 0) signalAll(startedBelow(processes, directory), 'SIGKILL')
  }
  return emptyGroups(record.cgroups)
}

async function emptyGroups(directories: readonly string[]): Promise<boolean> {
  const until = performance.now() + REMOVAL_TIMEOUT_MS
  let left = [...directories]
  for (;;) {
    for (const directory of left) endGroup(directory)
    left = left.filter((directory) => !removeGroup(directory))
    if (left.length === 0) return true
    if (performance.now() > until) return false
    await delay(5)
  }
}

/** Thaws and kills, whatever the hierarchy: a file that it does not have just refuses. */
function endGroup(directory: string): void {
  killAll(readPids(directory))
  tryWriteControl(`${directory}/cgroup.kill`, '1')
  tryWriteControl(`${directory}/cgroup.freeze`, '0')
  tryWriteControl(`${directory}/freezer.state`, 'THAWED')
}
