/** The machine as it was during a run: numbers without it mean nothing. */

import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'

export interface Machine {
  readonly date: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly kernel: string
  readonly node: string
  /** Most cores' worth of time that others used whenever a row was about to begin. */
  readonly busyCores: number
}

/** What is known of this machine; `busyCores` as it was found. */
export function describeMachine(busyCores: number, now: Date): Machine {
  return {
    date: now.toISOString().slice(0, 16),
    cpu: cpus()[0]?.model ?? 'unknown processor',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    node: process.versions.node,
    busyCores: Number(busyCores.toFixed(2)),
  }
}

/** Cores' worth of processor time that anybody uses during the next `ms`; 0 where the system does not tell. To be called while nothing of ours runs. */
export async function busyCores(ms: number): Promise<number> {
  const before = cpuTimes()
  await delay(ms)
  const after = cpuTimes()
  const total = after.total - before.total
  return total === 0 ? 0 : ((after.busy - before.busy) / total) * cpus().length
}

function cpuTimes(): { readonly busy: number; readonly total: number } {
  let busy = 0
  let total = 0
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.irq + times.idle
    total += all
    busy += all - times.idle
  }
  return { busy, total }
}

/** One figure of /proc/PID/status in MB: `VmRSS` is what is resident, `VmHWM` the most that ever was. Throws when the process has gone. */
export function statusMb(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  return kilobytes(readFileSync(`/proc/${pid}/status`, 'utf8'), field) / 1024
}

/** Memory in MB that would be free again without the process: pages that nobody else has mapped. */
export function privateMb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return (kilobytes(text, 'Private_Clean') + kilobytes(text, 'Private_Dirty')) / 1024
}

function kilobytes(text: string, field: string): number {
  const value = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]
  if (value === undefined) throw new Error(`the kernel does not tell ${field}`)
  return Number(value)
}
