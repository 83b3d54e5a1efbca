/** The process itself, by the names that Prometheus clients have agreed on: memory, processor time, event loop, open handles. */

import { readdirSync } from 'node:fs'
import type { MetricsRegistry } from './metrics.ts'

/** Coarse on purpose: each sample is a wake-up of an otherwise idle process. Stalls shorter than this are seen in part only. */
const LAG_RESOLUTION_MS = 100
const NS = 1e9

export interface ProcessMetrics {
  /** Ends the measuring of the event loop. Idempotent. */
  stop(): void
}

/** Registers the metrics; what is measured between scrapes (the event loop) starts now. */
export function registerProcessMetrics(registry: MetricsRegistry): ProcessMetrics {
  const { monitorEventLoopDelay, performance } = process.getBuiltinModule('node:perf_hooks')
  registry.observe('gauge', 'process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss())
  registry.observe('gauge', 'nodejs_heap_size_used_bytes', 'Heap in use.', () => process.memoryUsage().heapUsed)
  registry.observe('gauge', 'nodejs_heap_size_total_bytes', 'Heap reserved.', () => process.memoryUsage().heapTotal)
  registry.observe(
    'gauge',
    'nodejs_external_memory_bytes',
    'Memory of buffers and native objects.',
    () => process.memoryUsage().external,
  )
  registry.observe('counter', 'process_cpu_seconds_total', 'Processor time, user and system.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  registry.observe(
    'gauge',
    'process_start_time_seconds',
    'When the process started, since the epoch.',
    () => performance.timeOrigin / 1000,
  )
  registry.observe('gauge', 'process_open_fds', 'Open file descriptors.', openFiles)
  registry.observe(
    'gauge',
    'nodejs_active_resources_total',
    'Handles and requests that keep the event loop alive.',
    () => process.getActiveResourcesInfo().length,
  )

  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
  lag.enable()
  let utilization = performance.eventLoopUtilization()
  registry.observe(
    'gauge',
    'nodejs_eventloop_utilization_ratio',
    'Share of the time since the last scrape in which the event loop was busy.',
    () => {
      const since = performance.eventLoopUtilization(utilization)
      utilization = performance.eventLoopUtilization()
      return since.utilization
    },
  )
  registry.observe(
    'gauge',
    'nodejs_eventloop_lag_seconds',
    'How late timers were since the last scrape, by quantile.',
    () => {
      const samples = [
        { labels: { quantile: '0.5' }, value: late(lag.percentile(50)) },
        { labels: { quantile: '0.99' }, value: late(lag.percentile(99)) },
        { labels: { quantile: '1' }, value: lag.count === 0 ? 0 : late(lag.max) },
      ]
      lag.reset()
      return samples
    },
  )
  return {
    stop: () => {
      lag.disable()
    },
  }
}

/** The histogram holds whole intervals between samples: what exceeds the resolution is lateness. */
function late(intervalNs: number): number {
  return Math.max(0, intervalNs / NS - LAG_RESOLUTION_MS / 1000)
}

function openFiles(): readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[] {
  // Other systems have no such directory: no sample there.
  if (process.platform !== 'linux') return []
  return [{ labels: {}, value: readdirSync('/proc/self/fd').length }]
}
