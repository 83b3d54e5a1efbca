/** What a runtime's answer means: OpenWhisk's table of outcomes and error texts (OpenWhisk: ContainerResponse, ActivationResponse). */

import type { ContainerEnd } from '../containers/container-factory.ts'
import type { RuntimeReply } from '../containers/runtime-channel.ts'
import type { Outcome } from '../model/activation.ts'
import { APPLICATION_ERROR, DEVELOPER_ERROR, SUCCESS, errorOutcome } from '../model/activation.ts'
import type { JsonObject } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'

export type Phase = 'init' | 'run'

/** Texts of outcomes that the platform words. */
export const MESSAGES = {
  initExited: 'The action did not initialize and exited unexpectedly.',
  runExited: 'The action did not produce a valid response and exited unexpectedly.',
  outOfMemory: 'The action exhausted its memory and was aborted.',
  logsMayBeMissing: 'The action did not initialize or run as expected. Log data might be missing.',
  logsIncomplete: 'There was an issue while collecting your logs. Data might be missing.',
  timedOut: (ms: number): string => `The action exceeded its time limits of ${ms} milliseconds.`,
  initTimedOut: (ms: number): string =>
    `The action exceeded its time limits of ${ms} milliseconds during initialization.`,
  invalidInit: (body: string): string =>
    body === '' ? 'The action failed during initialization.' : `The action failed during initialization: ${body}`,
  invalidRun: (body: string): string =>
    body === ''
      ? 'The action did not produce a valid JSON or JSON Array response.'
      : `The action did not produce a valid JSON or JSON Array response: ${body}`,
  truncated: (length: number, limit: number, prefix: string): string =>
    `The action produced a response that exceeded the allowed length: ${length} > ${limit} bytes. The truncated response was: ${prefix}`,
} as const

/** The outcome of a run that was answered. `limits`: longest result in bytes, and how much of a longer one its message keeps. */
export function classifyRun(
  reply: Exclude<RuntimeReply, { type: 'lost' }>,
  limitBytes: number,
  truncationBytes: number,
): Outcome {
  if (reply.type === 'tooLarge') return tooLarge(APPLICATION_ERROR, reply, limitBytes, truncationBytes)
  if (reply.body.length > limitBytes) {
    const { body, status } = reply
    const cut = { type: 'tooLarge', status, length: body.length, prefix: body } as const
    return tooLarge(APPLICATION_ERROR, cut, limitBytes, truncationBytes)
  }
  const text = reply.body.toString('utf8')
  const parsed = parse(text)
  const size = text.length
  if (reply.status === 200) {
    if (isJsonObject(parsed)) {
      if (Object.hasOwn(parsed, 'error')) return errorResult(APPLICATION_ERROR, parsed, text)
      return { statusCode: SUCCESS, resultJson: text, size }
    }
    if (Array.isArray(parsed)) return { statusCode: SUCCESS, resultJson: text, size }
  } else if (isJsonObject(parsed) && Object.hasOwn(parsed, 'error')) {
    return errorResult(DEVELOPER_ERROR, parsed, text)
  }
  return { ...errorOutcome(DEVELOPER_ERROR, MESSAGES.invalidRun(text)), size }
}

/** The outcome of a failed init, or undefined when the init succeeded. */
export function classifyInit(
  reply: Exclude<RuntimeReply, { type: 'lost' }>,
  limitBytes: number,
  truncationBytes: number,
): Outcome | undefined {
  if (reply.status === 200) return undefined
  if (reply.type === 'tooLarge') return tooLarge(DEVELOPER_ERROR, reply, limitBytes, truncationBytes)
  const text = reply.body.toString('utf8')
  const parsed = parse(text)
  return isJsonObject(parsed) && Object.hasOwn(parsed, 'error')
    ? errorResult(DEVELOPER_ERROR, parsed, text)
    : errorOutcome(DEVELOPER_ERROR, MESSAGES.invalidInit(text))
}

/** The outcome of an init or a run whose container went away; `end` is how, or undefined when that did not become known in time. */
export function classifyLost(phase: Phase, end: ContainerEnd | undefined): Outcome {
  if (end?.cause === 'outOfMemory') return errorOutcome(DEVELOPER_ERROR, MESSAGES.outOfMemory)
  return errorOutcome(DEVELOPER_ERROR, phase === 'init' ? MESSAGES.initExited : MESSAGES.runExited)
}

/** The outcome of an init or a run that reached the action's time limit. */
export function classifyTimeout(phase: Phase, limitMs: number): Outcome {
  return errorOutcome(DEVELOPER_ERROR, phase === 'init' ? MESSAGES.initTimedOut(limitMs) : MESSAGES.timedOut(limitMs))
}

/** `{"error": …}` of what the action answered; all other members are dropped, as OpenWhisk does. */
function errorResult(
  statusCode: typeof APPLICATION_ERROR | typeof DEVELOPER_ERROR,
  parsed: JsonObject,
  text: string,
): Outcome {
  const size = text.length
  if (Object.keys(parsed).length === 1) return { statusCode, resultJson: text, size }
  try {
    return { statusCode, resultJson: `{"error":${JSON.stringify(parsed['error'])}}`, size }
  } catch {
    // Nested so deeply that it can be parsed but not serialised.
    return { ...errorOutcome(DEVELOPER_ERROR, MESSAGES.invalidRun('')), size }
  }
}

function tooLarge(
  statusCode: typeof APPLICATION_ERROR | typeof DEVELOPER_ERROR,
  reply: { readonly length: number; readonly prefix: Buffer },
  limitBytes: number,
  truncationBytes: number,
): Outcome {
  const prefix = reply.prefix.subarray(0, truncationBytes).toString('utf8')
  return { ...errorOutcome(statusCode, MESSAGES.truncated(reply.length, limitBytes, prefix)), size: reply.length }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
