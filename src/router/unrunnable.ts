/** Actions that are stored but not run: what each call of one comes to is known when it is resolved. */

import type { RunnableAction } from '../model/action.ts'
import type { Outcome } from '../model/activation.ts'
import { APPLICATION_ERROR, DEVELOPER_ERROR, errorOutcome } from '../model/activation.ts'
import type { SystemLimits } from '../model/limits.ts'

/** What can be run here. */
export interface Platform {
  /** The container provider runs images; else actions of kind `blackbox` are kept for platforms that do. */
  readonly runsImages: boolean
  readonly limits: Pick<SystemLimits, 'timeoutMs' | 'memoryMb' | 'logsMb' | 'concurrency'>
}

/** OpenWhisk's word for an image that cannot be had. */
export function imageMissing(image: string): Outcome {
  return errorOutcome(DEVELOPER_ERROR, `Failed to pull container image '${image}'.`)
}

/** The outcome of every call; undefined: the action can be run. */
export function unrunnable({ exec, limits }: RunnableAction, platform: Platform): Outcome | undefined {
  if (exec.type === 'blackbox' && !platform.runsImages) return imageMissing(exec.image)
  const { timeoutMs, memoryMb, logsMb, concurrency } = platform.limits
  const exceeds =
    limits.timeoutMs > timeoutMs.max ||
    limits.memoryMb > memoryMb.max ||
    limits.logsMb > logsMb.max ||
    limits.concurrency > concurrency.max
  // The operator has lowered a limit since the action was written.
  return exceeds ? errorOutcome(APPLICATION_ERROR, 'Action limit exceeded the system limit.') : undefined
}
