/** Which activation records are kept: OpenWhisk's storage levels, one for calls that somebody waited for and one for all others. */

import type { StatusCode } from './activation.ts'
import { APPLICATION_ERROR, SUCCESS } from './activation.ts'

export const STORAGE_LEVELS = ['always', 'failures', 'failures-not-application-errors'] as const
export type StorageLevel = (typeof STORAGE_LEVELS)[number]

export interface StorageLevels {
  readonly blocking: StorageLevel
  readonly nonBlocking: StorageLevel
}

/** What of a call decides whether its record is kept. */
export interface RecordOrigin {
  /** Somebody waits for it: callers who asked to, and sequences for their components. default false */
  readonly blocking?: boolean
  /** The request came with `X-OW-EXTRA-LOGGING: on`: its records are kept at every level. default false */
  readonly extraLogging?: boolean
}

/** True when the record of an activation with that status is to be kept. */
export function isKept(statusCode: StatusCode, origin: RecordOrigin, levels: StorageLevels): boolean {
  if (origin.extraLogging === true) return true
  switch (origin.blocking === true ? levels.blocking : levels.nonBlocking) {
    case 'always':
      return true
    case 'failures':
      return statusCode !== SUCCESS
    case 'failures-not-application-errors':
      return statusCode > APPLICATION_ERROR
  }
}
