/** What lists show of a record: the document without the parts that may be megabytes, and without the subject. */

import { isJsonObject } from '../model/json.ts'

/** The record's JSON text without `response`, `logs` and `subject`. Throws when it is no JSON object. */
export function summaryOf(document: string): string {
  const record: unknown = JSON.parse(document)
  if (!isJsonObject(record)) throw new TypeError('an activation record is a JSON object')
  const { response: _response, logs: _logs, subject: _subject, ...summary } = record
  return JSON.stringify(summary)
}
