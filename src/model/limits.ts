/** Limits: the system's, a namespace's overrides, and the effective ones that result. */

import type { JsonValue } from './json.ts'

/** Lower bound, default and upper bound of one action limit. */
export interface LimitRange {
  readonly min: number
  readonly std: number
  readonly max: number
}

/** What the operator configured for the whole system. */
export interface SystemLimits {
  /** Action limit ranges: `timeoutMs` in ms, `memoryMb` and `logsMb` in MB, `concurrency` in runs per container. */
  readonly timeoutMs: LimitRange
  readonly memoryMb: LimitRange
  readonly logsMb: LimitRange
  readonly concurrency: LimitRange
  readonly invocationsPerMinute: number
  readonly concurrentInvocations: number
  readonly firesPerMinute: number
  readonly sequenceLength: number
  /** Bytes of an entity's parameters, and of its annotations. */
  readonly parametersBytes: number
  /** Bytes of an action's code. */
  readonly codeBytes: number
  /** Bytes of an invocation's payload and of its result. */
  readonly payloadBytes: number
  /** Bytes of an over-long result that its error message keeps. */
  readonly truncationBytes: number
  /** Longest time in ms that a blocking call waits before it is answered 202. */
  readonly blockingWaitMs: number
  /** Bytes of any request body. */
  readonly requestBytes: number
  readonly listStd: number
  readonly listMax: number
}

/** The overrides of one namespace (OpenWhisk's `NS/limits` document); absent fields follow the system. */
export interface NamespaceLimits {
  readonly invocationsPerMinute?: number
  readonly concurrentInvocations?: number
  readonly firesPerMinute?: number
  readonly allowedKinds?: readonly string[]
  readonly storeActivations?: boolean
  readonly minActionMemory?: number
  readonly maxActionMemory?: number
  readonly minActionLogs?: number
  readonly maxActionLogs?: number
  readonly minActionTimeout?: number
  readonly maxActionTimeout?: number
  readonly minActionConcurrency?: number
  readonly maxActionConcurrency?: number
  /** Sizes as text with a unit (`1 MB`, `1048576 B`), as OpenWhisk stores them. */
  readonly maxParameterSize?: string
  readonly maxPayloadSize?: string
  readonly truncationSize?: string
  readonly maxActionInstances?: number
  readonly warmedContainerKeepingCount?: number
  /** A duration as text (`24 hours`). */
  readonly warmedContainerKeepingTimeout?: string
}

/** What holds for one namespace: overrides cut to the system's bounds, sizes in bytes. */
export interface EffectiveLimits {
  readonly invocationsPerMinute: number
  readonly concurrentInvocations: number
  readonly firesPerMinute: number
  readonly timeoutMs: LimitRange
  readonly memoryMb: LimitRange
  readonly logsMb: LimitRange
  readonly concurrency: LimitRange
  readonly parametersBytes: number
  readonly payloadBytes: number
  readonly truncationBytes: number
  readonly maxActionInstances: number
  readonly allowedKinds?: readonly string[]
  readonly storeActivations: boolean
}

const SIZE = /^\s*(\d+)\s*(b|kb|mb|gb)?\s*$/i
const UNITS: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }

/** Bytes of a size with a unit (`1 MB`, `1048576 B`); undefined when it is none. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text)
  if (match === null) return undefined
  return Number(match[1]) * (UNITS[(match[2] ?? 'b').toLowerCase()] ?? 1)
}

/** The limits that hold for a namespace: its overrides never exceed what the system allows. */
export function effectiveLimits(system: SystemLimits, own: NamespaceLimits): EffectiveLimits {
  const bytes = (text: string | undefined, fallback: number): number => {
    const parsed = text === undefined ? undefined : parseSize(text)
    return parsed === undefined ? fallback : Math.min(parsed, system.requestBytes)
  }
  const concurrentInvocations = own.concurrentInvocations ?? system.concurrentInvocations
  return {
    invocationsPerMinute: own.invocationsPerMinute ?? system.invocationsPerMinute,
    concurrentInvocations,
    firesPerMinute: own.firesPerMinute ?? system.firesPerMinute,
    timeoutMs: narrow(system.timeoutMs, own.minActionTimeout, own.maxActionTimeout),
    memoryMb: narrow(system.memoryMb, own.minActionMemory, own.maxActionMemory),
    logsMb: narrow(system.logsMb, own.minActionLogs, own.maxActionLogs),
    concurrency: narrow(system.concurrency, own.minActionConcurrency, own.maxActionConcurrency),
    parametersBytes: bytes(own.maxParameterSize, system.parametersBytes),
    payloadBytes: bytes(own.maxPayloadSize, system.payloadBytes),
    truncationBytes: bytes(own.truncationSize, system.truncationBytes),
    maxActionInstances: own.maxActionInstances ?? concurrentInvocations,
    ...(own.allowedKinds !== undefined && { allowedKinds: own.allowedKinds }),
    storeActivations: own.storeActivations ?? true,
  }
}

function narrow(system: LimitRange, min: number | undefined, max: number | undefined): LimitRange {
  const low = Math.max(system.min, min ?? system.min)
  const high = Math.min(system.max, max ?? system.max)
  return { min: low, max: high, std: Math.min(Math.max(system.std, low), high) }
}

/** Body of `GET /namespaces/_/limits`: OpenWhisk's names and mixed units (spec section 3.2). */
export function limitsDocument(effective: EffectiveLimits, own: NamespaceLimits): Readonly<Record<string, JsonValue>> {
  return {
    invocationsPerMinute: effective.invocationsPerMinute,
    concurrentInvocations: effective.concurrentInvocations,
    firesPerMinute: effective.firesPerMinute,
    minActionMemory: effective.memoryMb.min,
    maxActionMemory: effective.memoryMb.max,
    minActionLogs: effective.logsMb.min,
    maxActionLogs: effective.logsMb.max,
    minActionTimeout: effective.timeoutMs.min,
    maxActionTimeout: effective.timeoutMs.max,
    minActionConcurrency: effective.concurrency.min,
    maxActionConcurrency: effective.concurrency.max,
    maxParameterSize: `${effective.parametersBytes} B`,
    maxActionInstances: effective.maxActionInstances,
    ...(own.allowedKinds !== undefined && { allowedKinds: own.allowedKinds }),
    ...(own.storeActivations !== undefined && { storeActivations: own.storeActivations }),
    ...(own.maxPayloadSize !== undefined && { maxPayloadSize: own.maxPayloadSize }),
    ...(own.truncationSize !== undefined && { truncationSize: own.truncationSize }),
    ...(own.warmedContainerKeepingCount !== undefined && {
      warmedContainerKeepingCount: own.warmedContainerKeepingCount,
    }),
    ...(own.warmedContainerKeepingTimeout !== undefined && {
      warmedContainerKeepingTimeout: own.warmedContainerKeepingTimeout,
    }),
  }
}
