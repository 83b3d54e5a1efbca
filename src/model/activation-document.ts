/**
 * A stored record taken apart without parsing its result: `renderRecord` writes the parts in a fixed order, and the markers between them cannot occur
 * inside a JSON string, where their quotes would be escaped. Results are up to 1 MB and a list shows 200 records, so parsing them would stop
 * the process for a second.
 */

import type { JsonObject } from './json.ts'

export interface ActivationParts {
  /** Fields before `response`: names, version, subject, id and times. */
  readonly head: JsonObject
  /** JSON text of the `response` object. */
  readonly responseJson: string
  /** JSON text of the array of log lines. */
  readonly logsJson: string
  /** Fields after `logs`: cause and annotations. */
  readonly tail: JsonObject
}

const RESPONSE = ',"response":{'
const LOGS = ',"logs":['

/** The parts of a record's JSON text, whoever wrote it. */
export function activationParts(document: string): ActivationParts {
  return spliced(document) ?? parsed(document)
}

function spliced(document: string): ActivationParts | undefined {
  const response = document.indexOf(RESPONSE)
  // The last of them: a result may hold such a field too, but what follows the logs does not.
  const logs = document.lastIndexOf(LOGS)
  if (response < 0 || logs < response) return undefined
  const logsStart = logs + LOGS.length - 1
  const logsEnd = endOfTexts(document, logsStart)
  if (logsEnd === undefined) return undefined
  try {
    const head: JsonObject = JSON.parse(`${document.slice(0, response)}}`)
    const rest = document.slice(logsEnd)
    const tail: JsonObject = JSON.parse(rest.startsWith(',') ? `{${rest.slice(1)}` : `{${rest}`)
    // Fields in another order than ours: somebody else wrote the document.
    if (head['activationId'] === undefined || tail['annotations'] === undefined) return undefined
    const responseJson = document.slice(response + RESPONSE.length - 1, logs)
    return { head, responseJson, logsJson: document.slice(logsStart, logsEnd), tail }
  } catch {
    return undefined
  }
}

/** Where the array of strings that begins at `start` ends; undefined when it holds anything else. */
function endOfTexts(document: string, start: number): number | undefined {
  for (let at = start + 1; at < document.length; at++) {
    const character = document[at]
    if (character === ']') return at + 1
    if (character === '"') {
      at++
      while (at < document.length && document[at] !== '"') at += document[at] === '\\' ? 2 : 1
    } else if (character !== ',') return undefined
  }
  return undefined
}

function parsed(document: string): ActivationParts {
  const { response, logs, cause, annotations, ...head }: JsonObject = JSON.parse(document)
  return {
    head,
    responseJson: JSON.stringify(response),
    logsJson: JSON.stringify(logs ?? []),
    tail: { ...(cause !== undefined && { cause }), annotations: annotations ?? [] },
  }
}

/** The record as lists show it: no response, no logs, no subject; the status code where the activation has an end (triggers have none). */
export function activationSummary(document: string, statusCode: number): JsonObject {
  const { head, tail } = activationParts(document)
  const { subject: _, ...shown } = head
  return { ...shown, ...tail, ...(head['end'] !== undefined && { statusCode }) }
}
