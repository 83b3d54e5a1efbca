/** How much memory and CPU time this node can share out among containers. */

import { readFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import type { ProcessFactorySettings } from './settings.ts'

/** What the platform, the kernel's caches and the launchers' own start need is kept back. */
const SHARE_OF_MEMORY = 0.8

/** The configured capacity, where 0 is what the host and the memory limit of this process's control group allow. */
export function nodeCapacity(settings: Pick<ProcessFactorySettings, 'memoryMb' | 'cpuMilli'>): {
  readonly memoryMb: number
  readonly cpuMilli: number
} {
  return {
    memoryMb:
      settings.memoryMb > 0 ? settings.memoryMb : Math.floor((availableBytes() / 1024 / 1024) * SHARE_OF_MEMORY),
    cpuMilli: settings.cpuMilli > 0 ? settings.cpuMilli : availableParallelism() * 1000,
  }
}

function availableBytes(): number {
  // node tells the limit of the own group, v1 and v2, with 0 for unknown and numbers beyond any memory for none.
  const constrained = process.constrainedMemory()
  const physical = physicalBytes()
  return constrained > 0 && constrained < physical ? constrained : physical
}

/** Physical memory; `totalmem` of some runtimes already looks at control groups, /proc/meminfo never does. */
function physicalBytes(): number {
  try {
    const match = /^MemTotal:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))
    if (match !== null) return Number(match[1]) * 1024
  } catch {
    // Not Linux.
  }
  return totalmem()
}
