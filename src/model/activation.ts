/** Activations: what one invocation came to, and the record that is kept of it. */

import type { ActivationId } from './ids.ts'
import type { NamespaceName } from './names.ts'

/** OpenWhisk's four outcomes, by their status code. */
export type StatusCode = 0 | 1 | 2 | 3
export const SUCCESS = 0
export const APPLICATION_ERROR = 1
export const DEVELOPER_ERROR = 2
export const WHISK_ERROR = 3

export const STATUS_PHRASES = [
  'success',
  'application error',
  'action developer error',
  'whisk internal error',
] as const

/** What came of a run: the result as JSON text, passed on without being parsed and serialised again. */
export interface Outcome {
  readonly statusCode: StatusCode
  /** JSON text of `response.result`. */
  readonly resultJson: string
  /** Length of what the action answered, in characters; absent for results that the platform made. */
  readonly size?: number
}

/** An outcome whose result is `{"error": message}`, made by the platform. */
export function errorOutcome(statusCode: Exclude<StatusCode, 0>, message: string): Outcome {
  return { statusCode, resultJson: JSON.stringify({ error: message }) }
}

/** A finished activation. JSON parts are text that was rendered once and is spliced into answers and the store. */
export interface ActivationRecord {
  readonly activationId: ActivationId
  /** The invoking namespace: where the record is found. */
  readonly namespace: NamespaceName
  readonly subject: string
  /** The action's name without its package. */
  readonly name: string
  /** What the list filter `name` matches: `A`, or `PKG/A` (the binding's name where one was used). */
  readonly filter: string
  readonly version: string
  /** ms since the epoch. */
  readonly start: number
  /** Absent on trigger activations, as is `duration`. */
  readonly end?: number
  readonly duration?: number
  readonly outcome: Outcome
  /** JSON text of an array of strings. */
  readonly logsJson: string
  /** JSON text of an array of `{key, value}`. */
  readonly annotationsJson: string
  readonly cause?: ActivationId
}

/** The record as `GET /activations/ID` and a blocking invoke answer it. Text in, text out: bench/record.ts shows what parsing would cost. */
export function renderRecord(record: ActivationRecord, logsJson: string = record.logsJson): string {
  const { outcome } = record
  const cause = record.cause === undefined ? '' : `,"cause":"${record.cause}"`
  const times = record.end === undefined ? '' : `,"end":${record.end},"duration":${record.duration ?? 0}`
  return (
    `{"namespace":${JSON.stringify(record.namespace)},"name":${JSON.stringify(record.name)},"version":"${record.version}"` +
    `,"subject":${JSON.stringify(record.subject)},"activationId":"${record.activationId}","start":${record.start}${times}` +
    `,"publish":false,"response":${renderResponse(outcome)},"logs":${logsJson}${cause},"annotations":${record.annotationsJson}}`
  )
}

/** The `response` object: status phrase, success flag, result and size. */
export function renderResponse(outcome: Outcome): string {
  const size = outcome.size === undefined ? '' : `,"size":${outcome.size}`
  return `{"status":"${STATUS_PHRASES[outcome.statusCode]}","success":${outcome.statusCode === SUCCESS},"result":${outcome.resultJson}${size}}`
}
