/** Holds containers to their memory where no control group does: measures what their processes occupy and reports the one that has too much. */

import { membersOf, readProcesses } from './process-table.ts'

/** Between two looks a runaway process can take a few hundred MB more: the price of a host without memory control groups. */
const INTERVAL_MS = 250

export interface WatchedMemory {
  resize(memoryMb: number): void
  stop(): void
}

export interface MemoryWatch {
  /** Calls `exceeded` once when the process and its descendants occupy more than `memoryMb`. */
  watch(pid: number, memoryMb: number, exceeded: () => void): WatchedMemory
  close(): void
}

/** A watch that has a timer only while there is something to watch. */
export function createMemoryWatch(): MemoryWatch {
  const watched = new Set<{ readonly pid: number; memoryMb: number; readonly exceeded: () => void }>()
  let timer: NodeJS.Timeout | undefined
  const look = (): void => {
    const processes = readProcesses()
    for (const entry of watched) {
      const bytes = membersOf(processes, entry.pid).reduce((sum, { rssBytes }) => sum + rssBytes, 0)
      if (bytes <= entry.memoryMb * 1024 * 1024) continue
      watched.delete(entry)
      entry.exceeded()
    }
    halt()
  }
  const halt = (): void => {
    if (watched.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  return {
    watch(pid, memoryMb, exceeded) {
      const entry = { pid, memoryMb, exceeded }
      watched.add(entry)
      timer ??= setInterval(look, INTERVAL_MS).unref()
      return {
        resize(megabytes) {
          entry.memoryMb = megabytes
        },
        stop() {
          watched.delete(entry)
          halt()
        },
      }
    },
    close() {
      watched.clear()
      halt()
    },
  }
}
