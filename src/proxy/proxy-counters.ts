/** What the proxies of a node count together. */

import type { SuspensionCounters } from './suspension.ts'

/** Shared by all proxies of a node; telemetry reads them. */
export interface ProxyCounters extends SuspensionCounters {
  inits: number
  runs: number
  /** Requests refused because the container was at its limit and the buffer full, or the wait in it too long. */
  busy: number
  timeouts: number
  discarded: number
}

/** Counters of a node that has done nothing yet. */
export function newProxyCounters(): ProxyCounters {
  return {
    inits: 0,
    runs: 0,
    busy: 0,
    timeouts: 0,
    discarded: 0,
    suspends: 0,
    suspendFailures: 0,
    resumes: 0,
    resumeFailures: 0,
  }
}
