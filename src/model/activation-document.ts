/** What the API shows of a stored record besides the whole: its response, its logs, its line in a list. */

import type { Outcome, StatusCode } from './activation.ts'
import type { JsonObject } from './json.ts'
import { membersOf } from './json-members.ts'
import { isJson } from './json.ts'

const RESPONSE = ',"response":{'
const LOGS = ',"logs":['

/**
 * JSON text of the record's `response`. Cut out of the text, not parsed and rendered again: a number that JavaScript cannot hold must be the same
 * here and in the whole record.
 */
export function responseJson(document: string): string {
  const start = document.indexOf(RESPONSE) + RESPONSE.length - 1
  // The last of them: a result may hold such a field too, but what follows the logs does not.
  const cut = document.slice(start, Math.max(start, document.lastIndexOf(LOGS)))
  if (isJson(cut)) return cut
  // Somebody else wrote the document, with its fields in another order than `renderRecord`.
  const { response }: JsonObject = JSON.parse(document)
  return JSON.stringify(response ?? {})
}

/** How the activation of a stored record ended, and how long in ms it took. */
export function recordedEnd(
  document: string,
  statusCode: StatusCode,
): { readonly outcome: Outcome; readonly durationMs: number } {
  const response = membersOf(responseJson(document))
  const size = response.get('size')
  const { duration }: JsonObject = JSON.parse(document)
  const outcome: Outcome = {
    statusCode,
    resultJson: response.get('result') ?? '{}',
    ...(size !== undefined && { size: Number(size) }),
  }
  return { outcome, durationMs: typeof duration === 'number' ? duration : 0 }
}

/** JSON text of the record's log lines. */
export function logsJson(document: string): string {
  const { logs }: JsonObject = JSON.parse(document)
  return JSON.stringify(logs ?? [])
}

/**
 * The record as lists show it: no response, no logs, no subject; the status code where the activation has an end (those of triggers have none).
 * `document` may be a whole record or lack those parts already. The duration is that from start to end, which for a sequence differs from the record's:
 * there it is the sum of its parts, as in OpenWhisk.
 */
export function listedActivation(document: string, statusCode: number): JsonObject {
  const { response: _response, logs: _logs, subject: _subject, ...shown }: JsonObject = JSON.parse(document)
  const { start, end } = shown
  if (end === undefined) return shown
  const duration = typeof start === 'number' && typeof end === 'number' ? { duration: end - start } : {}
  return { ...shown, ...duration, statusCode }
}
