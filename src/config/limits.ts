/** The configured limits in the form in which the domain knows them. */

import type { SystemLimits } from '../model/limits.ts'
import type { Config } from './schema.ts'

/** The system's limits: what holds where a namespace has no overrides, and what overrides are cut to. */
export function systemLimits(config: Config): SystemLimits {
  const { limits } = config
  return {
    timeoutMs: limits.timeout,
    memoryMb: limits.memory,
    logsMb: limits.logs,
    concurrency: limits.concurrency,
    invocationsPerMinute: limits.invocationsPerMinute,
    concurrentInvocations: limits.concurrentInvocations,
    firesPerMinute: limits.firesPerMinute,
    sequenceLength: limits.sequenceLength,
    parametersBytes: limits.parametersBytes,
    codeBytes: limits.codeBytes,
    payloadBytes: limits.payloadBytes,
    truncationBytes: limits.truncationBytes,
    blockingWaitMs: limits.blockingWaitMs,
    requestBytes: limits.requestBytes,
    listStd: limits.list.std,
    listMax: limits.list.max,
  }
}
